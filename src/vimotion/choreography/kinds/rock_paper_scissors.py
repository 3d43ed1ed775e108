"""Who stand pump a fist three times and show it, who sit swing it aside in turn, the actor first: for `count` rounds."""

from vimotion.choreography.gestures import pump_fist, swing_aside
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.reactions import lose, win
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

WORDS = """
@do
~play rock-paper-scissors with {B.obj}
~challenge {B.obj} to rock-paper-scissors
~swing {A.his} {side} fist in rock-paper-scissors with {B.obj}
@both
~play rock-paper-scissors
~play rock-paper-scissors with their {side} hands
~swing their {side} fists and ~show rock, paper or scissors
@start
~hold out {A.his}[ {side}] fist
@answer
~hold out a fist too
@noun
game of rock-paper-scissors
@units
rounds
@limb
hand
"""
_BEAT, _SHOW, _TURN, _BETWEEN = 0.3, 0.4, 0.8, 0.2  # seconds: a pump, showing, a swing aside and back, between rounds


def play(stage: Stage, begin: float) -> float:
    random, side, size = stage.random("rock_paper_scissors"), stage.side, stage.manner.size
    late = stage.late(0.3, 0.45)
    ready = begin + 0.65 + late
    sits = stage.actor.posture != "stand"
    length = 2 * _TURN if sits else 3 * _BEAT + _SHOW
    starts = [ready + 0.1 + number * (length + _BETWEEN) for number in range(stage.count)]
    done = starts[-1] + length
    for person, wait, turn in ((stage.actor, late, 0.0), (stage.other, 0.0, _TURN)):
        in_turn = swing_aside([start + turn for start in starts], _TURN, size)
        motion = in_turn if sits else pump_fist(starts, _BEAT, _SHOW, size)
        fist = Held((-0.12, -0.5, 0.52), (-0.1, 0.05, 1.0), (-1.0, 0.0, 0.0), motion=motion)
        person.reach(side, ready - wait, fist, 0.5, exact=True)
        person.pulse("pitch", 0.07 * size, ready - 0.5, ready, done + 0.5)
        person.look(starts[0], lambda view, own: view.positions[:, 1 - own, :13].mean(axis=1) + [0.0, 0.1, 0.0], 0.4)
        person.look(done - 0.3, stage.eyes(person), 0.35)
        person.rest_hand(side, done, 0.6)
    winner, loser = stage.people if random.random() < 0.5 else stage.people[::-1]
    win(winner, done)
    lose(loser, done)
    for start in starts:
        stage.label("round", start, start + length, stage.actor, f"{side}_palm")
    return done + 0.6 * stage.manner.effort + 0.5


_POSTURES: Postures = (("stand", "stand"), ("chair", "chair"), ("ground", "ground"))
KIND = Kind("rock_paper_scissors", play, Arrangement(1.12), WORDS, "contest", mutual=True, counts=(1, 2, 3), postures=_POSTURES)
