"""What hands do in many kinds: laid on somebody, pats, kneading, holding an arm. Each writes its own labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vimotion.choreography.curves import bump, oscillation
from vimotion.choreography.performer import Performer
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import ELBOW, Held, Motion, OnBody, Vector


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


def hold_out(side: str, person: Performer, start: float, at: Vector = (0.05, -0.55, 0.42)) -> None:
    """The forearm comes up before the body, where another can take it."""
    person.reach(side, start, Held(at, pronation=0.6), 0.5, exact=True)
