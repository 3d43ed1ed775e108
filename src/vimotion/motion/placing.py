"""Canonical placing: where a motion stands before it becomes frame vectors."""

from __future__ import annotations

from typing import Literal

import numpy as np

from vimotion.motion.interaction import Interaction

Floor = Literal["together", "each"]


def place(interaction: Interaction, floor: Floor = "together") -> Interaction:
    """The first person's frame-0 pelvis over the origin, facing +Z; the other keeps their place beside them.

    `floor="together"` puts the lowest joint of the whole interaction on the ground, so that relative height (lifting,
    sitting) is kept. `floor="each"` is InterGen's loader to the letter: each person is put on the ground alone.
    """
    forward = interaction.facing()[0, 0]
    yaw = -np.arctan2(forward[0], forward[2])
    turned = interaction.moved(yaw)
    height = turned.joint_positions[..., 1].min(axis=(0, 2))
    if floor == "together":
        height = np.full_like(height, height.min())
    elif floor != "each":
        raise ValueError(f'`floor` is "together" or "each", not {floor!r}.')
    shift = np.zeros((interaction.num_people, 3))
    shift[:, [0, 2]] = -turned.root_positions[0, 0, [0, 2]]
    shift[:, 1] = -height
    return turned.moved(translation=shift)
