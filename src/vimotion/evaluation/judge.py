"""The judge: which interaction two people do, by the geometry of their joints alone.

It never sees a label, a caption or a token. Each rule says in numbers what must physically happen, so that a bad motion
fails; rules are written to exclude one another. Their limits were set on scripted scenes of the *training* seeds, with
room for the few centimetres that a motion codec loses, and are fixed for every contestant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from vimotion.evaluation.findings import Finding
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.rules_apart import bow, punch_dodge, rock_paper_scissors, wave
from vimotion.evaluation.rules_arms import drag_down, grab, help_up, link_arms, pull, support
from vimotion.evaluation.rules_blows import block, block_counter, kick, knock_over, step_on_foot
from vimotion.evaluation.rules_bodies import carry_on_back, collide_arms, kiss_cheek, shoulder_bump, sit_on_leg, whisper
from vimotion.evaluation.rules_gestures import bend, blow_kiss, chat, imitate, point_at, thumb_up
from vimotion.evaluation.rules_hands import (
    comfort,
    cover_mouth,
    hit,
    massage_leg,
    massage_shoulders,
    pat_cheek,
    pose_for_picture,
    slap,
    tap_shoulder,
    touch_head,
)
from vimotion.evaluation.rules_joined import arm_wrestle, clap_hands, dance, hand_wrestling, pass_object
from vimotion.evaluation.rules_on_foot import chase, follow_leader, look_back, pass_by, walk_together, walk_towards
from vimotion.evaluation.rules_touch import handshake, high_five, hug, pat_back, push
from vimotion.evaluation.signals import Signals
from vimotion.motion import FPS, Interaction

# Seconds between the places where a motion may be cut into its acts, and the shortest act.
_GRID, _SHORTEST_ACT = 0.5, 1.0

_RULES: tuple[Callable[[Signals], Finding | None], ...] = (
    bow, punch_dodge, rock_paper_scissors, wave,
    drag_down, grab, help_up, link_arms, pull, support,
    block, block_counter, kick, knock_over, step_on_foot,
    carry_on_back, collide_arms, kiss_cheek, shoulder_bump, sit_on_leg, whisper,
    bend, blow_kiss, chat, imitate, point_at, thumb_up,
    comfort, cover_mouth, hit, massage_leg, massage_shoulders, pat_cheek, pose_for_picture, slap, tap_shoulder, touch_head,
    arm_wrestle, clap_hands, dance, hand_wrestling, pass_object,
    chase, follow_leader, look_back, pass_by, walk_together, walk_towards,
    handshake, high_five, hug, pat_back, push,
)  # fmt: skip
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


def find_acts(interaction: Interaction, kinds: Sequence[str]) -> list[Finding] | None:
    """What happens in a scene of several acts, in order: the motion can be cut so that each part shows its own act.

    Of several ways to cut it, the one in which the most is done counts, then the one that cuts earliest: what follows may
    need its way in. One kind alone is looked for in the whole motion. None where no way shows all.
    """
    interaction = interaction.resampled(FPS)
    if len(kinds) == 1:
        finding = find(interaction, kinds[0])
        return None if finding is None else [finding]
    grid, shortest = round(_GRID * FPS), round(_SHORTEST_ACT * FPS)
    end = len(interaction.joint_positions)

    @cache
    def part(number: int, start: int, stop: int) -> Finding | None:
        finding = find(interaction.frames(start, stop), kinds[number])
        shift = start / FPS
        return finding and replace(finding, start=finding.start + shift, end=finding.end + shift)

    @cache
    def rest(number: int, start: int) -> tuple[Finding, ...] | None:
        """The acts from `number` on, in what follows `start`."""
        if number == len(kinds) - 1:
            last = part(number, start, end)
            return None if last is None else (last,)
        ways = [
            (first, *later)
            for cut in range(start + shortest, end - shortest + 1, grid)
            if (later := rest(number + 1, cut)) and (first := part(number, start, cut))
        ]
        return max(ways, key=lambda way: sum(finding.count for finding in way), default=None)

    acts = rest(0, 0)
    return None if acts is None else list(acts)


def shows(interaction: Interaction, kinds: Sequence[str]) -> bool:
    """Whether the two people do this, in this order, in a motion that bodies could make."""
    return implausible(interaction) is None and find_acts(interaction, kinds) is not None


def recognise(interaction: Interaction) -> dict[str, Finding | None]:
    """Every rule's finding."""
    signals = Signals(interaction)
    return {kind: rule(signals) for kind, rule in RULES.items()}
