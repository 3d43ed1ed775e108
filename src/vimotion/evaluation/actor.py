"""Who acts by a text."""

from __future__ import annotations

import re

from vimotion.evaluation.people_in_text import OBJECT, mentions, plain
from vimotion.evaluation.text import kinds_by_name, named_kinds

_OTHER = {"a": "b", "b": "a"}
_DONE_TO = (
    "(?:patted|pushed|shoved|thrust|chased|hunted|pursued|followed|tapped|clapped|slapped|thumped|waved|greeted|punched|attacked|"
    "hit|driven|forced|thrown|knocked|sent|hugged|embraced|invited|offered|saluted|moved|struck|approached|led|joined by|"
    "massaged|kneaded|kissed|told|kicked|touched (?:on|by)|stroked|comforted|consoled|dragged|pulled|helped|supported|carried|"
    "given|handed|grabbed|seized|held|silenced|bumped|covered|blown|pointed|shown|blocked|slapped|stepped on)"
)
# "B is pushed": B is acted upon; "a push by A", "the bow of A": A acts; "the bow is returned by B": B answers
_PASSIVE = re.compile(rf"\b(?:is|are|gets?|getting|being|was|been|got|has|having|have|feels?) (?:[\w'-]+ ){{0,4}}?{_DONE_TO}\b")
_AGENT = re.compile(
    r"\b(?:(?:by|from)|(?:bow|wave|punch|blow|fist|push|shove|pats?|offer|invitation|lead|hand|palm|greeting|gesture|arms?) of)"
    r" (?:the )?$"
)
_NO_AGENT = re.compile(
    r"\b(?:away|off|back|run\w*|ran|flee\w*|escap\w*|distance|steps?) from (?:the )?$"
    r"|\b(?:pass\w*|walk\w*|go\w*|stand\w*|close|hard|near) by (?:the )?$"
)
_ANSWERED = re.compile(
    r"\b(?:answered|returned|met|taken|accepted|dodged|avoided|evaded|joined|copied|echoed|mirrored)(?: [\w-]+){0,3} by"
    r" (?:the )?$"
)
# Sentences that only tell where people are and how they look, and who is looked at before anything is told of them.
_SETTING = re.compile(
    r"\b(?:sits? (?:down )?on (?:a|the) (?:chair|seat|ground|floor)|(?:is|are) seated|seems?|behaves?|hesitates?|stands? tall|"
    r"looks? (?!at|back|round|down|over|away)|moves? (?:\w+ly|like|with)|bounces? a|shows? respect|puts? a lot|makes? big|"
    r"(?:is|are) (?:in a|bent|(?:visibly |deeply )?moved|\w+(?=\.))|keeps? (?:his|her|their) (?:eyes|movements)|"
    r"(?:lets?|holds?) (?:his|her|their) head)\b"
)
_LOOKED_AT = re.compile(r"\b(?:see|shows?|showing|watch|look at|have|when|way|how) (?:the )?$")
_ACTOR = re.compile(r"^ (?:as|is|are) the one who\b")
# What somebody does who is acted upon, or who only answers: the other one acts or starts.
_ANSWERS = re.compile(
    r"\b(?:dodg|duck|evad|avoid|sidestep|weav|stagger|stumbl|reel|flee|fled|escap|receiv|answer|return|respond|repl[yi]|accept|"
    r"join|nod|watch|react|listen|wait|flinch|winc|imitat|mimic|mirror|cop(?:y|ie)|follow)\w*|"
    r"\b(?:run|ran|sprint|dash|race|bolt|get|hurr)\w* (?:away|from|off|out of)\b|\b(?:falls? in|fell in)\b|"
    r"\b(?:lean|mov|bend|slip|step|dip|drop)\w* (?:away|aside|back|out|under|below|clear)\b|"
    r"\btakes? (?:it|the (?:\w+ )?hand)\b|\b(?:keeps|catches) up\b|\bgets? (?:a|an|one|two|three|four|some|several)\b|"
    r"\bback away\b|\bin (?:turn|return|reply)\b|\b(?:sees|feels)\b|\bgiv\w* way\b|"
    r"\b(?:lower|hang|roll|shak|turn)\w* (?:his|her|their) head\b|\b(?:stand|get|ris)\w* (?:up|to)\b|\bgo\w* down too\b|"
    r"\b(?:rid(?:e|es|ing)|hav\w*|has) (?:[\w']+ ){0,4}(?:back|lap)\b|\b(?:lay|put)\w* a hand (?:on|to) (?:his|her|their)\b|"
    r"\btak\w+ (?:something|it|an object)\b(?! to)|\bgets? (?:blocked|a (?:punch|blow))\b|"
    r"\bgrip\w* (?:it|the hand)\b|\bbow\w* back\b|\bhold\w* on to (?:his|her|their) shoulders\b|\bdo(?:es|ing)? the same\b|"
    r"\bhook\w* an arm into it\b|\bcom\w* (?:the other way|into the embrace)\b|\bfall\w* (?:down|to)\b|\bmak\w* a v sign\b|"
    r"\b\w+ (?:[\w']+ ){0,3}too\b|\bturn\w* (?:round|around)\b|\bleans? on\b|\bwalk\w* along beside\b|"
    r"\bpull\w* (?:his|her|their) arm\b|\bholds? (?:them|him|her)\b"
)
_COUNTERED = re.compile(
    r"\bget(?:s|ting)? (?:blocked|a (?:punch|blow|hit) back)\b|\b(?:punch|attack)\w* (?:at )?$|"
    r"^ (?:having|has|riding|rides) .{0,40}\b(?:lap|back)\b"
)
_ACTS = re.compile(
    r"\b(?:punch|swing|strik|throw|jab|box|aim|lung|lean\w* in\b|set\w* off|lead|push|shov|thrust|chas|pursu|hunt|pat|wav|"
    r"offer|extend|reach|rais|lift|start|begin|initiat|open|stretch|greet|invit|set|put|lay|challeng|propos|massag|knead|kiss|"
    r"whisper|slap|kick|touch|strok|comfort|consol|drag|pull(?!\w* (?:his|her|their) arm)|help|support|carr|giv|hand|pass|"
    r"show|hook(?!\w* an arm into it)|link|grab|seiz|hold(?!\w* (?:them|him|her|on to \w+ shoulders|out a fist too)\b)|held|"
    r"cover|block|fend|attack|tread|bump|nudg|knock|blow|point|shak|danc|teach|crouch|bow(?!s? back)|bend|high-?fiv|hug|"
    r"embrac|plays?\b|playing|step\w* on|walk\w* (?:beside|next to|along with|side))\w*|"
    r"\btak\w+ (?:a seat|hold|[\w' ]+ on (?:his|her|their) back|[\w' ]+(?:arm|hand))\b|\bsit\w* (?:down )?on (?!a\b)|"
    r"\b(?:run|sprint|race|dash)\w* (?:after|behind|to catch|at)\b|\bfirst\b|\btries to (?:catch|hit|reach)\b"
)
# The one who claps answers in a high five, and acts elsewhere
_CLAPS = re.compile(r"\b(?:clap|slap|smack|hit|meet|strik|tap)\w*")
# Who blocks a blow answers it
_BLOCKS = re.compile(r"\b(?:block|fend|ward|parr)\w*|\braise\w* (?:a|the|his|her|their) forearm")
_HITS = re.compile(r"\b(?:claps|slaps|hits|taps|thumps|clapping|slapping|tapping)\b")


