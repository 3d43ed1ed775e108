"""How real scripted motion is: what can be measured of bodies, for a prepared corpus and for captured takes alike.

Lengths are metres and times seconds; motions are at 30 fps. Speed, acceleration and jerk are those of a body whose legs are as
long as the standard skeleton's, so that people of other sizes compare; all else is as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt
from scipy.spatial import cKDTree

from vimotion.choreography.targets import HALF_PALM, PALM_THICKNESS
from vimotion.corpora.anatomy import (
    SIDES,
    TORSO,
    capsules,
    centre_of_mass,
    posed_capsules,
    segment_distance,
    skin,
    sole,
)  # fmt: skip
from vimotion.motion import FPS, JOINT, SURFACE, Interaction, Skeleton, place
from vimotion.motion.rotations import normalize

_TOES = [JOINT["left_foot"], JOINT["right_foot"]]
_LEG = ("left_knee", "left_ankle")
# A toe joint slower than this stands, and its median height then is the ground's. Only lasting stillness is meant.
_STILL = 0.15
# A toe joint is planted while it is this near to the ground and slower than this, the frames before and after included: a
# swinging foot passes as low (Winter 2009: 1.3 cm), but at more than a metre a second.
_PLANTED_HEIGHT, _PLANTED_SPEED = 0.025, 0.5
# Somebody stands who is on a planted foot, with the pelvis slower than this and higher than this share of the leg.
_STANDING_SPEED, _STANDING_HEIGHT = 0.15, 0.8
_DIRECTIONS = 64
# Run forwards and backwards, a filter of second order is one of fourth order without lag; frames that it is led in and out by.
_LOW_PASS, _PADDING = butter(2, 6.0, fs=FPS, output="sos"), 24
# Of a person's two hands one moves alone if its path is so much longer than the other's.
_ONE_HANDED = 1.5
_MOVING = 0.3
# Joints that move little skin or none, and the one whose skin a contact with them means: a foot is all of the shoe.
_SKIN_OF = {
    f"{side}_{part}": f"{side}_{joint}" for side in SIDES for part, joint in (("foot", "ankle"), ("collar", "shoulder"))
}


def acts_of(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What happens in a scene, by its facts: dicts with `kind`, `actor`, `side`, `count`, one after the other.

    A store of one-act scenes has the act's parameters among the scene's own.
    """
    parameters = facts.get("parameters", {})
    return list(parameters["acts"]) if "acts" in parameters else [parameters] if "kind" in parameters else []


def leg_length(skeleton: Skeleton) -> float:
    """Hip to ankle, metres."""
    return float(skeleton.bone_lengths[[JOINT[joint] for joint in _LEG]].sum())


def derivatives(motion: Interaction) -> dict[str, np.ndarray]:
    """`speed` (T − 1, P, 22) m/s, `acceleration` (T − 2, …) m/s² and `jerk` (T − 3, …) m/s³, for legs of standard length.

    Positions go through a Butterworth filter of fourth order without lag at 6 Hz first, which is what Winter (2009) has for
    gait. A weaker low pass will not do: of half a millimetre of white noise, which the tracks of the CMU database have,
    weights of 1 : 2 : 1 leave a jerk of 18 m/s³, all that their people have who stand and box; this one leaves 8.
    """
    unit = [leg_length(Skeleton.standard()) / leg_length(skeleton) for skeleton in motion.skeletons]
    padding = min(_PADDING, motion.num_frames - 1)
    smooth = sosfiltfilt(_LOW_PASS, motion.joint_positions * np.reshape(unit, (1, -1, 1, 1)), axis=0, padlen=padding)
    orders = {"speed": 1, "acceleration": 2, "jerk": 3}
    return {
        name: np.linalg.norm(np.diff(smooth, n=order, axis=0), axis=-1) * motion.fps**order for name, order in orders.items()
    }


def ground_level(motion: Interaction) -> float:
    """Height of the toe joints that stand still: what is ground for joints, wherever a store's lowest frame was put."""
    toes = motion.joint_positions[:, :, _TOES]
    still = np.linalg.norm(np.diff(toes, axis=0), axis=-1) * motion.fps < _STILL
    heights = toes[:-1, ..., 1][still]
    return float(np.median(heights) if len(heights) else np.percentile(toes[..., 1], 5))


