"""They talk: the actor speaks with both hands, the other nods, then answers with a hand."""

import numpy as np

from vimotion.choreography.gestures import talk_with_hand
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES

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
        for side in SIDES if person is stage.actor else (str(random.choice(SIDES)),):
            talk_with_hand(person, side, random, start, start + turn)
        person.pulse("pitch", 0.05 * person.manner.size, start, start + 0.6, start + turn)
        person.pulse("tilt", 0.08 * float(random.choice([-1.0, 1.0])), start + 0.3, start + 0.9, start + turn)
        for nod in start + turn * np.array([0.35, 0.75]) + random.uniform(-0.1, 0.1, 2):
            listener.pulse("nod", 0.14 * listener.manner.size, nod, nod + 0.22, nod + 0.5)
        listener.pulse("side", 0.03 * float(random.choice([-1.0, 1.0])), start, start + 0.5 * turn, start + turn)
        stage.label("speak", start, start + turn, person)
        start += turn - 0.1
    return start + 0.75 * stage.manner.effort


_POSTURES: Postures = (("stand", "stand"), ("chair", "chair"), ("ground", "ground"))
KIND = Kind("chat", play, Arrangement(1.05), WORDS, "talk", mutual=True, sided=False, postures=_POSTURES)
