"""Rules for a hand on the other's head, shoulders, back or legs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.evaluation.contact import HANDS, ON_ARM, ON_LEG, ON_SKIN, all_runs, blows, hand_to, on_ground, seconds, touches
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.signals import SIDES, Signals, smooth


def touch_head(s: Signals) -> Finding | None:
    """A palm lies on the crown of the other's head for half a second."""
    return most(
        found(actor, side, 1, *span)
        for actor, side in HANDS
        for span in all_runs(
            hand_to(s, actor, side, "crown") < ON_SKIN, hand_to(s, actor, side, "mouth", own=True) > 0.2, shortest=0.5
        )
    )


def pat_cheek(s: Signals) -> Finding | None:
    """A palm comes to the other's cheek twice or more; the other does not duck."""
    return most(
        found(actor, side, len(pats), pats[0], pats[-1])
        for actor, side in HANDS
        if len(pats := touches(smooth(hand_to(s, actor, side, "cheek"), 3), ON_SKIN, 0.02)) > 1
        and s.head_drop[pats, 1 - actor].max() < 0.12
        and (hand_to(s, actor, side, "mouth") - hand_to(s, actor, side, "cheek"))[pats].mean() > 0.02
        and (hand_to(s, actor, side, "mouth", own=True) - hand_to(s, actor, side, "cheek"))[pats].min() > 0.08
        and hand_to(s, actor, side, "crown")[pats[0] : pats[-1] + 1].min() > 0.14
    )


def slap(s: Signals) -> Finding | None:
    """A palm strikes the other's cheek fast, once, and does not stay."""
    if pat_cheek(s):
        return None
    return most(found(actor, side, 1, *blow) for actor, side in HANDS for blow in _slaps(s, actor, side))


def cover_mouth(s: Signals) -> Finding | None:
    """A palm lies on the other's mouth, not beside it, for 0.7 s."""
    return most(
        found(actor, side, 1, *span)
        for actor, side in HANDS
        for span in all_runs(
            hand_to(s, actor, side, "mouth") < ON_SKIN,
            hand_to(s, actor, side, "mouth", own=True) > hand_to(s, actor, side, "mouth") + 0.03,
            hand_to(s, actor, side, "mouth") < hand_to(s, actor, side, "cheek") + 0.02,
            shortest=0.7,
        )
    )


def hit(s: Signals) -> Finding | None:
    """A hand strikes the other's upper arm fast and leaves it; both stand."""
    return most(
        found(actor, side, len(hits), hits[0][0], hits[-1][1]) for actor, side in HANDS if (hits := _hits(s, actor, side))
    )


def tap_shoulder(s: Signals) -> Finding | None:
    """From behind, a hand comes to the back of the other's shoulder twice or more; the other turns round."""
    return most(
        found(actor, side, len(taps), taps[0], taps[-1])
        for actor, side in HANDS
        if len(taps := touches(smooth(hand_to(s, actor, side, "shoulder_back"), 3), ON_SKIN, 0.02)) > 1
        and hand_to(s, actor, side, "shoulder_back")[taps].mean() < hand_to(s, actor, side, "upper_back")[taps].mean()
        and s.facing_other[taps[0], 1 - actor] < -0.5
        and s.facing_other[taps[-1] :, 1 - actor].max() > 0.5
    )


def massage_shoulders(s: Signals) -> Finding | None:
    """From behind, both hands lie on the other's shoulders for 1.2 s."""
    return most(
        found(actor, None, 1, *span)
        for actor in (0, 1)
        for span in all_runs(
            *(hand_to(s, actor, side, f"{SIDES[side]}_shoulder_top") < ON_SKIN for side in (0, 1)),
            s.facing_other[:, 1 - actor] < -0.3,
            on_ground(s, actor),
            shortest=1.2,
        )
    )


def massage_leg(s: Signals) -> Finding | None:
    """Both hands lie on one leg of the other, who sits, for 1.2 s."""
    return most(
        found(actor, 1 - leg, 1, *span)
        for actor in (0, 1)
        for leg, name in enumerate(SIDES)
        for span in all_runs(
            *(hand_to(s, actor, side, f"{name}_thigh") < ON_LEG for side in (0, 1)),
            s.pelvis_height[:, 1 - actor] < 0.8,
            shortest=1.2,
        )
    )