def planted(motion: Interaction) -> np.ndarray:
    """(T, P, 2) whether the left and the right toe joint stand on the ground; never in the first and last frame."""
    toes = motion.joint_positions[:, :, _TOES]
    down = toes[..., 1] < ground_level(motion) + _PLANTED_HEIGHT
    down[1:] &= np.linalg.norm(np.diff(toes, axis=0), axis=-1) * motion.fps < _PLANTED_SPEED
    lasting = np.zeros_like(down)
    lasting[1:-1] = down[:-2] & down[1:-1] & down[2:]
    return lasting


def sliding(motion: Interaction) -> np.ndarray:
    """(n,) m/s: horizontal speed of each planted toe joint in each frame, from the frame before to the frame after."""
    toes = motion.joint_positions[:, :, _TOES][..., [0, 2]]
    speed = np.zeros(toes.shape[:-1])
    speed[1:-1] = np.linalg.norm(toes[2:] - toes[:-2], axis=-1) * motion.fps / 2.0
    return speed[planted(motion)]


def sunk(motion: Interaction) -> np.ndarray:
    """(T, P) metres by which each person's lowest joint is below the ground."""
    return np.maximum(ground_level(motion) - motion.joint_positions[..., 1].min(axis=-1), 0.0)


def balance(motion: Interaction) -> np.ndarray:
    """(n,) metres: how far the centre of mass lies outside the planted soles, of each person in each frame that they stand.

    Below zero it is inside: the support is the convex hull of the soles, seen from above in 64 directions.
    """
    down = planted(motion)
    speed = np.linalg.norm(np.gradient(motion.root_positions, axis=0), axis=-1) * motion.fps if motion.num_frames > 1 else 0.0
    legs = np.array([leg_length(skeleton) for skeleton in motion.skeletons])
    high = motion.root_positions[..., 1] - ground_level(motion) > _STANDING_HEIGHT * legs
    standing = down.any(axis=-1) & (speed < _STANDING_SPEED) & high
    angle = np.linspace(0.0, 2.0 * np.pi, _DIRECTIONS, endpoint=False)
    directions = np.stack([np.sin(angle), np.cos(angle)])
    reach = np.where(down[..., None, None], _soles(motion)[..., [0, 2]] @ directions, -np.inf).max(axis=(2, 3))
    return (centre_of_mass(motion)[..., [0, 2]] @ directions - reach).max(axis=-1)[standing]


def _soles(motion: Interaction) -> np.ndarray:
    """(T, P, 2, 4, 3) metres: the corners of both soles in the world."""
    scale = np.array([skeleton.scale for skeleton in motion.skeletons])[:, None, None]
    corners = []
    for side in SIDES:
        ankle = JOINT[f"{side}_ankle"]
        turned = motion.joint_orientations[:, :, ankle, None] @ (sole(side) * scale)[..., None]
        corners.append(motion.joint_positions[:, :, ankle, None] + turned[..., 0])
    return np.stack(corners, axis=2)


def overlap(motion: Interaction) -> tuple[np.ndarray, np.ndarray]:
    """Metres (T,) by which two people's torsos, and any other two of their capsules, are in each other at the deepest; or 0."""
    starts, ends, radii = posed_capsules(motion)
    apart = segment_distance((starts[:, 0, :, None], ends[:, 0, :, None]), (starts[:, 1, None], ends[:, 1, None]))
    depth = np.maximum(radii[0, :, None] + radii[1] - apart, 0.0)
    torso = np.array([capsule.joint in TORSO for capsule in capsules()])
    both = torso[:, None] & torso
    return np.where(both, depth, 0.0).max(axis=(1, 2)), np.where(both, 0.0, depth).max(axis=(1, 2))


