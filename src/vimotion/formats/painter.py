"""Pictures of people in motion with numpy and Pillow alone: no GL, no window.

The triangles of the human are painted from far to near. Person a is orange, person b is blue; the left sleeve and trouser
leg of each are light, the right ones dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from vimotion.formats.human import PALETTES, REGIONS, load_human, vertex_normals
from vimotion.motion import JOINT, NUM_JOINTS, Interaction

BACKGROUND = (247, 247, 245)
# Limbs in cloth are lighter on the left and darker on the right.
_SIDES = {"left": 1.20, "right": 0.72}
_LIMBS = ("shoulder", "elbow", "hip", "knee", "ankle", "foot")
_LINES = (204, 204, 201)
_SHADOW = (84, 84, 92)
_SUPERSAMPLING = 2
# The camera stands still unless people who walk far would be smaller than this part of the picture's height.
_STATURE, _SMALLEST = 1.7, 0.35
# Metres between the lines on the ground, and how many there may be along each axis; else every second one is left out.
_STEP, _MOST_LINES = 0.5, 100
# Metres: the shadow is gathered in cells, then blurred.
_SHADOW_CELL, _SHADOW_BLUR = 0.04, 0.06
_SHADOW_GAIN = 9


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `axes` (3, 3) has the rows right, up, backwards; `focal` and `centre` are pixels."""

    position: np.ndarray
    axes: np.ndarray
    focal: float
    centre: np.ndarray
    distance: float

    @property
    def aim(self) -> np.ndarray:
        """The point that the camera looks at, `distance` metres before it."""
        return self.position - self.distance * self.axes[2]

    def moved(self, shift: np.ndarray) -> Camera:
        """The same camera, `shift` (3,) metres from here."""
        return replace(self, position=self.position + shift)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points (..., 3) → pixels (..., 2), y down, and distances (...) before the camera in metres."""
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(-seen[..., 2], 0.05)
        return seen[..., :2] * (1, -1) * (self.focal / depth[..., None]) + self.centre, depth

    @staticmethod
    def framing(interaction: Interaction, size: tuple[int, int], beside: Sequence[Interaction] = ()) -> Camera:
        """The camera that holds the whole motion in a picture of `size`, from the side and a little above.

        Person a is left of b at the start, or right of b when both would be seen from behind. The motions `beside` fit in the
        picture too, and do not turn it.
        """
        facing = interaction.facing()[0].mean(axis=0)
        if interaction.num_people > 1:
            across, turn = interaction.root_positions[0, 1] - interaction.root_positions[0, 0], 25.0
        else:
            across, turn = facing, 45.0
        yaw, lift = np.arctan2(across[0], across[2]) + np.radians(turn), np.radians(18.0)
        if np.array([-np.cos(yaw), 0.0, np.sin(yaw)]) @ facing < -0.3:
            yaw += np.pi
        right = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        back = np.cos(lift) * np.cross(right, [0.0, 1.0, 0.0]) + np.array([0.0, np.sin(lift), 0.0])
        axes = np.stack([right, np.cross(back, right), back])
        points = np.concatenate([_outline(motion) for motion in (interaction, *beside)])
        # room for the top of the head, and for the shadow
        local = np.concatenate([points + np.array([0.0, 0.2, 0.0]), points - np.array([0.0, 0.08, 0.0])]) @ axes.T
        extent = np.ptp(local, axis=0)
        # far away and narrow, so that people near and far look equally tall
        distance = 3.0 * max(*extent[:2], 1.8) + extent[2] / 2
        eye = (local.min(axis=0) + local.max(axis=0)) / 2 + np.array([0.0, 0.0, distance])
        image = (local - eye)[:, :2] / (eye - local)[:, 2:]
        low, high = image.min(axis=0), image.max(axis=0)
        focal = float((np.array(size) * 0.90 / (high - low)).min())
        centre = np.array(size) / 2 - (low + high) / 2 * (focal, -focal)
        return Camera(eye @ axes, axes, focal, centre, float(distance))


class Painter:
    """Paints the frames of one interaction with one camera: `Painter(interaction, (480, 360)).frame(0)` is an image.

    Args:
        interaction: one or two people.
        size: width and height of the pictures, pixels.
        together: motions in one world that are to be seen with one camera and at one scale, this one among them. Where all of
            them together would look too small, only the first is sure to fit.
    """

    def __init__(self, interaction: Interaction, size: tuple[int, int], together: Sequence[Interaction] = ()) -> None:
        self._interaction = interaction
        self._canvas = (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING)
        self._human = load_human()
        self._bindings = np.stack([self._human.binding(skeleton) for skeleton in interaction.skeletons])
        self._lift = np.array([0.0, self._human.lift(interaction.skeletons), 0.0])
        self._path = np.zeros((interaction.num_frames, 3))
        first, *others = together or [interaction]
        self.camera = Camera.framing(first, self._canvas, others)
        if self._looks_small:
            self._path = _path(interaction)
            first, *others = (_centred(motion) for motion in (first, *others))
            self.camera = Camera.framing(first, self._canvas, others)
        if self._looks_small:
            self.camera = Camera.framing(first, self._canvas)
        self._light = self.camera.axes.T @ np.array([-0.45, 0.65, 0.62])
        self._ground = self._paint_ground(self.camera)

    def frame(self, index: int) -> Image.Image:
        """The picture of one frame, RGB."""
        positions, orientations = self._interaction.joint_positions[index], self._interaction.joint_orientations[index]
        vertices = self._human.skin(self._bindings, positions, orientations) + self._lift
        camera = self.camera.moved(self._path[index])
        image = self._paint_ground(camera) if self._path.any() else self._ground.copy()
        self._paint_shadow(image, camera, vertices)
        draw = ImageDraw.Draw(image)
        triangles, colours = self._triangles(camera, vertices)
        for triangle, colour in zip(triangles, colours, strict=True):
            draw.polygon(triangle, fill=colour)
        return image.reduce(_SUPERSAMPLING)

    @property
    def _pixels_per_metre(self) -> float:
        return self.camera.focal / self.camera.distance

    @property
    def _looks_small(self) -> bool:
        return self._pixels_per_metre * _STATURE < _SMALLEST * self._canvas[1]

    def _triangles(self, camera: Camera, vertices: np.ndarray) -> tuple[list[list[float]], list[int]]:
        """(x, y, x, y, x, y) in pixels and the colour of the triangles that face the camera, from far to near."""
        faces = self._human.faces
        triangles, depths, colours = [], [], []
        for person, body in enumerate(vertices):
            pixels, depth = camera.project(body)
            corners = pixels[faces]
            first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
            seen = np.flatnonzero(first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0])
            normals = vertex_normals(body, faces)
            # the rim is dark, which parts a body from what is behind it
            rim = np.clip(normals @ camera.axes[2] / 0.40, 0.0, 1.0)
            light = (0.76 + 0.40 * np.maximum(normals @ self._light, -0.4)) * (0.55 + 0.45 * rim)
            triangles.append(corners[seen].reshape(-1, 6))
            depths.append(depth[faces[seen]].sum(axis=1))
            colours.append(np.minimum(_face_colours(person)[seen] * light[faces[seen]].mean(axis=1)[:, None], 255))
        order = np.argsort(-np.concatenate(depths))
        # Pillow takes a colour as one number: red is the lowest byte
        packed = np.concatenate(colours)[order].astype(int) @ (1, 1 << 8, 1 << 16)
        return np.concatenate(triangles)[order].tolist(), packed.tolist()

    def _paint_shadow(self, image: Image.Image, camera: Camera, vertices: np.ndarray) -> None:
        """A soft shadow right below everyone; what is high above the ground gives less."""
        points, areas = vertices.reshape(-1, 3), np.tile(_vertex_areas(), len(vertices))
        cell = max(2, round(_SHADOW_CELL * self._pixels_per_metre))
        width, height = self._canvas[0] // cell, self._canvas[1] // cell
        pixels, _ = camera.project(points * (1.0, 0.0, 1.0))
        x, y = np.clip((pixels / cell).astype(int), 0, (width - 1, height - 1)).T
        weights = areas / (0.12 + np.maximum(points[:, 1], 0.0)) * (self._pixels_per_metre / cell) ** 2
        dense = np.bincount(y * width + x, weights, minlength=width * height).reshape(height, width)
        mask = Image.fromarray(np.minimum(dense * _SHADOW_GAIN, 255).astype(np.uint8))
        mask = mask.filter(ImageFilter.GaussianBlur(_SHADOW_BLUR * self._pixels_per_metre / cell))
        box = mask.point(lambda value: value > 2).getbbox()
        if box:
            left, top, right, bottom = (edge * cell for edge in box)
            soft = mask.crop(box).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
            image.paste(_SHADOW, (left, top), soft)

    def _paint_ground(self, camera: Camera) -> Image.Image:
        """A line every half metre, stronger every metre, that fade away from where the camera looks; from afar fewer."""
        middle = camera.aim[[0, 2]]
        reach = 0.8 * max(self._canvas) / self._pixels_per_metre
        step = _STEP * 2 ** max(0, math.ceil(math.log2(2 * reach / _STEP / _MOST_LINES)))
        low, high = np.floor((middle - reach) / (2 * step)) * 2 * step, np.ceil((middle + reach) / (2 * step)) * 2 * step
        lines = Image.new("L", self._canvas, 0)
        draw = ImageDraw.Draw(lines)
        for axis in (0, 1):
            for value in np.arange(low[axis], high[axis] + step / 2, step):
                ends = np.zeros((2, 3))
                ends[:, 2 * axis] = value
                ends[:, 2 - 2 * axis] = low[1 - axis], high[1 - axis]
                strength, width = (255, 3) if value % (2 * step) == 0 else (140, 2)
                draw.line(camera.project(ends)[0].ravel().tolist(), fill=strength, width=width)
        fade = Image.new("L", self._canvas, 0)
        draw = ImageDraw.Draw(fade)
        angle = np.linspace(0, 2 * np.pi, 60)
        for step in range(32):
            radius = reach * (1 - step / 32)
            ring = np.stack([middle[0] + radius * np.cos(angle), 0 * angle, middle[1] + radius * np.sin(angle)], axis=-1)
            draw.polygon(camera.project(ring)[0].ravel().tolist(), fill=min(255, (step + 1) * 14))
        image = Image.new("RGB", self._canvas, BACKGROUND)
        image.paste(_LINES, mask=ImageChops.multiply(lines, fade))
        return image


def _outline(interaction: Interaction) -> np.ndarray:
    """Joints and fingertips of all frames, (N, 3) metres."""
    joints = interaction.joint_positions
    hands = [2 * interaction.palm_positions(side) - joints[:, :, JOINT[f"{side}_wrist"]] for side in ("left", "right")]
    return np.concatenate([joints.reshape(-1, 3), *(hand.reshape(-1, 3) for hand in hands)])


def _centred(interaction: Interaction) -> Interaction:
    """The motion as a camera sees it that goes along."""
    return replace(interaction, root_positions=interaction.root_positions - _path(interaction)[:, None])


def _path(interaction: Interaction) -> np.ndarray:
    """Where on the ground the middle of everyone is, from the first frame on, without the sway of steps: (T, 3) metres."""
    middle = interaction.root_positions.mean(axis=1) * (1.0, 0.0, 1.0)
    reach = round(interaction.fps / 2)
    padded = np.pad(middle, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(column, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid") for column in padded.T], -1)
    return smooth - smooth[0]


@cache
def _face_colours(person: int) -> np.ndarray:
    """sRGB colour of each triangle before it is lit, (F, 3)."""
    human = load_human()
    palette = np.array([PALETTES[person][region] for region in REGIONS], dtype=float)
    shade = np.ones(NUM_JOINTS)
    for side, factor in _SIDES.items():
        shade[[JOINT[f"{side}_{limb}"] for limb in _LIMBS]] = factor
    return palette[human.regions] * shade[human.rulers, None]


@cache
def _vertex_areas() -> np.ndarray:
    """Share of the body's surface that each vertex stands for, (V,) square metres."""
    human = load_human()
    corners = human.vertices[human.faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1) / 6
    return np.bincount(human.faces.ravel(), np.repeat(areas, 3), len(human.vertices))
