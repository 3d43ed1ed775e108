"""Role-play: the user moves as person A, and the assistant as person B, who has a part and a manner and keeps them."""

from __future__ import annotations

from vimotion.choreography import KINDS, possible_edits
from vimotion.inter_mt2.scenes import trait_of
from vimotion.inter_mt2.script import SLOTS, Script
from vimotion.inter_mt2.spoken import spoken
from vimotion.inter_mt2.story import parts_of
from vimotion.tasks.templates import Words

_TURNS = {2: 0.45, 3: 0.42, 4: 0.13}
# How often the parts are given in a system message, and how often the character says what it does before the motion is told.
_SYSTEM, _SAID = 0.5, 0.45
_STEPS = {"next": 0.25, "manner": 0.25, "me": 0.12, "feel": 0.25, "why": 0.25, "who": 0.1}
_MOTIONS = ("next", "manner", "me")
_USER, _SELF = SLOTS["a"], SLOTS["b"]


def write_role(script: Script) -> None:
    """Two to four turns with at most one new motion."""
    role = _Role(script)
    turns = script.weighted(_TURNS)
    role.begin()
    while script.turns < turns and role.step():
        pass


class _Role:
    """The turns of one conversation; `take` is the motion that was shown last, `act` the act in question."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.take = script.source
        self.act = 0
        self.parts = dict(zip((_USER, _SELF), parts_of(script), strict=True))
        self.traits = {slot: trait_of(self.take.told["people"][slot]) for slot in (_USER, _SELF)}
        self._left = set(_STEPS)

    def begin(self) -> None:
        script = self.script
        words, values = self._words(_SELF), self._values()
        motion = script.show(self.take, "a")
        if script.happens(_SYSTEM):
            script.system(script.asking("role_system", words, values))
            script.user("role", script.asking("role_begin", words, values), motion)
        else:
            script.user("role", script.asking("role_given", words, values), motion)
        said = self._says() if script.happens(_SAID) else ""
        script.answer(said, self.take.account(), script.show(self.take))

    def step(self) -> bool:
        """One more turn; whether there is one."""
        every = {
            "next": self._next, "manner": self._manner, "me": self._manner_of_user, "feel": self._feel, "why": self._why,
            "who": self._who,
        }  # fmt: skip
        while self._left:
            turn = self.script.weighted({name: share for name, share in _STEPS.items() if name in self._left})
            self._left -= set(_MOTIONS) if turn in _MOTIONS else {turn}
            if every[turn]():
                return True
        return False

    # -- turns ---------------------------------------------------------------------------------------------------------------

    def _next(self) -> bool:
        """The user does something more, to which the character answers."""
        script = self.script
        found = script.continued(self.take, lambda act: act.actor == "a" or KINDS[act.kind].mutual)
        if not found:
            return False
        self.take, step = found
        self.act = len(self.take.acts) - 1
        script.user("next", script.asking("role_next", self._words(_SELF)), script.show(self.take, "a", first=step))
        said = self._says() if script.happens(_SAID) else ""
        script.answer(said, self.take.account(step), script.show(self.take, first=step))
        self._left.add("why")
        return True

    def _manner(self) -> bool:
        return self._changed("b", _SELF, "role_manner")

    def _manner_of_user(self) -> bool:
        return self._changed("a", _USER, "role_me")

    def _changed(self, who: str, slot: str, turn: str) -> bool:
        """The same once more with another manner of one of the two."""
        script = self.script
        for edit in script.shuffled(possible_edits(self.take.parameters)):
            # nobody grows old by wishing
            if edit.who == who and edit.name != "elderly" and script.fitting(edit.parameters):
                self.take = script.new(edit.parameters, edited=True)
                self.traits[slot] = trait_of(self.take.told["people"][slot])
                words = self._words(slot, facts=("manner",))
                values = self._values() | {"part": self.parts[slot]}
                script.user("manner" if slot == _SELF else "manner of the user", script.asking(turn, words, values))
                lead = script.phrase(turn, "lead", words, values) if script.happens(0.4) else ""
                script.answer(lead, self.take.account(), script.show(self.take))
                return True
        return False

    def _feel(self) -> bool:
        script, words = self.script, self._words(_SELF)
        script.user("feel", script.asking("role_feel", words, self._values()))
        script.answer(script.phrase("role_feel", "answer", words, self._values()))
        return True

    def _who(self) -> bool:
        script, words = self.script, self._words(_SELF)
        script.user("who", script.asking("role_who", words, self._values()))
        script.answer(script.phrase("role_who", "answer", words, self._values()))
        return True

    def _why(self) -> bool:
        """Why the character did what it did last, where it did something."""
        script, told = self.script, self.take.told["acts"][self.act]
        if told["mutual"] or told["actor"] == _SELF:
            subject = "they" if told["mutual"] else _SELF
            do, did, cause = told["do"], told["did"], told["cause"]
        elif "reason" in told:
            subject, do, did, cause = _SELF, told["react"], told["reacted"], told["happened"]
        else:
            return False
        words = self._words(_SELF)
        values = self._values() | {
            "you_do": spoken(f"{subject} {do}", _USER), "you_did": spoken(f"{subject} {did}", _USER),
            "you_short": "we" if subject == "they" else "you",
            "i_did": spoken(f"{subject} {did}", _SELF), "i_cause": spoken(cause, _SELF),
        }  # fmt: skip
        script.user("why in the role", script.asking("role_why", words, values))
        script.answer(script.phrase("role_why", "answer", words, values))
        return True

    # -- words ---------------------------------------------------------------------------------------------------------------

    def _says(self) -> str:
        """What the character does, in its own words."""
        told = self.take.told["acts"][self.act]
        if told["mutual"]:
            clause = f"they {told['do']}"
        elif told["actor"] == _SELF:
            clause = f"{_SELF} {told['do']}"
        elif "react" in told:
            clause = f"{_SELF} {told['react']}"
        else:
            return ""
        text = spoken(clause, _SELF)
        return f"{text[:1].upper()}{text[1:]}."

    def _words(self, person: str, facts: tuple[str, ...] = ()) -> Words:
        manner = self.take.parameters.manners["ab".index("b" if person == _SELF else "a")]
        return self.script.words(self.take, self.act, person, (*facts, manner))

    def _values(self) -> dict[str, str]:
        mine, yours = (self._with_trait(slot) for slot in (_SELF, _USER))
        return {"mine": mine, "yours": yours, "role": self.parts[_SELF]}

    def _with_trait(self, slot: str) -> str:
        return f"{self.traits[slot]} {self.parts[slot]}".strip()
