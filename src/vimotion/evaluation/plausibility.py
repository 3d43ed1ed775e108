"""A gate before the judge: motions that no two bodies could make fail, whatever they look like."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.metrics import foot_sliding
from vimotion.motion import FPS, JOINT, Interaction

_MAX_JOINT_SPEED = 20.0  # m/s; a sprinter's foot
_MAX_PELVIS_SPEED = 8.0
_MAX_FOOT_SLIDING = 0.35  # m/s of the supporting foot of one person, mean over time, …
_SLIDING_OF_SPEED = 0.1  # … and this share of the person's mean speed: the foot rolls
_RUN, _SLIDING_OF_RUN = 1.2, 0.6  # … and this share of what is faster than this, m/s: a runner's foot is hardly ever still
_MAX_SUNK = 0.12  # metres below the ground
_MAX_FLOATING = 0.15  # metres: the lowest foot, held for half a second
_MIN_TORSO_DISTANCE = 0.14  # metres between the axes of two torsos, held for a fifth of a second
_SHORTEST = 15  # frames
_CARRIED = 0.45  # metres from the pelvis of somebody who is carried to the carrier's spine
_SPINE = [JOINT[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck")]


def implausible(interaction: Interaction) -> str | None:
    """Why no two people could move like this (a few words), or None where they could."""
    if interaction.num_people != 2:
        return "not two people"
    interaction = interaction.resampled(FPS)
    if interaction.num_frames < _SHORTEST:
        return "too short"
    positions = interaction.joint_positions
    if not np.isfinite(positions).all():
        return "numbers that are not finite"
    speed = np.linalg.norm(np.diff(positions, axis=0), axis=-1) * FPS
    if speed.max() > _MAX_JOINT_SPEED or speed[:, :, JOINT["pelvis"]].max() > _MAX_PELVIS_SPEED:
        return "limbs fly"
    if positions[..., 1].min() < -_MAX_SUNK:
        return "under the ground"
    if _longest((_lowest_foot(positions) > _MAX_FLOATING) & ~_borne(positions)) > FPS / 2:
        return "floats"
    if (positions[:, :, JOINT["head"], 1] < positions[:, :, JOINT["left_knee"], 1]).mean(axis=0).max() > 0.5:
        return "head down"
    if any(_slides(positions[:, [person]]) for person in (0, 1)):
        return "feet slide"
    if _longest((_torso_distance(positions) < _MIN_TORSO_DISTANCE)[:, None]) > FPS / 5:
        return "torsos overlap"
    return None


def _slides(positions: np.ndarray) -> bool:
    """Whether the feet of one person, (T, 1, 22, 3), slide."""
    steps = np.diff(positions[:, 0, JOINT["pelvis"]][:, [0, 2]], axis=0)
    speed = float(np.linalg.norm(steps, axis=-1).mean() * FPS)
    allowed = _MAX_FOOT_SLIDING + _SLIDING_OF_SPEED * speed + _SLIDING_OF_RUN * max(speed - _RUN, 0.0)
    return foot_sliding(positions, FPS) > allowed


def _lowest_foot(positions: np.ndarray) -> np.ndarray:
    """(T, P): height of the lowest foot joint."""
    return positions[:, :, [JOINT["left_foot"], JOINT["right_foot"]], 1].min(axis=-1)


def _borne(positions: np.ndarray) -> np.ndarray:
    """(T, P): whether a person may be carried by the other, who stands on the ground: pelvis close to the other's torso."""
    other = positions[:, ::-1]
    gaps = np.linalg.norm(positions[:, :, JOINT["pelvis"], None] - other[:, :, _SPINE], axis=-1).min(axis=-1)
    return (gaps < _CARRIED) & (_lowest_foot(other) < _MAX_FLOATING)


def _longest(mask: np.ndarray) -> int:
    """The longest stretch of True down a column of (T, n), in frames."""
    longest = run = np.zeros(mask.shape[1], dtype=int)
    for row in mask:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max())


def _torso_distance(positions: np.ndarray) -> np.ndarray:
    """(T,): metres between the spines (pelvis, spine1..3, neck) of the two people, at the closest pair of joints."""
    first, second = positions[:, 0, _SPINE], positions[:, 1, _SPINE]
    return np.linalg.norm(first[:, :, None] - second[:, None], axis=-1).min(axis=(1, 2))
