"""Pictures of people in motion with numpy and Pillow alone: no GL, no window.

The triangles of the human are painted from far to near. Person a is orange, person b is blue; the left sleeve and trouser
leg of each are light, the right ones dark.
"""

from __future__ import annotations

from dataclasses import dataclass
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
# Metres: the shadow is gathered in cells, then blurred.
_SHADOW_CELL, _SHADOW_BLUR = 0.04, 0.06
_SHADOW_GAIN = 9


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `axes` (3, 3) has the rows right, up, backwards in the world; `focal` and `centre` are pixels."""

    position: np.ndarray
    axes: np.ndarray
    focal: float
    centre: np.ndarray

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points (..., 3) → pixels (..., 2), y down, and distances (...) before the camera in metres."""
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(-seen[..., 2], 0.05)
        return seen[..., :2] * (1, -1) * (self.focal / depth[..., None]) + self.centre, depth

    @staticmethod
    def framing(interaction: Interaction, size: tuple[int, int], turn: float = 25.0, elevation: float = 18.0) -> Camera:
        """The camera that holds the whole motion: person a left of b at the start, `turn` degrees off the square view."""
        roots = interaction.root_positions
        across = roots[0, 1] - roots[0, 0] if interaction.num_people > 1 else interaction.facing()[0, 0]
        yaw, lift = np.arctan2(across[0], across[2]) + np.radians(turn), np.radians(elevation)
        right = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        back = np.cos(lift) * np.cross(right, [0.0, 1.0, 0.0]) + np.array([0.0, np.sin(lift), 0.0])
        axes = np.stack([right, np.cross(back, right), back])
        joints = interaction.joint_positions.reshape(-1, 3)
        # room for the top of the head, and for the shadow
        local = np.concatenate([joints + np.array([0.0, 0.2, 0.0]), joints - np.array([0.0, 0.05, 0.0])]) @ axes.T
        extent = np.ptp(local, axis=0)
        # far away and narrow, so that people near and far look equally tall
        distance = 3.0 * max(*extent[:2], 1.8) + extent[2] / 2
        eye = (local.min(axis=0) + local.max(axis=0)) / 2 + np.array([0.0, 0.0, distance])
        image = (local - eye)[:, :2] / (eye - local)[:, 2:]
        low, high = image.min(axis=0), image.max(axis=0)
        focal = float((np.array(size) * 0.90 / (high - low)).min())
        centre = np.array(size) / 2 - (low + high) / 2 * (focal, -focal)
        return Camera(eye @ axes, axes, focal, centre)


class Painter:
    """Paints the frames of one interaction with one camera: `Painter(interaction, (480, 360)).frame(0)` is an image.

    Args:
        interaction: one or two people.
        size: width and height of the pictures, pixels.
    """

    def __init__(self, interaction: Interaction, size: tuple[int, int]) -> None:
        self._interaction = interaction
        self._canvas = (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING)
        self.camera = Camera.framing(interaction, self._canvas)
        self._human = load_human()
        self._bindings = np.stack([self._human.binding(skeleton) for skeleton in interaction.skeletons])
        self._lift = np.array([0.0, self._human.lift(interaction.skeletons), 0.0])
        self._light = self.camera.axes.T @ np.array([-0.45, 0.65, 0.62])
        centre = interaction.root_positions.mean(axis=(0, 1))
        self._pixels_per_metre = self.camera.focal / float(np.linalg.norm(self.camera.position - centre))
        self._ground = self._paint_ground()

    def frame(self, index: int) -> Image.Image:
        """The picture of one frame, RGB."""
        positions, orientations = self._interaction.joint_positions[index], self._interaction.joint_orientations[index]
        vertices = self._human.skin(self._bindings, positions, orientations) + self._lift
        image = self._ground.copy()
        self._paint_shadow(image, vertices)
        draw = ImageDraw.Draw(image)
        triangles, colours = self._triangles(vertices)
        for triangle, colour in zip(triangles, colours, strict=True):
            draw.polygon(triangle, fill=colour)
        return image.reduce(_SUPERSAMPLING)

    def _triangles(self, vertices: np.ndarray) -> tuple[list[list[float]], list[int]]:
        """(x, y, x, y, x, y) in pixels and the colour of the triangles that face the camera, from far to near."""
        faces = self._human.faces
        triangles, depths, colours = [], [], []
        for person, body in enumerate(vertices):
            pixels, depth = self.camera.project(body)
            corners = pixels[faces]
            first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
            seen = np.flatnonzero(first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0])
            normals = vertex_normals(body, faces)
            # the rim is dark, which parts a body from what is behind it
            rim = np.clip(normals @ self.camera.axes[2] / 0.40, 0.0, 1.0)
            light = (0.76 + 0.40 * np.maximum(normals @ self._light, -0.4)) * (0.55 + 0.45 * rim)
            triangles.append(corners[seen].reshape(-1, 6))
            depths.append(depth[faces[seen]].sum(axis=1))
            colours.append(np.minimum(_face_colours(person)[seen] * light[faces[seen]].mean(axis=1)[:, None], 255))
        order = np.argsort(-np.concatenate(depths))
        # Pillow takes a colour as one number: red is the lowest byte
        packed = np.concatenate(colours)[order].astype(int) @ (1, 1 << 8, 1 << 16)
        return np.concatenate(triangles)[order].tolist(), packed.tolist()

    def _paint_shadow(self, image: Image.Image, vertices: np.ndarray) -> None:
        """A soft shadow right below everyone; what is high above the ground gives less."""
        points, areas = vertices.reshape(-1, 3), np.tile(_vertex_areas(), len(vertices))
        cell = max(2, round(_SHADOW_CELL * self._pixels_per_metre))
        width, height = self._canvas[0] // cell, self._canvas[1] // cell
        pixels, _ = self.camera.project(points * (1.0, 0.0, 1.0))
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

    def _paint_ground(self) -> Image.Image:
        """A line every half metre, stronger every metre, that fade away from the people."""
        points = self._interaction.joint_positions[..., [0, 2]].reshape(-1, 2)
        middle, reach = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0).max() / 2 + 1.4
        low, high = np.floor(middle - reach), np.ceil(middle + reach)
        lines = Image.new("L", self._canvas, 0)
        draw = ImageDraw.Draw(lines)
        for axis in (0, 1):
            for value in np.arange(low[axis], high[axis] + 0.01, 0.5):
                ends = np.zeros((2, 3))
                ends[:, 2 * axis] = value
                ends[:, 2 - 2 * axis] = low[1 - axis], high[1 - axis]
                strength, width = (255, 3) if value % 1 == 0 else (140, 2)
                draw.line(self.camera.project(ends)[0].ravel().tolist(), fill=strength, width=width)
        fade = Image.new("L", self._canvas, 0)
        draw = ImageDraw.Draw(fade)
        angle = np.linspace(0, 2 * np.pi, 60)
        for step in range(32):
            radius = reach * (1 - step / 32)
            ring = np.stack([middle[0] + radius * np.cos(angle), 0 * angle, middle[1] + radius * np.sin(angle)], axis=-1)
            draw.polygon(self.camera.project(ring)[0].ravel().tolist(), fill=min(255, (step + 1) * 14))
        image = Image.new("RGB", self._canvas, BACKGROUND)
        image.paste(_LINES, mask=ImageChops.multiply(lines, fade))
        return image


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
