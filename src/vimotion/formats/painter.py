"""Pictures of people in motion with numpy and Pillow alone: no GL, no window, no model.

Every body part is the convex hull of a few spheres; the parts are painted from far to near. Person a is warm, b is blue;
the left side of a body is light, the right side dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vimotion.motion import JOINT, Interaction
from vimotion.motion.rotations import normalize

BACKGROUND = (246, 246, 243)
_GRID = (222, 222, 217)
_SHADOW = (120, 120, 125)
PEOPLE = ((226, 110, 62), (58, 124, 205))
_SKIN = (238, 205, 178)
_SIDE_SHADE = {"left": 1.16, "right": 0.72, "": 1.0}
_SUPERSAMPLING = 2

# Body parts as the hull of spheres: (anchor, radius in metres); an anchor that is no joint is made in `_anchors`.
_LIMBS = (
    (("hip", 0.080), ("knee", 0.055)), (("knee", 0.055), ("ankle", 0.040)), (("ankle", 0.040), ("toes", 0.028)),
    (("shoulder", 0.052), ("elbow", 0.040)), (("elbow", 0.040), ("wrist", 0.030)), (("palm", 0.036), ("fingers", 0.020)),
)  # fmt: skip
_TRUNK = (
    (("left_hip", 0.085), ("right_hip", 0.085), ("spine1", 0.10)),
    (("spine1", 0.10), ("left_chest", 0.08), ("right_chest", 0.08), ("left_shoulder", 0.05), ("right_shoulder", 0.05)),
    (("neck", 0.05), ("head", 0.05)),
    (("jaw", 0.07), ("skull", 0.10)),
    (("nose", 0.022), ("brow", 0.018)),
)  # fmt: skip
# Points that no joint marks: (joint, metres in the joint's own axes at rest).
_EXTRA = {
    "skull": ("head", (0.0, 0.11, 0.01)), "jaw": ("head", (0.0, 0.04, 0.045)), "nose": ("head", (0.0, 0.07, 0.115)),
    "brow": ("head", (0.0, 0.115, 0.105)), "left_chest": ("spine3", (0.09, 0.0, 0.02)), "right_chest": ("spine3", (-0.09, 0.0, 0.02)),
    "left_toes": ("left_foot", (0.0, 0.0, 0.06)), "right_toes": ("right_foot", (0.0, 0.0, 0.06)),
    "left_palm": ("left_wrist", (0.05, 0.0, 0.0)), "right_palm": ("right_wrist", (-0.05, 0.0, 0.0)),
    "left_fingers": ("left_wrist", (0.16, 0.0, 0.0)), "right_fingers": ("right_wrist", (-0.16, 0.0, 0.0)),
}  # fmt: skip
_CIRCLE = np.stack(
    [np.cos(np.linspace(0, 2 * np.pi, 28, endpoint=False)), np.sin(np.linspace(0, 2 * np.pi, 28, endpoint=False))], axis=-1
)


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
        if interaction.num_people > 1:
            across = roots[0, 1] - roots[0, 0]
        else:
            across = interaction.facing()[0, 0]
        yaw = np.arctan2(across[0], across[2]) + np.radians(turn)
        right = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        lift = np.radians(elevation)
        outward = np.cross(right, [0.0, 1.0, 0.0])
        back = np.cos(lift) * outward + np.array([0.0, np.sin(lift), 0.0])
        axes = np.stack([right, np.cross(back, right), back])
        points = interaction.joint_positions.reshape(-1, 3)
        points = np.concatenate([points + (0, 0.22, 0), points - (0, 0.06, 0)])
        local = points @ axes.T
        middle = (local.min(0) + local.max(0)) / 2
        # narrow angle: far away, so that near and far people look equally tall
        distance = 3.0 * max(np.ptp(local[:, 0]), np.ptp(local[:, 1]), 1.8)
        eye = middle + (0.0, 0.0, distance + np.ptp(local[:, 2]) / 2)
        image = (local - eye)[:, :2] / (eye - local)[:, 2:]
        low, high = image.min(0), image.max(0)
        room = np.array(size) * 0.90
        focal = float((room / np.maximum(high - low, 1e-6)).min())
        centre = np.array(size) / 2 - (low + high) / 2 * (focal, -focal)
        return Camera(eye @ axes, axes, focal, centre)


class Painter:
    """Paints the frames of one interaction with one camera: `Painter(interaction, (480, 360)).frame(0)` is an image."""

    def __init__(self, interaction: Interaction, size: tuple[int, int], camera: Camera | None = None) -> None:
        self.interaction = interaction
        self.size = size
        self._canvas = (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING)
        self.camera = camera or Camera.framing(interaction, self._canvas)
        self._ground = self._paint_ground()

    def frame(self, index: int) -> Image.Image:
        """The picture of one frame, RGB."""
        anchors = _anchors(self.interaction, index)
        image = self._ground.copy()
        image.paste(_SHADOW, mask=self._shadow(anchors))
        draw = ImageDraw.Draw(image)
        parts = []
        for person in range(self.interaction.num_people):
            parts += self._parts(anchors, person)
        for _, outline, body, light, colour in sorted(parts, key=lambda part: -part[0]):
            draw.polygon(outline, fill=_shade(colour, 0.45))
            draw.polygon(body, fill=_shade(colour, 0.88))
            draw.polygon(light, fill=_shade(colour, 1.12))
        return image.reduce(_SUPERSAMPLING)

    def _parts(self, anchors: dict[str, np.ndarray], person: int) -> list[tuple]:
        colour, scale = PEOPLE[person], self.interaction.skeletons[person].scale
        parts = []
        for side in ("left", "right"):
            for limb in _LIMBS:
                parts.append((tuple((f"{side}_{name}", radius) for name, radius in limb), _shade(colour, _SIDE_SHADE[side])))
        for part in _TRUNK:
            parts.append((part, _SKIN if part[0][0] in ("jaw", "neck") else colour))
        painted = []
        for spheres, tint in parts:
            points = np.stack([anchors[name][person] for name, _ in spheres])
            radii = np.array([radius for _, radius in spheres]) * scale
            centres, depth = self.camera.project(points)
            pixels = radii * self.camera.focal / depth
            light = centres + pixels[:, None] * (-0.22, -0.28)
            painted.append(
                (
                    float((depth - radii * 0.5).mean()),
                    _hull(centres, pixels + 1.6),
                    _hull(centres, pixels),
                    _hull(light, pixels * 0.55),
                    tint,
                )
            )
        return painted

    def _shadow(self, anchors: dict[str, np.ndarray]) -> Image.Image:
        """A soft mask on the ground under everyone, darker where a foot is near the ground."""
        small = (self._canvas[0] // 4, self._canvas[1] // 4)
        mask = Image.new("L", small, 0)
        draw = ImageDraw.Draw(mask)
        for name, radius, reach in (("pelvis", 0.24, 2.5), ("left_toes", 0.09, 0.4), ("right_toes", 0.09, 0.4),
                                    ("left_ankle", 0.09, 0.4), ("right_ankle", 0.09, 0.4)):  # fmt: skip
            for point in anchors[name]:
                strength = float(np.clip(1 - max(point[1], 0.0) / reach, 0, 1))
                ring = np.array([point[0], 0.0, point[2]]) + radius * np.stack(
                    [_CIRCLE[:, 0], 0 * _CIRCLE[:, 0], _CIRCLE[:, 1]], -1
                )
                pixels, _ = self.camera.project(ring)
                draw.polygon([tuple(p) for p in pixels / 4], fill=int(170 * strength))
        return mask.filter(ImageFilter.GaussianBlur(small[1] / 90)).resize(self._canvas)

    def _paint_ground(self) -> Image.Image:
        """The ground with a line every half metre."""
        image = Image.new("RGB", self._canvas, BACKGROUND)
        draw = ImageDraw.Draw(image)
        points = self.interaction.joint_positions[..., [0, 2]].reshape(-1, 2)
        low, high = np.floor(points.min(0)) - 1, np.ceil(points.max(0)) + 1
        for axis in (0, 1):
            for value in np.arange(low[axis], high[axis] + 0.01, 0.5):
                ends = np.zeros((2, 3))
                ends[:, 0 if axis == 0 else 2] = value
                ends[:, 2 if axis == 0 else 0] = low[1 - axis], high[1 - axis]
                pixels, _ = self.camera.project(ends)
                draw.line([tuple(p) for p in pixels], fill=_GRID, width=3 if value == round(value) else 1)
        return image


def _anchors(interaction: Interaction, frame: int) -> dict[str, np.ndarray]:
    """Joints and the extra points by name, each (P, 3)."""
    positions, orientations = interaction.joint_positions[frame], interaction.joint_orientations[frame]
    anchors = {name: positions[:, index] for name, index in JOINT.items()}
    scales = np.array([skeleton.scale for skeleton in interaction.skeletons])
    for name, (joint, offset) in _EXTRA.items():
        index = JOINT[joint]
        anchors[name] = positions[:, index] + orientations[:, index] @ np.array(offset) * scales[:, None]
    return anchors


def _hull(centres: np.ndarray, radii: np.ndarray) -> list[tuple[float, float]]:
    """The convex hull of discs, as a polygon: in every direction the disc that reaches farthest gives the point."""
    farthest = np.argmax(centres @ _CIRCLE.T + radii[:, None], axis=0)
    return [tuple(point) for point in centres[farthest] + radii[farthest, None] * _CIRCLE]


def _shade(colour: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    red, green, blue = (int(min(255.0, channel * factor)) for channel in colour)
    return red, green, blue
