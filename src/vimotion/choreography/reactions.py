"""How a body answers what is done to it, whatever the kind: giving way, flinching, ducking, falling."""

from __future__ import annotations

from collections.abc import Sequence

from vimotion.choreography.performer import Performer
from vimotion.choreography.targets import SIDES, Held, OnGround


def stagger(person: Performer, hit: float, size: float) -> None:
    """The chest gives way, the feet follow, the arms go up for balance."""
    person.key("pitch", (hit - 0.04, 0.0), (hit + 0.16, -0.2 * size), (hit + 0.5, 0.12 * size), (hit + 1.1, 0.0))
    person.key("nod", (hit - 0.02, 0.0), (hit + 0.1, 0.22 * size), (hit + 0.4, -0.05), (hit + 0.9, 0.0))
    person.key("up", (hit, 0.0), (hit + 0.35, -0.03 * size), (hit + 1.0, 0.0))
    person.feet.step(hit, forward=-0.34 * size, duration=0.66)
    for side in SIDES:
        flung = Held((0.25 + 0.1 * size, -0.62 + 0.15 * size, 0.35 + 0.1 * size), pronation=0.9)
        person.reach(side, hit + 0.34, flung, 0.3, exact=True)
        person.release(side, hit + 0.55, 0.6)


def flinch(person: Performer, hit: float, size: float, left: float = 0.0) -> None:
    """Trunk and head go away from a blow: back, and aside to the `left` (1) or right (−1)."""
    person.key("twist", (hit - 0.03, 0.0), (hit + 0.14, 0.22 * size * left), (hit + 0.8, 0.0))
    person.key("roll", (hit - 0.03, 0.0), (hit + 0.16, 0.10 * size * left), (hit + 0.9, 0.0))
    person.key("pitch", (hit - 0.03, 0.0), (hit + 0.15, -0.10 * size), (hit + 0.45, 0.06 * size), (hit + 1.0, 0.0))
    person.key("turn", (hit - 0.02, 0.0), (hit + 0.12, 0.4 * size * left), (hit + 0.9, 0.0))
    person.key("forward", (hit, 0.0), (hit + 0.25, -0.04 * size), (hit + 1.0, 0.0))


def win(person: Performer, at: float) -> None:
    """The chest comes out."""
    person.pulse("chest", -0.12, at, at + 0.4, at + 0.95)


def lose(person: Performer, at: float) -> None:
    """The head hangs, the shoulders go up for a moment."""
    person.pulse("nod", 0.25, at - 0.1, at + 0.3, at + 0.9)
    person.pulse("shrug", 0.12, at - 0.1, at + 0.25, at + 0.8)


def duck(person: Performer, hit: float, size: float, left: float) -> None:
    """Knees and trunk go down and aside, out of the way of a blow that lands at `hit`, and come up again."""
    start, low, end = hit - 0.34, hit - 0.02, hit + 0.62
    deep = 0.7 + 0.3 * size
    for channel, value in (("up", -0.24), ("hinge", 0.14), ("pitch", 0.20), ("roll", 0.42 * left), ("side", 0.07 * left),
                           ("forward", -0.13), ("nod", 0.12)):  # fmt: skip
        person.key(channel, (start, 0.0), (low, value * deep), (hit + 0.12, value * deep), (end, 0.0))


def fall(person: Performer, hit: float, duration: float = 0.95, hands: Sequence[str] = SIDES) -> float:
    """Backwards to the ground, on the seat, free `hands` behind; when the person sits there."""
    person.feet.step(hit, forward=-0.25, duration=0.5)
    down = hit + duration
    height, ahead = person.seat("ground")
    person.key("up", (hit + 0.15, 0.0), (down, height))
    person.key("forward", (hit + 0.1, 0.0), (down, -ahead))
    person.key("hinge", (hit, 0.0), (down - 0.1, -0.35), (down + 0.6, -0.3))
    person.key("pitch", (hit, 0.0), (hit + 0.25, -0.2), (down, 0.12), (down + 0.6, 0.1))
    person.key("nod", (hit + 0.2, 0.0), (down, 0.3), (down + 0.7, 0.1))
    for side in hands:
        person.reach(side, hit + 0.3, Held((0.45, -0.3, 0.45), pronation=0.9), 0.3, exact=True)
        person.reach(side, down, OnGround(), 0.5, exact=True)
    person.posture = "ground"
    return down
