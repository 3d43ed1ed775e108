"""The 262-number frame vector of InterGen, by named parts (shared with InterHuman's evaluators and checkpoints).

| part | numbers | content |
|---|---|---|
| positions | 66 | 22 joint positions in the world, metres, Y-up |
| velocities | 66 | position in the next frame less position in this one, metres a frame at 30 fps |
| rotations | 126 | local rotations of joints 1..21 in 6D, `rotations.matrix_to_6d` |
| contacts | 4 | 1.0 where left ankle, left foot, right ankle, right foot stand on the ground |

A motion of T frames gives T − 1 vectors. The pelvis' orientation is not stored: it is fitted to the hips and spine1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vimotion.motion.contacts import foot_contacts
from vimotion.motion.interaction import FPS, Interaction
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.rotations import kabsch, matrix_from_6d, matrix_to_6d, rotation_between
from vimotion.motion.skeleton import JOINT, NUM_JOINTS, PARENTS, Skeleton

_WIDTHS = {"positions": 3 * NUM_JOINTS, "velocities": 3 * NUM_JOINTS, "rotations": 6 * (NUM_JOINTS - 1), "contacts": 4}
NUM_FEATURES = sum(_WIDTHS.values())


def _slices() -> dict[str, slice]:
    slices, start = {}, 0
    for name, width in _WIDTHS.items():
        slices[name] = slice(start, start + width)
        start += width
    return slices


FEATURES: dict[str, slice] = _slices()

# These three move with the pelvis as one solid body, so they tell its orientation.
_PELVIS_FRAME = [JOINT["left_hip"], JOINT["right_hip"], JOINT["spine1"]]
_PARENTS = list(PARENTS[1:])


def split_features(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(..., 262) → positions (..., 22, 3), velocities (..., 22, 3), rotations (..., 21, 6), contacts (..., 4)."""
    lead = features.shape[:-1]
    return (
        features[..., FEATURES["positions"]].reshape(*lead, NUM_JOINTS, 3),
        features[..., FEATURES["velocities"]].reshape(*lead, NUM_JOINTS, 3),
        features[..., FEATURES["rotations"]].reshape(*lead, NUM_JOINTS - 1, 6),
        features[..., FEATURES["contacts"]],
    )


def to_features(interaction: Interaction) -> np.ndarray:
    """(T − 1, P, 262) float32, in the world frame as it stands: place the interaction first. The rate must be 30 fps."""
    if abs(interaction.fps - FPS) > 1e-6:
        raise ValueError(f"The frame vector is defined at {FPS:g} fps; resample the motion of {interaction.fps:g} fps first.")
    if interaction.num_frames < 2:
        raise ValueError("The frame vector needs at least two frames.")
    six = matrix_to_6d(interaction.local_rotations[:, :, 1:])
    return joint_features(interaction.joint_positions, six).astype(np.float32)


def joint_features(positions: np.ndarray, six: np.ndarray) -> np.ndarray:
    """Frame vectors of joints that are given, without a skeleton of ours, as they stand in the world.

    Args:
        positions: (T, P, 22, 3) metres, Y-up, at 30 fps.
        six: (T, P, 21, 6) local rotations of joints 1..21, `rotations.matrix_to_6d`.

    Returns:
        (T − 1, P, 262) in the precision of what is given.
    """
    velocities = positions[1:] - positions[:-1]
    lead = velocities.shape[:2]
    parts = [
        positions[:-1].reshape(*lead, -1), velocities.reshape(*lead, -1), six[:-1].reshape(*lead, -1), foot_contacts(positions),
    ]  # fmt: skip
    return np.concatenate(parts, axis=-1)


def root_orientation(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Pelvis orientation (..., 3, 3) that fits joint positions (..., 22, 3) on hips and spine1 (Kabsch)."""
    target = positions[..., _PELVIS_FRAME, :] - positions[..., :1, :]
    return kabsch(np.broadcast_to(skeleton.offsets[_PELVIS_FRAME], target.shape), target)


def estimate_skeleton(positions: np.ndarray) -> Skeleton:
    """The standard build scaled to the median bone lengths in positions (T, 22, 3)."""
    standard = Skeleton.standard()
    bones = np.linalg.norm(positions[:, 1:] - positions[:, _PARENTS], axis=-1)
    return standard.scaled(float(np.median(bones, axis=0).sum() / standard.bone_lengths[1:].sum()))


def from_features(
    features: np.ndarray, skeletons: Sequence[Skeleton] | None = None, follow_positions: bool = False
) -> Interaction:
    """Frame vectors (T, P, 262) → an interaction at 30 fps, in the same world frame.

    Positions of the pelvis, its orientation by Kabsch, and the stored local rotations. Without `skeletons` each person gets the
    standard build at the size that the bones show.

    Args:
        follow_positions: for frame vectors that a network made, whose rotations and positions do not quite agree: bones are
            turned towards the stored positions of the other joints, and rotations tell only how a bone is rolled. By
            default those positions are not used.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 3 or features.shape[-1] != NUM_FEATURES:
        raise ValueError(f"Frame vectors need the shape (frames, people, {NUM_FEATURES}), not {features.shape}.")
    positions, _, six, _ = split_features(features)
    people = range(features.shape[1])
    if skeletons is None:
        skeletons = [estimate_skeleton(positions[:, person]) for person in people]
    local = np.empty((*features.shape[:2], NUM_JOINTS, 3, 3))
    for person in people:
        local[:, person, 0] = root_orientation(positions[:, person], skeletons[person])
    local[:, :, 1:] = matrix_from_6d(six)
    if follow_positions:
        for person in people:
            local[:, person] = turned_towards(positions[:, person], local[:, person], skeletons[person])
    return Interaction(positions[:, :, 0], local, tuple(skeletons), FPS)


def turned_towards(positions: np.ndarray, local_rotations: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Local rotations (..., 22, 3, 3) whose bones point from where they begin to joints at `positions` (..., 22, 3).

    From the pelvis outwards, by the smallest turn of each joint that has bones; the pelvis itself stays.
    """
    local = np.array(local_rotations)
    placed, orientations = np.empty_like(positions), np.empty_like(local)
    placed[..., 0, :] = positions[..., 0, :]
    for joint in range(NUM_JOINTS):
        if joint:
            parent = PARENTS[joint]
            placed[..., joint, :] = placed[..., parent, :] + orientations[..., parent, :, :] @ skeleton.offsets[joint]
            orientations[..., joint, :, :] = orientations[..., parent, :, :] @ local[..., joint, :, :]
        else:
            orientations[..., joint, :, :] = local[..., joint, :, :]
        children = [child for child in range(1, NUM_JOINTS) if PARENTS[child] == joint]
        if not joint or not children:
            continue
        bones = np.stack([orientations[..., joint, :, :] @ skeleton.offsets[child] for child in children], axis=-2)
        wanted = positions[..., children, :] - placed[..., joint, None, :]
        turn = rotation_between(bones[..., 0, :], wanted[..., 0, :]) if len(children) == 1 else kabsch(bones, wanted)
        orientations[..., joint, :, :] = turn @ orientations[..., joint, :, :]
    return local_from_global(orientations)
