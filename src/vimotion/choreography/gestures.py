"""What hands do in many kinds: laid on somebody, pats, kneading, holding an arm. Each writes its own labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vimotion.choreography.curves import bump, minimum_jerk, oscillation, strike
from vimotion.choreography.performer import Performer, at_target
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import ELBOW, SIDES, Held, Meeting, Motion, OnBody, Target, Vector, drawn_fist, guard


def opposite(side: str) -> str:
    return "left" if side == "right" else "right"


def lay_hand(
    stage: Stage, person: Performer, side: str, place: str, touch: float, leave: float, *, fingers: Vector = (0.0, 0.6, 1.0),
    elbow: Vector = ELBOW, duration: float = 0.6, away: float = 0.65, lift: Motion | None = None,
    profile: Callable[[np.ndarray], np.ndarray] | None = None, arc: Vector = (0.0, 0.0, 0.0),
) -> float:  # fmt: skip
    """A hand lies on a place of the other's body (a key of `motion.SURFACE`) from `touch` to `leave`; when it sets off.

    `arc` is how far the way there and back bulges, as in `Performer.reach`.
    """
    at = OnBody(1 - person.index, place, fingers, elbow, lift=lift)
    start = person.reach(side, touch, at, duration, profile=profile, arc=arc)
    person.rest_hand(side, leave, away, arc=arc)
    if lift is None:
        stage.label_contact(touch, leave, person, f"{side}_palm", place)
    return start


def pats(
    stage: Stage, person: Performer, side: str, place: str, touch: float, name: str, *, period: float = 0.42,
    press: float = 0.12, height: float = 0.11, fingers: Vector = (0.0, 0.6, 1.0), elbow: Vector = ELBOW,
) -> list[float]:  # fmt: skip
    """`stage.count` light blows of the hand on a place, labelled `name`; when each of them lands."""
    touches = [touch + number * period for number in range(stage.count)]

    def lift(times: np.ndarray) -> np.ndarray:
        up = np.zeros_like(times)
        for start in touches[:-1]:
            up += height * person.manner.size * bump((times - start - press) / (period - press)) ** 0.7
        return up

    lay_hand(stage, person, side, place, touch, touches[-1] + press, fingers=fingers, elbow=elbow, lift=lift, duration=0.5)
    for start in touches:
        stage.label_contact(start, start + press, person, f"{side}_palm", place)
        stage.label(name, start - 0.1, start + press, person, f"{side}_palm")
    return touches


def knead(
    stage: Stage, person: Performer, places: Sequence[tuple[str, str]], touch: float, leave: float, *, fingers: Vector,
    elbow: Vector = ELBOW, period: float = 0.55,
) -> None:  # fmt: skip
    """Both hands knead what they lie on: (side, place) each; their pressing shows in the trunk that they push."""
    cycles = max(2, round((leave - touch) / period))

    def press(times: np.ndarray) -> np.ndarray:
        return 0.008 * (1.0 + oscillation(times, touch, leave, cycles))

    for side, place in places:
        lay_hand(stage, person, side, place, touch, leave, fingers=fingers, elbow=elbow, lift=press)
        stage.label_contact(touch, leave, person, f"{side}_palm", place)
    for number in range(cycles):
        at = touch + number * (leave - touch) / cycles
        person.pulse("pitch", 0.035 * person.manner.size, at, at + 0.3 * period, at + 0.8 * period)


def stroke(
    stage: Stage, person: Performer, side: str, place: str, touch: float, leave: float, cycles: int, *, fingers: Vector,
    elbow: Vector = ELBOW, duration: float = 0.7, arc: Vector = (0.0, 0.0, 0.0),
) -> None:  # fmt: skip
    """The hand strokes a place: it presses more and less, `cycles` times."""

    def press(times: np.ndarray) -> np.ndarray:
        return 0.010 * (1.0 + oscillation(times, touch + 0.1, leave, cycles))

    lay_hand(stage, person, side, place, touch, leave, fingers=fingers, elbow=elbow, lift=press, duration=duration, arc=arc)
    stage.label_contact(touch, leave, person, f"{side}_palm", place)


def clasp(stage: Stage, grip: Meeting, touch: float, leave: float, *, duration: float = 0.65, early: float = 0.0) -> None:
    """Both take each other's hand at `grip` and look at it; the actor's hand sets off `early` seconds before the other's."""
    for person in stage.people:
        hand = grip.sides[person.index]
        wait = early / person.manner.effort if person is stage.actor else 0.0
        start = person.reach(hand, touch, grip, duration + wait)
        person.look(start + 0.15, at_target(grip, person.index, hand), 0.3)
        person.rest_hand(hand, leave, 0.65)
        person.look(leave, stage.eyes(person))
    mine, theirs = (grip.sides[person.index] for person in (stage.actor, stage.other))
    stage.label_contact(touch, leave, stage.actor, f"{mine}_palm", f"{theirs}_palm")


