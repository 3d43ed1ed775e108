"""The judge: which interaction two people do, by the geometry of their joints alone.

It never sees a label, a caption or a token. Each rule says in numbers what must physically happen, so that a bad motion
fails; rules are written to exclude one another. Their limits were set on scripted scenes of the *training* seeds, with
room for the few centimetres that a motion codec loses, and are fixed for every contestant.
"""

from __future__ import annotations

from collections.abc import Callable

from vimotion.evaluation import (
    rules_apart, rules_arms, rules_blows, rules_bodies, rules_gestures, rules_hands, rules_joined, rules_on_foot, rules_touch,
)
from vimotion.evaluation.findings import Finding
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.signals import Signals
from vimotion.motion import Interaction

_RULES: tuple[Callable[[Signals], Finding | None], ...] = (
    rules_apart.bow, rules_apart.punch_dodge, rules_apart.rock_paper_scissors, rules_apart.wave,
    rules_arms.drag_down, rules_arms.grab, rules_arms.help_up, rules_arms.link_arms, rules_arms.pull, rules_arms.support,
    rules_blows.block, rules_blows.block_counter, rules_blows.kick, rules_blows.knock_over, rules_blows.step_on_foot,
    rules_bodies.carry_on_back, rules_bodies.collide_arms, rules_bodies.kiss_cheek, rules_bodies.shoulder_bump, rules_bodies.sit_on_leg, rules_bodies.whisper,
    rules_gestures.bend, rules_gestures.blow_kiss, rules_gestures.chat, rules_gestures.imitate, rules_gestures.point_at, rules_gestures.thumb_up,
    rules_hands.comfort, rules_hands.cover_mouth, rules_hands.hit, rules_hands.massage_leg, rules_hands.massage_shoulders, rules_hands.pat_cheek, rules_hands.pose_for_picture, rules_hands.slap, rules_hands.tap_shoulder, rules_hands.touch_head,
    rules_joined.arm_wrestle, rules_joined.clap_hands, rules_joined.dance, rules_joined.hand_wrestling, rules_joined.pass_object,
    rules_on_foot.chase, rules_on_foot.follow_leader, rules_on_foot.look_back, rules_on_foot.pass_by, rules_on_foot.walk_together, rules_on_foot.walk_towards,
    rules_touch.handshake, rules_touch.high_five, rules_touch.hug, rules_touch.pat_back, rules_touch.push,
)
RULES = {rule.__name__: rule for rule in _RULES}

# What truly happens as a part of another kind: who links arms also walks together.
CONTAINS: dict[str, tuple[str, ...]] = {
    "knock_over": ("push",),
    "block_counter": ("block",),
    "link_arms": ("walk_together",),
    "support": ("walk_together",),
    "collide_arms": ("pass_by",),
}


def find(interaction: Interaction, kind: str) -> Finding | None:
    """What of this kind happens between two people: who acts, with which hand, how often, when; None where it does not."""
    if kind not in RULES:
        raise ValueError(f"The judge has no rule for {kind!r}; it knows {', '.join(RULES)}.")
    return RULES[kind](Signals(interaction))


def is_kind(interaction: Interaction, kind: str) -> bool:
    """Whether the two people do this, in a motion that bodies could make."""
    return implausible(interaction) is None and find(interaction, kind) is not None


def recognise(interaction: Interaction) -> dict[str, Finding | None]:
    """Every rule's finding."""
    signals = Signals(interaction)
    return {kind: rule(signals) for kind, rule in RULES.items()}