def comfort(s: Signals) -> Finding | None:
    """For a second one hand lies on the other's back and one on the front of the shoulder, and nobody goes."""
    return most(
        found(actor, side, 1, *span)
        for actor, side in HANDS
        for span in all_runs(
            _on_back(s, actor, side),
            hand_to(s, actor, 1 - side, "shoulder_front") < ON_SKIN + 0.02,
            np.abs(s.facing_other[:, 1 - actor]) < 0.7,
            shortest=1.0,
        )
        if np.ptp(s.pelvis[slice(*span)], axis=0).max() < 0.25
    )


def pose_for_picture(s: Signals) -> Finding | None:
    """Beside each other, facing the same way, one has an arm round the other's shoulders, and both free hands are up."""
    return most(found(actor, side, 1, *span) for actor, side in HANDS for span in _poses(s, actor, side))


def _poses(s: Signals, actor: int, side: int) -> Iterator[tuple[int, int]]:
    yield from all_runs(
        hand_to(s, actor, side, f"{SIDES[side]}_shoulder_back") < ON_SKIN + 0.02,
        s.above_shoulder(actor, 1 - side) > -0.2,
        s.above_shoulder(1 - actor, side) > -0.2,
        s.heading > 0.7,
        shortest=0.6,
    )


def _on_back(s: Signals, actor: int, side: int) -> np.ndarray:
    """(T,): whether a palm lies on the other's back."""
    mask: np.ndarray = (s.to_torso(actor, side) < 0.2) & (s.behind_other(actor, side) > 0.0)
    return mask


def _slaps(s: Signals, actor: int, side: int) -> Iterator[tuple[int, int]]:
    """Fast touches of a cheek that does not duck, on no way to crown or shoulder, from which the hand goes on."""
    cheek = hand_to(s, actor, side, "cheek")
    for start, stop in blows(cheek, ON_SKIN, speed=1.5):
        around = slice(max(start - seconds(0.7), 0), stop + seconds(0.7))
        meant = cheek[start:stop].min() < hand_to(s, actor, side, "shoulder_top")[start:stop].min()
        meant &= hand_to(s, actor, side, "crown")[around].min() > 0.14
        meant &= hand_to(s, actor, side, "mouth", own=True)[around].min() > 0.13
        leaves = _from_head(s, actor, side)[stop : stop + seconds(0.8)].max(initial=0.0) > 0.25
        if meant and leaves and s.head_drop[max(start - 6, 0) : stop + 6, 1 - actor].max() < 0.15:
            yield start, stop


def _hits(s: Signals, actor: int, side: int) -> list[tuple[int, int]]:
    return [blow for blow in blows(hand_to(s, actor, side, "upper_arm"), ON_ARM) if _strikes_arm(s, actor, side, *blow)]


def _strikes_arm(s: Signals, actor: int, side: int, start: int, stop: int) -> bool:
    """Whether both stand apart, and the hand comes for the arm alone: not from or to the head, the back or the forearm."""
    around = slice(max(start - seconds(0.7), 0), stop + seconds(0.4))
    others = [_from_head(s, actor, side)[around].min() - 0.25, -s.behind_other(actor, side)[around].max() + 0.05]
    arm, forearm = (hand_to(s, actor, side, limb) for limb in ("upper_arm", "forearm"))
    held = (forearm[min(stop, s.frames - 1) : stop + seconds(0.5)] < ON_ARM).mean()
    near = arm[start:stop].min() < min(0.1, forearm[start:stop].min())
    leaves = arm[stop : stop + seconds(0.7)].max(initial=0.0) > 0.25
    apart = s.pelvis_distance[start] > 0.45 and s.pelvis_height[start].min() > 0.8
    return bool(min(others) > 0.0 and held < 0.5 and near and leaves and apart)


def _from_head(s: Signals, actor: int, side: int) -> np.ndarray:
    """(T,) metres from a palm to the other's head."""
    return np.linalg.norm(s.palms[:, actor, side] - s.joint(1 - actor, "head"), axis=-1)