def named_actor(text: str) -> str | None:
    """Who acts or starts by a text: "a" (the first person, person A, person 1), "b", or None where it does not say.

    The first one of whom something is told that only one who acts does, or (turned round) only one who is acted upon or who
    answers: "B is pushed", "runs away", "answers". Else the first subject acts, and nobody acts who is only an object.
    """
    text = _first_act(_without_settings(text))
    words, named = plain(text), mentions(text)
    kinds = named_kinds(text)
    high_five = "high_five" in kinds
    answer = _CLAPS if high_five else _BLOCKS if "block" in kinds else None
    guesses = []
    for (start, end, person), stop in zip(named, [*[mention[0] for mention in named[1:]], len(words)], strict=False):
        before, tells = words[:start], re.split(r"[.;!?] ", words[end:stop])[0]
        if _ACTOR.search(tells):
            return person
        if _ANSWERED.search(before):
            return _OTHER[person]
        if tells.startswith("'s"):  # what is somebody's is acted upon
            guesses.append((2, _OTHER[person]))
            continue
        if _AGENT.search(before) and not _NO_AGENT.search(before):
            return person
        if OBJECT.search(before) and not _LOOKED_AT.search(before):
            guesses.append((1, _OTHER[person]))
            continue
        acts = _earliest(_ACTS.search(tells), None if high_five else _HITS.search(tells))
        answers = _earliest(_ANSWERS.search(tells), answer.search(tells) if answer else None)
        if _PASSIVE.search(tells) or (answers <= acts and answers < len(words)) or _COUNTERED.search(words[end:]):
            return _OTHER[person]
        if acts < answers:
            return person
        guesses.append((0, person))
    return min(guesses, key=lambda guess: guess[0])[1] if guesses else None


def _first_act(text: str) -> str:
    """Of a text that tells of several acts what it says before the second one begins."""
    parts = re.split(r"((?:,| and)+ then |, followed by |(?<=\.) (?:Then|Next|After that) )", text)
    for number in range(1, len(parts), 2):
        told = "".join(parts[:number])
        if mentions(told) and kinds_by_name(told) and kinds_by_name(text) != kinds_by_name(told):
            return told
    return text


def _without_settings(text: str) -> str:
    """A text without the sentences that only tell where people are and how they look; all of it where there is no other."""
    sentences = re.split(r"(?<=[.;!?]) ", text)
    told = [each for each in sentences if kinds_by_name(each) or not _SETTING.search(plain(each))]
    return " ".join(told or sentences)


def _earliest(*matches: re.Match[str] | None) -> float:
    """Where the first of these matches begins; infinity without any."""
    return min((match.start() for match in matches if match), default=float("inf"))
