"""Canonical placing: where a motion stands before it becomes frame vectors."""

from __future__ import annotations

from typing import Literal

import numpy as np

from vimotion.motion.interaction import Interaction
from vimotion.motion.rotations import yaw_matrix
from vimotion.motion.skeleton import JOINT

Floor = Literal["together", "each"]


def place(interaction: Interaction, floor: Floor = "together") -> Interaction:
    """The first person's frame-0 pelvis over the origin, facing +Z; the other keeps their place beside them.

    `floor="together"` puts the lowest joint of the whole interaction on the ground, so that relative height (lifting,
    sitting) is kept. `floor="each"` is InterGen's loader to the letter: each person is put on the ground alone.
    """
    forward = interaction.facing()[0, 0]
    yaw = -np.arctan2(forward[0], forward[2])
    turned = interaction.moved(yaw)
    shift = np.zeros((interaction.num_people, 3))
    shift[:, [0, 2]] = -turned.root_positions[0, 0, [0, 2]]
    shift[:, 1] = -_grounds(turned.joint_positions, floor)
    return turned.moved(translation=shift)


def place_joints(positions: np.ndarray, floor: Floor = "together") -> np.ndarray:
    """`place` of joint positions (T, P, 22, 3) alone: metres, Y-up, of bodies that no skeleton of ours describes."""
    turn, origins = placing(positions, floor)
    return positions @ turn.T - origins[:, None]


def placing(positions: np.ndarray, floor: Floor = "together") -> tuple[np.ndarray, np.ndarray]:
    """What places joint positions (T, P, 22, 3): the turn (3, 3), and each person's origin (P, 3) in the turned world."""
    across = positions[0, 0, JOINT["right_hip"]] - positions[0, 0, JOINT["left_hip"]]
    # forward is up × across; turning by minus its yaw brings it to +Z
    turn = yaw_matrix(-np.arctan2(across[2], -across[0]))
    origins = np.tile(turn @ positions[0, 0, 0], (positions.shape[1], 1))
    origins[:, 1] = _grounds(positions, floor)
    return turn, origins


def _grounds(positions: np.ndarray, floor: Floor) -> np.ndarray:
    """Height of the ground under each person: (T, P, 22, 3) → (P,)."""
    lowest = positions[..., 1].min(axis=(0, 2))
    if floor == "together":
        return np.full_like(lowest, lowest.min())
    if floor != "each":
        raise ValueError(f'`floor` is "together" or "each", not {floor!r}.')
    return lowest