def contact_error(motion: Interaction, event: Mapping[str, Any]) -> np.ndarray:
    """(n,) metres by which a labelled contact is missed, in each frame that it is said to last.

    Zero is a palm whose skin just touches: the other palm, the place that `SURFACE` names or, of a bare joint, the
    nearest place of the skin that it moves. Of two joints (a foot on a foot) it is the distance of their skins.
    """
    first = min(round(event["start"] * motion.fps), motion.num_frames - 1)
    span = motion.frames(first, max(round(event["end"] * motion.fps), first) + 1)
    person = "ab".index(event["who"])
    part, target = (_SKIN_OF.get(event[name], event[name]) for name in ("part", "target"))
    point, other = _part(span, person, part), 1 - person
    if part in JOINT and target in JOINT:
        skins = _skin_in_world(span, person, part), _skin_in_world(span, other, target)
        return np.array([cKDTree(mine).query(theirs)[0].min() for mine, theirs in zip(*skins, strict=True)])
    if target.endswith("_palm"):
        between = 2.0 * HALF_PALM if part.endswith("_palm") else PALM_THICKNESS
        return np.abs(np.linalg.norm(point - _part(span, other, target), axis=-1) - between)
    joint = JOINT[SURFACE[target].joint if target in SURFACE else target]
    seen = (
        np.swapaxes(span.joint_orientations[:, other, joint], -1, -2)
        @ (point - span.joint_positions[:, other, joint])[..., None]
    )
    scale = span.skeletons[other].scale
    places, normals = _skin_touched(target)
    lift = PALM_THICKNESS if part.endswith("_palm") else 0.0
    return np.linalg.norm(seen[:, None, :, 0] - (places * scale + normals * lift), axis=-1).min(axis=-1)


def _skin_touched(target: str) -> tuple[np.ndarray, np.ndarray]:
    """Points of the skin (n, 3), in its joint's axes at standard size, that count for a contact's target, and their normals."""
    if target in SURFACE:
        return np.array([SURFACE[target].offset]), normalize(np.array([SURFACE[target].normal]))
    return skin(target)


def _skin_in_world(motion: Interaction, person: int, joint: str) -> np.ndarray:
    """(T, n, 3) metres: the places of `anatomy.skin`."""
    places = skin(joint)[0] * motion.skeletons[person].scale
    turned = places @ np.swapaxes(motion.joint_orientations[:, person, JOINT[joint]], -1, -2)
    return motion.joint_positions[:, person, None, JOINT[joint]] + turned


def _part(motion: Interaction, person: int, part: str) -> np.ndarray:
    """(T, 3) metres: a joint or the middle of a palm."""
    if part.endswith("_palm"):
        return motion.palm_positions(part.removesuffix("_palm"))[:, person]
    return motion.joint_positions[:, person, JOINT[part]]


def leading_hands(motion: Interaction) -> list[str]:
    """For each person "left" or "right", the hand that moves far more than the other in the chest's axes, or "both"."""
    chest, turn = (values[:, :, JOINT["spine3"]] for values in (motion.joint_positions, motion.joint_orientations))
    paths = []
    for side in SIDES:
        hand = (np.swapaxes(turn, -1, -2) @ (motion.palm_positions(side) - chest)[..., None])[..., 0]
        paths.append(np.linalg.norm(np.diff(hand, axis=0), axis=-1).sum(axis=0))
    left, right = paths
    return np.where(left > _ONE_HANDED * right, "left", np.where(right > _ONE_HANDED * left, "right", "both")).tolist()


def outline(motion: Interaction, act: Mapping[str, Any]) -> np.ndarray:
    """(16, P, 22, 3) metres: joints at 16 even times with the one who acts first, at the origin, and the acting side right.

    So two scenes that only exchange people or sides have one outline.
    """
    if act.get("actor") == "b":
        motion = motion.swapped()
    if act.get("side") == "left":
        motion = motion.mirrored()
    times = np.linspace(0, motion.num_frames - 1, 16).round().astype(int)
    return place(motion).joint_positions[times]


def variety(outlines: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean distance of joints, metres, between two outlines: over all pairs, and of the closest pair (0 for a copy)."""
    stacked = np.stack(outlines)
    apart = [np.linalg.norm(one - stacked[:number], axis=-1).mean(axis=(1, 2, 3)) for number, one in enumerate(stacked)]
    pairs = np.concatenate(apart)
    return (float(pairs.mean()), float(pairs.min())) if len(pairs) else (float("nan"), float("nan"))


def moving(motion: Interaction) -> Interaction:
    """The motion from the first to the last frame in which any joint moves at more than 0.3 m/s; all of it if none does."""
    speed = np.linalg.norm(np.diff(motion.joint_positions, axis=0), axis=-1).max(axis=(1, 2)) * FPS
    frames = np.flatnonzero(speed > _MOVING)
    return motion.frames(int(frames[0]), int(frames[-1]) + 2) if len(frames) else motion
