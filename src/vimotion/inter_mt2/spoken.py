"""What is told of two people as one of them says it to the other: "{second} pushes {first}" becomes "I push you"."""

from __future__ import annotations

import re

_SLOTS = ("{first}", "{second}")
_FORMS = {"I": ("I", "me", "my"), "you": ("you", "you", "your"), "they": ("we", "us", "our")}
_BE = {"I": "am", "you": "are", "we": "are"}
_IRREGULAR = {"has": "have", "does": "do", "was": "was"}
# Where a slot is a subject: at the beginning, and behind these.
_SUBJECT = re.compile(r"(^|\bwhat |\bthat )(\{first\}|\{second\}|they\b)( really)? ?(\w*)")
# What "them" and "their" do not mean as elsewhere.
_MEANT = {"imitated them": "imitated {other}'s gestures", "imitate them": "imitate {other}'s gestures"}
_OTHERS = re.compile(r"\b((?:hold|held) on to|an arm round) their\b")


def spoken(text: str, speaker: str) -> str:
    """A clause of what is told, with its verb in any tense, as `speaker` ("{first}" or "{second}") says it to the other.

    In such clauses "their" is of the subject, and "them" is the one who is not the subject.
    """
    text = re.sub(r"\{(first|second)\} and \{(first|second)\}(?= have)", "they", text)
    pronoun = {slot: "I" if slot == speaker else "you" for slot in _SLOTS}
    subject = next((slot for slot in _SLOTS if text.startswith(slot)), "")
    other = next((slot for slot in _SLOTS if slot != subject), "")
    for plain, meant in _MEANT.items():
        text = text.replace(plain, meant)
    text = text.replace("{other}", other)
    own, others = _FORMS[pronoun.get(subject, "they")], _FORMS[pronoun[other]]
    text = _OTHERS.sub(rf"\1 {others[2]}", text)
    text = re.sub(r"\btheir\b", own[2], text)
    text = re.sub(r"\bthem\b", others[1], text)
    text = _SUBJECT.sub(lambda found: _agreeing(found, pronoun), text)
    for slot in _SLOTS:
        _, obj, owner = _FORMS[pronoun[slot]]
        text = text.replace(slot + "'s", owner).replace(slot, obj)
    return text


def _agreeing(found: re.Match[str], pronoun: dict[str, str]) -> str:
    before, subject, really, verb = found[1], found[2], found[3] or "", found[4]
    person = "we" if subject == "they" else pronoun[subject]
    return f"{before}{person}{really} {_base(verb, person)}".rstrip()


def _base(verb: str, person: str) -> str:
    """A verb of the third person for another one; a past form stays as it is."""
    if verb in ("is", "are"):
        return _BE[person]
    if person == "we" or verb in _IRREGULAR:
        return _IRREGULAR.get(verb, verb)
    if re.search(r"(ss|sh|ch|x|z)es$", verb):
        return verb[:-2]
    return re.sub(r"ies$", "y", verb) if verb.endswith("ies") else re.sub(r"(?<=[^s])s$", "", verb)
