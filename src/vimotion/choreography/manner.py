"""Manners: how a whole body moves and time passes, as numbers for every kind of interaction."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Manner:
    """One way of moving.

    Attributes:
        effort: factor on the time that a reach takes (forceful hands are quick).
        size: factor on amplitudes: shakes, wind-ups, leans, the other's reaction.
        tempo: factor on the time that everything takes.
        gait, stride, swing: factors on walking speed, step length and the swing of the arms.
        head, chest, pitch: added to nod, upper chest and trunk (radians, forward).
        knees, width: added to the height of the pelvis and to half the stance (metres).
        lag: seconds more before the person begins or answers.
        stop: share of the way at which a reaching hand stops for a moment; 0 does not stop.
        avert: how far the eyes sink from what they look at, metres at the head's distance.
        sway: factor on small wanderings of the trunk; bounce: up and down on the knees (metres); tremor: of the hands (metres).
    """

    effort: float = 1.0
    size: float = 1.0
    tempo: float = 1.0
    gait: float = 1.0
    stride: float = 1.0
    swing: float = 1.0
    head: float = 0.0
    chest: float = 0.0
    pitch: float = 0.0
    knees: float = 0.0
    width: float = 0.0
    lag: float = 0.0
    stop: float = 0.0
    avert: float = 0.0
    sway: float = 1.0
    bounce: float = 0.0
    tremor: float = 0.0


MANNERS = {
    "neutral": Manner(),
    "gentle": Manner(effort=1.42, size=0.62, head=0.10, chest=0.05, knees=-0.006, width=-0.012),
    "forceful": Manner(effort=0.66, size=1.6, head=-0.03, chest=-0.09, knees=-0.006, width=0.035),
    "confident": Manner(effort=0.9, size=1.2, gait=1.1, stride=1.08, swing=1.3, head=-0.10, chest=-0.13, width=0.03),
    "aggressive": Manner(effort=0.6, size=1.55, tempo=0.86, gait=1.25, stride=1.08, head=0.10, chest=0.04, pitch=0.13,
                         knees=-0.02, width=0.05, sway=1.3),
    "shy": Manner(effort=1.25, size=0.58, tempo=1.12, gait=0.8, stride=0.85, swing=0.5, head=0.26, chest=0.14, pitch=0.04,
                  width=-0.025, lag=0.35, avert=0.5),
    "excited": Manner(effort=0.72, size=1.35, tempo=0.84, gait=1.2, swing=1.5, head=-0.06, chest=-0.06, sway=2.0, bounce=0.02),
    "tired": Manner(effort=1.45, size=0.72, tempo=1.3, gait=0.72, stride=0.8, swing=0.7, head=0.24, chest=0.16, pitch=0.13,
                    knees=-0.03, sway=1.8),
    "sad": Manner(effort=1.35, size=0.6, tempo=1.2, gait=0.7, stride=0.8, swing=0.4, head=0.36, chest=0.18, pitch=0.06,
                  avert=0.7, sway=0.7),
    "respectful": Manner(effort=1.2, size=0.8, tempo=1.08, gait=0.9, swing=0.5, head=0.12, pitch=0.05, width=-0.03, sway=0.6),
    "touched": Manner(effort=1.25, size=0.85, tempo=1.15, gait=0.85, head=0.10, chest=0.06, lag=0.2, sway=1.2),
    "hesitant": Manner(effort=1.25, size=0.75, tempo=1.1, gait=0.78, stride=0.85, swing=0.6, head=0.10, chest=0.06, lag=0.45,
                       stop=0.5, sway=1.4),
    "playful": Manner(effort=0.85, size=1.3, tempo=0.92, gait=1.1, swing=1.6, head=-0.05, chest=-0.04, sway=3.0, bounce=0.012),
    "elderly": Manner(effort=1.3, size=0.7, tempo=1.25, gait=0.65, stride=0.7, swing=0.5, head=-0.16, chest=0.20, pitch=0.30,
                      knees=-0.05, width=0.015, sway=1.5, tremor=0.006),
}  # fmt: skip


def between(first: Manner, second: Manner) -> Manner:
    """What two people do together: half of each."""
    return Manner(**{field.name: (getattr(first, field.name) + getattr(second, field.name)) / 2.0 for field in fields(Manner)})
