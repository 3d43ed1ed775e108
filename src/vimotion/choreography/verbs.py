"""A small English conjugator: verb phrases are written once, in the base form, and told in every form.

Each verb of a phrase is marked: "~raise {A.his} right hand and ~wave". `conjugate` puts all of them into one form; a phrase
whose marks stay is finite, and agrees with its subject once that is known (see `cast`).
"""

from __future__ import annotations

import re
from typing import Literal

Form = Literal["base", "plural", "third", "gerund", "past", "participle"]

VERB = re.compile(r"~([a-z-]+)")
# Past and participle of the irregular verbs in use.
_IRREGULAR = {
    "be": ("was", "been"), "have": ("had", "had"), "do": ("did", "done"), "go": ("went", "gone"), "come": ("came", "come"),
    "give": ("gave", "given"), "take": ("took", "taken"), "shake": ("shook", "shaken"), "hold": ("held", "held"),
    "put": ("put", "put"), "let": ("let", "let"), "hit": ("hit", "hit"), "set": ("set", "set"), "sit": ("sat", "sat"),
    "stand": ("stood", "stood"), "bend": ("bent", "bent"), "fall": ("fell", "fallen"),
    "strike": ("struck", "struck"), "throw": ("threw", "thrown"), "blow": ("blew", "blown"), "swing": ("swung", "swung"),
    "lay": ("laid", "laid"), "lead": ("led", "led"), "run": ("ran", "run"), "rise": ("rose", "risen"), "get": ("got", "got"),
    "make": ("made", "made"), "keep": ("kept", "kept"), "bring": ("brought", "brought"), "catch": ("caught", "caught"),
    "fight": ("fought", "fought"), "hang": ("hung", "hung"), "sink": ("sank", "sunk"), "cling": ("clung", "clung"),
    "speak": ("spoke", "spoken"), "leave": ("left", "left"), "meet": ("met", "met"), "show": ("showed", "shown"),
    "draw": ("drew", "drawn"), "stick": ("stuck", "stuck"), "tread": ("trod", "trodden"),
    "spread": ("spread", "spread"), "say": ("said", "said"), "tell": ("told", "told"), "see": ("saw", "seen"),
    "begin": ("began", "begun"), "bear": ("bore", "borne"), "ride": ("rode", "ridden"),
    "wind": ("wound", "wound"), "flee": ("fled", "fled"), "beat": ("beat", "beaten"), "steal": ("stole", "stolen"),
    "feel": ("felt", "felt"), "find": ("found", "found"),
}  # fmt: skip
_DOUBLED = re.compile(r"([^aeiou]|qu)*[aeiou][bdgklmnprt]|begin")


def conjugate(phrase: str, form: Form) -> str:
    """`phrase` with each of its marked verbs in this form."""
    return VERB.sub(lambda match: inflect(match[1], form), phrase)


def inflect(verb: str, form: Form) -> str:
    """One form of a verb that is given in the base form: `inflect("push", "third")` is "pushes"."""
    if form in ("base", "plural"):
        return "are" if (verb, form) == ("be", "plural") else verb
    if form == "third":
        return {"be": "is", "have": "has"}.get(verb) or _third(verb)
    if form == "gerund":
        return _gerund(verb)
    past = _IRREGULAR.get(verb, (_past(verb),) * 2)
    return past[0] if form == "past" else past[1]


def _third(verb: str) -> str:
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(s|x|z|ch|sh|o)$", verb) else "s")


def _gerund(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if re.search(r"[^eoy]e$", verb) and verb != "be":
        return verb[:-1] + "ing"
    return _stem(verb) + "ing"


def _past(verb: str) -> str:
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return verb + "d" if verb.endswith("e") else _stem(verb) + "ed"


def _stem(verb: str) -> str:
    """The verb before an ending that begins with a vowel."""
    return verb + verb[-1] if _DOUBLED.fullmatch(verb) else verb
