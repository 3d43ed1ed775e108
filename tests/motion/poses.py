"""Lawful random motion for tests: smooth, any pose, two people of different size."""

import numpy as np

from vimotion.motion import Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix


def random_interaction(seed: int, frames: int = 40, people: int = 2, bend: float = 0.5) -> Interaction:
    """Smooth random joint angles of about `bend` radians and smooth random paths about a metre above the ground."""
    random = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)[:, None, None, None]
    phase, frequency = random.uniform(0, 2 * np.pi, (2, 1, people, 22, 3))
    angles = random.normal(size=(1, people, 22, 3)) * bend * np.sin(frequency * time + phase)
    # people face anywhere
    angles[:, :, 0] += np.array([0, 1, 0]) * random.uniform(-np.pi, np.pi, (people, 1))
    drift = random.normal(size=(1, people, 3)) * np.array([1, 0.1, 1])
    roots = random.uniform(-1, 1, (1, people, 3)) + time[..., 0] * drift + np.array([0, 1, 0])
    sizes = random.uniform(0.9, 1.1, people)
    return Interaction(roots, axis_angle_to_matrix(angles), tuple(Skeleton.standard().scaled(size) for size in sizes))
