"""Lawful random SMPL parameters, a small body model in the files' own form, and joints by the straight formula."""

from pathlib import Path
from typing import Any

import numpy as np
from poses import random_interaction
from scipy.spatial.transform import Rotation

from vimotion.motion import NUM_JOINTS, PARENTS, Skeleton
from vimotion.motion.rotations import matrix_to_axis_angle

# Where SMPL-X has its pelvis, seen from the body's origin.
PELVIS = np.array([0.003, -0.351, 0.012])


def random_person(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axis-angle poses (T, 22, 3), translations (T, 3), ten shape parameters; Y-up."""
    motion = random_interaction(seed, frames, people=1)
    betas = np.random.default_rng(seed).normal(size=10)
    return matrix_to_axis_angle(motion.local_rotations[:, 0]), motion.root_positions[:, 0], betas


def write_body_model(path: Path, joints: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A model of `joints` joints with two vertices a joint, the body's own near our skeleton; returns its arrays."""
    random = np.random.default_rng(seed)
    rest = random.normal(size=(joints, 3)) * 0.1
    rest[:NUM_JOINTS] = Skeleton.standard().rest_positions + random.normal(size=(NUM_JOINTS, 3)) * 0.01 + PELVIS
    shifts = random.normal(size=(joints, 3)) * 0.05
    arrays: dict[str, Any] = {
        "v_template": np.stack([rest + shifts, rest - shifts], axis=1).reshape(-1, 3),
        "shapedirs": random.normal(size=(2 * joints, 3, 16)) * 0.005,
        "J_regressor": np.repeat(np.eye(joints), 2, axis=1) / 2,
    }
    # the real files hold pickled objects as well, which nobody needs to touch
    np.savez(path, **arrays, joint2num=np.array({"pelvis": 0}, dtype=object), allow_pickle=True)
    return arrays


def straight_joints(
    arrays: dict[str, np.ndarray], poses: np.ndarray, translations: np.ndarray, betas: np.ndarray
) -> np.ndarray:
    """The 22 joints by 4×4 matrices, frame by frame and joint by joint, in the file's own axes."""
    vertices = arrays["v_template"].copy()
    for number, beta in enumerate(betas):
        vertices += beta * arrays["shapedirs"][:, :, number]
    rest = [sum(weight * vertex for weight, vertex in zip(row, vertices, strict=True)) for row in arrays["J_regressor"]]
    joints = np.empty((len(poses), NUM_JOINTS, 3))
    for frame, pose in enumerate(poses):
        chain = []
        for joint in range(NUM_JOINTS):
            step = np.eye(4)
            step[:3, :3] = Rotation.from_rotvec(pose[joint]).as_matrix()
            step[:3, 3] = rest[joint] - (rest[PARENTS[joint]] if joint else 0)
            chain.append(chain[PARENTS[joint]] @ step if joint else step)
            joints[frame, joint] = chain[-1][:3, 3] + translations[frame]
    return joints