def claps(
    person: Performer, side: str, clap: Target, ready: Target, touches: Sequence[float], press: float, back: float
) -> None:
    """The hand strikes `clap` at each of `touches`, stays for `press` seconds and is `ready` again `back` seconds later."""
    for touch in touches:
        person.reach(side, touch, clap, 0.26, profile=strike)
        if touch != touches[-1]:
            person.reach(side, touch + press + back, ready, 0.24)


def shove(stage: Stage, touch: float, stay: float) -> None:
    """The actor's hands draw back to the own chest and strike the other's, where they stay for some seconds."""
    actor, size = stage.actor, stage.actor.manner.size
    drawn = Held((-0.12, -0.28, 0.44 - 0.08 * size), (0.1, 1.0, 0.3), (0.0, 0.1, 1.0), elbow=(0.9, -0.7, -0.4))
    for side in SIDES:
        place = f"{opposite(side)}_chest"
        chest = OnBody(stage.other.index, place, fingers=(0.15, 1.0, 0.4), elbow=(0.8, -0.8, -0.2))
        actor.reach(side, touch - 0.3 * actor.manner.effort, drawn, 0.4)
        actor.reach(side, touch, chest, 0.3, profile=strike)
        stage.label_contact(touch, touch + stay, actor, f"{side}_palm", place)
    stage.label("push", touch - 0.3, touch + stay, actor, "right_palm")


def punch(stage: Stage, person: Performer, side: str, hit: float, place: str, duration: float) -> None:
    """A fist is drawn back and strikes a place of the other's body."""
    person.reach(side, hit - duration, drawn_fist(person.manner.size), 0.3, exact=True)
    blow = OnBody(1 - person.index, place, fingers=(0.0, 0.2, 1.0), elbow=(0.7, -0.7, -0.25))
    person.reach(side, hit, blow, duration, profile=strike, exact=True)
    stage.label_contact(hit, hit + 0.08, person, f"{side}_palm", place)


def pump_fist(starts: Sequence[float], beat: float, show: float, size: float) -> Motion:
    """From each start on a fist goes up and down three times, `beat` seconds each, and then ahead for `show` seconds."""

    def motion(times: np.ndarray) -> np.ndarray:
        up, forward = np.zeros_like(times), np.zeros_like(times)
        for start in starts:
            for number in range(3):
                up += 0.17 * size * bump((times - start) / beat - number) ** 0.6
            since = times - start - 3 * beat
            forward += 0.09 * minimum_jerk((since + 0.18) / 0.18) * minimum_jerk((show + 0.2 - since) / 0.2)
        return np.stack([0.0 * up, up - 0.4 * forward, forward], axis=-1)

    return motion


def swing_aside(starts: Sequence[float], duration: float, size: float) -> Motion:
    """At each start the arm swings out to its own side and comes back, within `duration` seconds."""

    def motion(times: np.ndarray) -> np.ndarray:
        out = np.zeros_like(times)
        for start in starts:
            out += (0.30 + 0.08 * size) * bump((times - start) / duration)
        return np.stack([out, 0.3 * out, -0.1 * out], axis=-1)

    return motion


def raise_fists(person: Performer, at: float, *, low: float = 0.0, exact: bool = False) -> None:
    """Both fists come up before the chin, `low` arm lengths under it."""
    for side in SIDES:
        person.reach(side, at, guard(person.manner.size, low), 0.45, exact=exact)


def talk_with_hand(person: Performer, side: str, random: np.random.Generator, start: float, end: float) -> None:
    """A hand before the belly beats along with the words."""
    size = person.manner.size
    beats, lift = int(random.integers(2, 4)), 0.06 * size * float(random.uniform(0.8, 1.2))

    def beat(times: np.ndarray) -> np.ndarray:
        up = lift * oscillation(times, start + 0.4, end, beats)
        return np.stack([0.8 * up, up, -0.3 * up], axis=-1)

    at = (0.15 + 0.1 * float(random.random()), -0.42 + 0.06 * size, 0.45)
    person.reach(side, start + 0.5, Held(at, (-0.2, 0.4, 0.9), (-0.3, 0.8, -0.1), motion=beat), 0.5)
    person.rest_hand(side, end, 0.6)


def hold_out(side: str, person: Performer, start: float, at: Vector = (0.05, -0.55, 0.42)) -> None:
    """The forearm comes up before the body, where another can take it."""
    person.reach(side, start, Held(at, pronation=0.6), 0.5, exact=True)
