"""What a rule of the judge finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vimotion.evaluation.signals import SIDES
from vimotion.motion import FPS


@dataclass(frozen=True)
class Finding:
    """An interaction that was found.

    Attributes:
        actor: "a" or "b": who acts, or starts where both do the same.
        side: "left" or "right", the hand or side that acts; None where the kind has none.
        count: how often it is done.
        start, end: seconds of the act itself (first shake to last, first swing to last, …), without the walk up to it.
    """

    actor: str
    side: str | None
    count: int
    start: float
    end: float


def found(actor: int, side: int | None, count: int, start: int, stop: int) -> Finding:
    """A finding from person, side and frame numbers of `Signals`."""
    return Finding("ab"[actor], None if side is None else SIDES[side], count, start / FPS, stop / FPS)


def most(findings: Iterable[Finding]) -> Finding | None:
    """Of several findings of one kind the one that is done most often, then the longest."""
    return max(findings, key=lambda finding: (finding.count, finding.end - finding.start), default=None)
