"""A motion as the stage in the browser plays it, the human that it moves, and a small picture of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from vimotion.formats.human import PALETTES, REGIONS, load_human
from vimotion.motion import JOINT, NUM_JOINTS, PARENTS, Interaction
from vimotion.motion.contacts import CONTACT_JOINTS, foot_contacts
from vimotion.motion.rotations import matrix_to_quaternion
from vimotion.motion.surface import SURFACE, surface_point

# Metres between a palm and somebody else's skin or palm up to which they touch.
_TOUCH = 0.11
FOOT, HAND = 0, 1
# Of the small picture: metres around the people, and how thick a limb is.
_MARGIN, _LIMB = 0.25, 0.055


def take(motion: Interaction, start: int = 0) -> dict[str, Any]:
    """The frames of a motion from `start` on, as JSON.

    `poses` is base64 of little-endian float32, a row for each frame and person: the pelvis' place (x, y, z; metres, Y-up), then
    each joint's rotation against its parent as a quaternion (x, y, z, w). `marks` is a list for each frame, of four numbers a
    mark: x, y, z and 0 for a foot on the ground, 1 for a hand on somebody. `binding` takes the mesh of `human` into the axes
    of each joint, three rows of four numbers, see `Human.binding`; `lift` raises everybody so that soles stand on the ground.
    """
    quaternions = np.roll(matrix_to_quaternion(motion.local_rotations[start:]), -1, axis=-1)
    frames = motion.num_frames - start
    poses = np.concatenate([motion.root_positions[start:], quaternions.reshape(frames, motion.num_people, -1)], axis=-1)
    skeletons = [
        {"offsets": _numbers(skeleton.offsets), "binding": _numbers(load_human().binding(skeleton))}
        for skeleton in motion.skeletons
    ]
    return {
        "start": start, "frames": motion.num_frames, "fps": motion.fps, "people": motion.num_people, "skeletons": skeletons,
        "lift": round(load_human().lift(motion.skeletons), 4), "poses": _base64(poses.astype("<f4")),
        "marks": _marks(motion)[start:],
    }  # fmt: skip


@cache
def human() -> dict[str, Any]:
    """The mesh that people wear on the stage, as JSON; arrays are base64, as in `take`."""
    mesh = load_human()
    faces = [mesh.faces[mesh.regions == region].ravel() for region in range(len(REGIONS))]
    return {
        "vertices": _base64(mesh.vertices.astype("<f4")), "normals": _base64(mesh.normals.astype("<f4")),
        "weights": _base64(mesh.weights.astype("<f4")), "joints": _base64(mesh.joints.astype("u1")),
        "faces": _base64(np.concatenate(faces).astype("<u2")), "regions": [len(region) for region in faces],
        "colours": [[_hex(palette[region]) for region in REGIONS] for palette in PALETTES], "parents": list(PARENTS),
    }  # fmt: skip


def picture(motion: Interaction) -> str:
    """An SVG picture of the middle of a motion: people as lines, seen from where they stand side by side."""
    middle = motion.num_frames // 2
    moment = motion.frames(middle, middle + 1)
    positions, across = moment.joint_positions[0], _across(moment)
    flat = np.stack([positions @ across, -positions[..., 1]], axis=-1)
    low, high = flat.min(axis=(0, 1)) - _MARGIN, flat.max(axis=(0, 1)) + _MARGIN
    shapes = []
    for person, points in enumerate(flat):
        lines = "".join(
            f"M{points[PARENTS[joint]][0]:.2f} {points[PARENTS[joint]][1]:.2f}L{points[joint][0]:.2f} {points[joint][1]:.2f}"
            for joint in range(1, NUM_JOINTS)
        )
        colour, (x, y) = _hex(PALETTES[person]["shirt"]), points[JOINT["head"]]
        shapes.append(f'<path d="{lines}" stroke="{colour}"/><circle cx="{x:.2f}" cy="{y - 0.08:.2f}" r=".1" fill="{colour}"/>')
    box = f"{low[0]:.2f} {low[1]:.2f} {high[0] - low[0]:.2f} {high[1] - low[1]:.2f}"
    style = f'fill="none" stroke-width="{_LIMB}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><g {style}>{"".join(shapes)}</g></svg>'


def _across(moment: Interaction) -> np.ndarray:
    """The level unit vector from person a to person b, or from a lone person's back to front: what a side view shows."""
    pelvises = moment.root_positions[0]
    way = (pelvises[1] - pelvises[0] if len(pelvises) == 2 else moment.facing()[0, 0]) * (1.0, 0.0, 1.0)
    length = float(np.linalg.norm(way))
    return way / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])


def _marks(motion: Interaction) -> list[list[float]]:
    marks: list[list[float]] = [[] for _ in range(motion.num_frames)]
    for frame, place, kind in (*_steps(motion), *_touches(motion)):
        marks[frame] += [*(round(float(number), 3) for number in place), kind]
    return marks


def _steps(motion: Interaction) -> Iterator[tuple[int, np.ndarray, int]]:
    """(frame, place on the ground, FOOT) wherever a foot stands."""
    feet = motion.joint_positions[:, :, CONTACT_JOINTS] * (1.0, 0.0, 1.0)
    for frame, person, foot in np.argwhere(foot_contacts(motion.joint_positions) > 0):
        yield frame, feet[frame, person, foot], FOOT


def _touches(motion: Interaction) -> Iterator[tuple[int, np.ndarray, int]]:
    """(frame, place, HAND) wherever a hand is on the other person."""
    if motion.num_people < 2:
        return
    palms = np.stack([motion.palm_positions(side) for side in ("left", "right")])
    for person, other in ((0, 1), (1, 0)):
        skin = np.stack([*(surface_point(motion, other, place) for place in SURFACE), *palms[:, :, other]])
        near = np.linalg.norm(palms[:, None, :, person] - skin, axis=-1).min(axis=1)
        for palm, frame in np.argwhere(near < _TOUCH):
            yield frame, palms[palm, frame, person], HAND


def _numbers(array: np.ndarray) -> list[float]:
    return [float(number) for number in array.round(5).ravel()]


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
