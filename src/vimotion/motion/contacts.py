"""When a foot stands on the ground."""

from __future__ import annotations

import numpy as np

from vimotion.motion.skeleton import JOINT

CONTACT_JOINTS = [JOINT["left_ankle"], JOINT["left_foot"], JOINT["right_ankle"], JOINT["right_foot"]]
# InterGen's limits: squared speed in (metres a frame)² at 30 fps, height in metres of ankle and foot.
_MAX_SQUARED_SPEED = 0.001
_MAX_HEIGHT = np.array([0.12, 0.05, 0.12, 0.05])


def foot_contacts(positions: np.ndarray) -> np.ndarray:
    """Joint positions (T, ..., 22, 3) at 30 fps → (T − 1, ..., 4): 1.0 where a foot joint touches the ground.

    In the order left ankle, left foot, right ankle, right foot. The height is that of the earlier frame, as in InterGen.
    """
    feet = positions[..., CONTACT_JOINTS, :]
    squared_speed = np.sum((feet[1:] - feet[:-1]) ** 2, axis=-1)
    return ((squared_speed < _MAX_SQUARED_SPEED) & (feet[:-1, ..., 1] < _MAX_HEIGHT)).astype(np.float64)
