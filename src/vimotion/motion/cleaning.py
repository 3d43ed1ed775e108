"""Cleaning a motion that a network made or a camera saw: jitter filtered, feet planted, touches kept.

Bones keep their lengths whatever happens here: only the pelvis' path and the joints' rotations change. In this order:

1. *Jitter*: the pelvis' path and the rotations are smoothed by a local cubic over 0.2 s (Savitzky and Golay, 1964). At 30 fps
   that passes what is slower than 4 Hz, and takes away nearly all that is faster than 7 Hz.
2. *Feet*: while the toes are low and slow they stay over one place of the ground, and they never sink into it. The leg bends
   to reach, the foot keeps its orientation; where no leg is long enough the pelvis comes down.
3. *Touches*: where a palm was near the other person's palm or skin it comes back to the same place against it; the arm bends
   to reach, the hand keeps its orientation.

The ground is y = 0; feet of a motion that stands elsewhere are only smoothed (`motion.place` puts it on the ground).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from vimotion.motion.interaction import Interaction
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.rotations import continuous, matrix_to_quaternion, normalize, quaternion_to_matrix, rotation_between, slerp
from vimotion.motion.skeleton import JOINT
from vimotion.motion.surface import SURFACE, surface_point

_WINDOW = 0.1  # seconds to either side of a frame that its smoothing sees
# Toes rest while they are lower and slower than this, for so long; the path of one rest is not wider than the last.
_LOW, _SLOW, _SHORTEST, _FARTHEST = 0.05, 0.4, 0.1, 0.08
# A foot that is deeper than this is not in the ground: the motion stands on another one.
_DEEPEST = 0.1
_NEAR = 0.15  # metres from a palm to what it touches
# Seconds over which a correction comes and goes beside the frames that need it.
_STEP, _GRASP = 0.3, 0.2
_STRAIGHTEST = 0.9995  # of a limb's full length
# Where knees and elbows go, in the axes of the upper bone; it tells the plane of a limb that is nearly straight.
_BENDS = {"knee": np.array([0.0, 0.0, 1.0]), "elbow": np.array([0.0, 0.0, -1.0])}
_STRAIGHT = 0.03  # a bend by this sine weighs as much
_SIDES = ("left", "right")


def clean(interaction: Interaction, people: Sequence[int] | None = None, start: int = 0) -> Interaction:
    """The same motion without jitter and sliding feet; the people keep touching where they touched.

    Args:
        people: who is cleaned, all by default; the others stay exactly as they are.
        start: frames before this one stay exactly as they are, and cleaning comes in within a third of a second.
    """
    people = range(interaction.num_people) if people is None else people
    if interaction.num_frames <= 2 * _half_window(interaction.fps):
        return interaction
    cleaned = _smoothed(interaction, people)
    for person in people:
        cleaned = _planted(cleaned, person)
    cleaned = _in_touch(cleaned, interaction, people)
    return _blended(interaction, cleaned, start) if start else cleaned


def _blended(before: Interaction, after: Interaction, start: int) -> Interaction:
    """`before` up to the frame `start`, then more and more `after`."""
    weight = np.clip((np.arange(before.num_frames) - start + 1) / (_STEP * before.fps), 0.0, 1.0)
    weight = (weight * weight * (3 - 2 * weight))[:, None, None]
    roots = before.root_positions + weight * (after.root_positions - before.root_positions)
    rotations = slerp(before.local_rotations, after.local_rotations, weight)
    still = slice(0, start)
    rotations[still] = before.local_rotations[still]
    return replace(before, root_positions=roots, local_rotations=rotations)


def _half_window(fps: float) -> int:
    return max(2, round(_WINDOW * fps))


def _smoothed(motion: Interaction, people: Sequence[int]) -> Interaction:
    chosen = list(people)
    roots, rotations = motion.root_positions.copy(), motion.local_rotations.copy()
    half = _half_window(motion.fps)
    roots[:, chosen] = _smooth(roots[:, chosen], half)
    quaternions = continuous(matrix_to_quaternion(rotations[:, chosen]))
    rotations[:, chosen] = quaternion_to_matrix(_smooth(quaternions, half))
    return replace(motion, root_positions=roots, local_rotations=rotations)


def _smooth(values: np.ndarray, half: int) -> np.ndarray:
    """Each of (T, ...) by the cubic that fits it and `half` neighbours to either side best; the ends stay where they are."""
    powers = np.arange(-half, half + 1)[:, None] ** np.arange(4)
    kernel = np.linalg.pinv(powers.astype(float))[0]
    before = 2 * values[:1] - values[half:0:-1]
    after = 2 * values[-1:] - values[-2 : -half - 2 : -1]
    padded = np.concatenate([before, values, after])
    return sum(weight * padded[index : index + len(values)] for index, weight in enumerate(kernel))


def _planted(motion: Interaction, person: int) -> Interaction:
    """Both feet of a person stay where they rest."""
    ankles, shifts = [], []
    for side in _SIDES:
        toes = motion.joint_positions[:, person, JOINT[f"{side}_foot"]]
        if toes[:, 1].min() < -_DEEPEST:
            return motion
        shift = np.full_like(toes, np.nan)
        for rest in _rests(toes, motion.fps):
            shift[rest] = (np.median(toes[rest], axis=0) - toes[rest]) * (1, 0, 1)
        shift = _spread(shift, round(_STEP * motion.fps))
        shift[:, 1] = np.maximum(-toes[:, 1], 0.0)
        shifts.append(shift)
        ankles.append(motion.joint_positions[:, person, JOINT[f"{side}_ankle"]] + shift)
    # a straight knee would bend far for feet that come up by a centimetre, so the body comes up with them
    motion = _raised(motion, person, _average(np.mean(shifts, axis=0)[:, 1], round(_STEP * motion.fps)))
    motion = _raised(motion, person, -_descent(motion, person, ankles))
    for side, ankle in zip(_SIDES, ankles, strict=True):
        motion = _reaching(motion, person, [f"{side}_{joint}" for joint in ("hip", "knee", "ankle")], ankle)
    return motion


def _raised(motion: Interaction, person: int, height: np.ndarray) -> Interaction:
    roots = motion.root_positions.copy()
    roots[:, person, 1] += height
    return replace(motion, root_positions=roots)


def _average(values: np.ndarray, half: int) -> np.ndarray:
    """Each of (T,) by the mean of it and `half` neighbours to either side."""
    return np.convolve(np.pad(values, half, mode="edge"), np.ones(2 * half + 1) / (2 * half + 1), mode="valid")


def _rests(toes: np.ndarray, fps: float) -> list[slice]:
    """The stretches of frames in which toes (T, 3) rest on the ground at about one place."""
    speed = np.linalg.norm(np.gradient(toes, axis=0), axis=-1) * fps
    resting = (np.abs(toes[:, 1]) < _LOW) & (speed < _SLOW)
    rests: list[slice] = []
    begin, apart = 0, round(_SHORTEST * fps)
    for frame in range(1, len(toes) + 1):
        extent = np.linalg.norm(np.ptp(toes[begin : frame + 1, [0, 2]], axis=0))
        if frame < len(toes) and resting[frame] and resting[begin] and extent < _FARTHEST:
            continue
        if resting[begin] and rests and begin - rests[-1].stop < apart:
            begin = rests[-1].stop + apart  # from place to place is a way that takes time
        if resting[begin:frame].any() and frame - begin >= apart:
            rests.append(slice(begin, frame))
        begin = frame
    return rests


def _spread(shift: np.ndarray, reach: int) -> np.ndarray:
    """A correction (T, 3) that is NaN where nothing is asked for → one without: it comes and goes within `reach` frames."""
    shift = shift.copy()
    asked = np.flatnonzero(~np.isnan(shift[:, 0]))
    if not len(asked):
        return np.zeros_like(shift)
    frames = np.arange(len(shift))
    after = np.searchsorted(asked, frames)
    to_next = np.where(after < len(asked), asked[np.minimum(after, len(asked) - 1)] - frames, reach)
    since_last = np.where(after > 0, frames - asked[np.maximum(after, 1) - 1], reach)
    shift[np.isnan(shift[:, 0]) & (to_next >= reach) & (since_last >= reach)] = 0.0
    known = np.flatnonzero(~np.isnan(shift[:, 0]))
    for first, last in pairwise(known):
        weight = np.arange(1, last - first)[:, None] / (last - first)
        weight = weight * weight * (3 - 2 * weight)
        shift[first + 1 : last] = (1 - weight) * shift[first] + weight * shift[last]
    shift[: known[0]], shift[known[-1] :] = shift[known[0]], shift[known[-1]]
    return shift


def _descent(motion: Interaction, person: int, ankles: Sequence[np.ndarray]) -> np.ndarray:
    """How far the pelvis must come down (T,) for the legs to reach the places (T, 3) of the left and the right ankle."""
    needed = np.zeros(motion.num_frames)
    lengths = motion.skeletons[person].bone_lengths
    for side, ankle in zip(_SIDES, ankles, strict=True):
        way = motion.joint_positions[:, person, JOINT[f"{side}_hip"]] - ankle
        full = _STRAIGHTEST * (lengths[JOINT[f"{side}_knee"]] + lengths[JOINT[f"{side}_ankle"]])
        below = np.sqrt(np.maximum(full**2 - way[:, 0] ** 2 - way[:, 2] ** 2, 0.0))
        needed = np.maximum(needed, way[:, 1] - below)
    half = _half_window(motion.fps)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(needed, half, mode="edge"), 2 * half + 1).max(axis=-1)
    return _average(around, half)


def _in_touch(cleaned: Interaction, before: Interaction, people: Sequence[int]) -> Interaction:
    """Palms go back to where they were against the other person's body, in the frames in which they were near it."""
    if before.num_people < 2:
        return cleaned
    shifts = {(person, side): _touch_shift(cleaned, before, person, side, people) for person in people for side in _SIDES}
    motion = cleaned
    for (person, side), shift in shifts.items():
        if shift.any():
            wrist = cleaned.joint_positions[:, person, JOINT[f"{side}_wrist"]] + shift
            motion = _reaching(motion, person, [f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist")], wrist)
    return motion


def _touch_shift(cleaned: Interaction, before: Interaction, person: int, side: str, people: Sequence[int]) -> np.ndarray:
    """How far a palm must move (T, 3) to be where it was against what it touches on the other person."""
    other = 1 - person
    joints = [JOINT[f"{of}_wrist"] for of in _SIDES] + [JOINT[place.joint] for place in SURFACE.values()]
    places = [before.palm_positions(of)[:, other] for of in _SIDES] + [surface_point(before, other, name) for name in SURFACE]
    palm = before.palm_positions(side)[:, person]
    gaps = np.linalg.norm(np.stack(places, axis=1) - palm[:, None], axis=-1)
    gaps[:, : len(_SIDES)] -= np.where(gaps[:, : len(_SIDES)] < _NEAR, _NEAR, 0.0)  # a palm goes before the skin around it
    touched, frames = gaps.argmin(axis=1), np.arange(len(gaps))
    joint = np.array(joints)[touched]

    def turned(motion: Interaction) -> tuple[np.ndarray, np.ndarray]:
        return motion.joint_positions[frames, other, joint], motion.joint_orientations[frames, other, joint]

    (was, turn_was), (now, turn_now) = turned(before), turned(cleaned)
    wanted = now + (turn_now @ np.swapaxes(turn_was, -1, -2) @ (palm - was)[..., None])[..., 0]
    shift = wanted - cleaned.palm_positions(side)[:, person]
    if other in people:
        shift[touched < len(_SIDES)] /= 2  # the other palm comes the other half of the way
    shift[gaps.min(axis=1) > _NEAR] = np.nan
    return _spread(shift, round(_GRASP * before.fps))


def _reaching(motion: Interaction, person: int, limb: Sequence[str], target: np.ndarray) -> Interaction:
    """A limb bent so that its end comes to `target` (T, 3), with the least turn of its two bones.

    `limb` names the three joints, of which the last keeps its orientation. A target out of reach is approached as near as the
    limb can.
    """
    upper, middle, end = (JOINT[joint] for joint in limb)
    positions, orientations = motion.joint_positions[:, person], motion.joint_orientations[:, person].copy()
    first, second = (motion.skeletons[person].bone_lengths[joint] for joint in (middle, end))
    bone, next_bone = positions[:, middle] - positions[:, upper], positions[:, end] - positions[:, middle]
    way = target - positions[:, upper]
    along = normalize(way)
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    reached = np.linalg.norm(positions[:, end] - positions[:, upper], axis=-1, keepdims=True)
    longest = np.maximum(_STRAIGHTEST * (first + second), np.minimum(reached, first + second))
    distance = np.clip(distance, 1.05 * abs(first - second) + 1e-6, longest)
    # the limb stays in its plane
    before = normalize(positions[:, end] - positions[:, upper])
    bend = bone / first + _STRAIGHT * orientations[:, upper] @ _BENDS[limb[1].rsplit("_", 1)[1]]
    bend -= np.sum(bend * before, axis=-1, keepdims=True) * before
    side = normalize((rotation_between(before, along) @ bend[..., None])[..., 0])
    foot = (first**2 - second**2 + distance**2) / (2 * distance)
    new_bone = along * foot + side * np.sqrt(np.maximum(first**2 - foot**2, 0.0))
    new_next = along * distance - new_bone
    orientations[:, upper] = rotation_between(bone, new_bone) @ orientations[:, upper]
    orientations[:, middle] = rotation_between(next_bone, new_next) @ orientations[:, middle]
    rotations = motion.local_rotations.copy()
    rotations[:, person] = local_from_global(orientations)
    return replace(motion, local_rotations=rotations)
