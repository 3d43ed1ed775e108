"""They talk: the actor speaks with both hands, the other nods, then answers with a hand."""

import numpy as np

from vimotion.choreography.curves import oscillation
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import Performer
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held

WORDS = """
@do
(~chat|~talk) with {B.obj}
~have a conversation with {B.obj}
~talk to {B.obj} with lively hands
@both
(~chat|~talk)
~have a conversation
~talk to each other, gesturing with their hands
@start
~begin to talk
@answer
~listen and ~answer
@noun
(chat|conversation)
talk with gestures
"""


def play(stage: Stage, begin: float) -> float:
    random = stage.random("chat")
    turn = float(random.uniform(1.5, 2.1))
    start = begin
    for person, listener in ((stage.actor, stage.other), (stage.other, stage.actor)):
        hands = SIDES if person is stage.actor else (str(random.choice(SIDES)),)
        _speak(person, random, start, start + turn, hands)
        for nod in start + turn * np.array([0.35, 0.75]) + random.uniform(-0.1, 0.1, 2):
            listener.pulse("nod", 0.14 * listener.manner.size, nod, nod + 0.22, nod + 0.5)
        listener.pulse("side", 0.03 * float(random.choice([-1.0, 1.0])), start, start + 0.5 * turn, start + turn)
        stage.label("speak", start, start + turn, person)
        start += turn - 0.1
    return start + 0.75 * stage.manner.effort


def _speak(person: Performer, random: np.random.Generator, start: float, end: float, hands: tuple[str, ...]) -> None:
    """Hands before the belly beat along with the words."""
    size = person.manner.size
    for side in hands:
        beats, lift = int(random.integers(2, 4)), 0.06 * size * float(random.uniform(0.8, 1.2))

        def beat(times: np.ndarray, beats: int = beats, lift: float = lift) -> np.ndarray:
            up = lift * oscillation(times, start + 0.4, end, beats)
            return np.stack([0.8 * up, up, -0.3 * up], axis=-1)

        at = (0.15 + 0.1 * float(random.random()), -0.42 + 0.06 * size, 0.45)
        person.reach(side, start + 0.5, Held(at, (-0.2, 0.4, 0.9), (-0.3, 0.8, -0.1), motion=beat), 0.5)
        person.rest_hand(side, end, 0.6)
    person.pulse("pitch", 0.05 * size, start, start + 0.6, end)
    person.pulse("tilt", 0.08 * float(random.choice([-1.0, 1.0])), start + 0.3, start + 0.9, end)


_POSTURES = (("stand", "stand"), ("chair", "chair"), ("ground", "ground"))
KIND = Kind("chat", play, Arrangement(1.05), WORDS, "talk", mutual=True, sided=False, postures=_POSTURES)
