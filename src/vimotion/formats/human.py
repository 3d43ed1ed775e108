"""The human that VIMotion shows: a skinned mesh on the 22 joints, made by `tools/bake_human.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

from vimotion.motion import JOINT, NUM_JOINTS, Skeleton
from vimotion.motion.rotations import normalize

# What each part of the body wears, as sRGB; first person a, then person b.
REGIONS = ("shirt", "trousers", "skin", "hair", "shoes")
_SKIN, _HAIR, _SHOES = (240, 204, 176), (84, 62, 50), (70, 70, 78)
PALETTES = (
    {"shirt": (236, 122, 62), "trousers": (188, 98, 66), "skin": _SKIN, "hair": _HAIR, "shoes": _SHOES},
    {"shirt": (66, 138, 224), "trousers": (62, 104, 168), "skin": _SKIN, "hair": _HAIR, "shoes": _SHOES},
)
_WORN_ON = {
    "skin": ("head", "left_wrist", "right_wrist"),
    "trousers": ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee"),
    "shoes": ("left_ankle", "right_ankle", "left_foot", "right_foot"),
}
# The hairline runs from the forehead back and down to the nape: above it, y − z from the head joint is more than this.
_HAIRLINE = 0.035

# How the mesh is fitted to other proportions, in the T-pose: pieces from their start (between these joints) to their end,
# and the joints that carry them. Rigs put spine, collars and toes in very different places, so one piece spans the trunk and
# one the foot.
_SIDES = ("left", "right")
_LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_PIECES: tuple[tuple[tuple[str, ...], str | None, tuple[str, ...]], ...] = (
    (("left_hip", "right_hip"), "neck", ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")),
    (("neck",), "head", ("neck",)),
    (("head",), None, ("head",)),
    *(((f"{side}_{start}",), f"{side}_{end}", (f"{side}_{start}",)) for side in _SIDES for start, end in _LIMBS),
    *(((f"{side}_ankle",), None, (f"{side}_ankle", f"{side}_foot")) for side in _SIDES),
    *(((f"{side}_wrist",), None, (f"{side}_wrist",)) for side in _SIDES),
)


@dataclass(frozen=True, eq=False)
class Human:
    """The mesh in the T-pose of `Skeleton.standard()`: metres, Y-up, facing +Z, the pelvis at the origin.

    Attributes:
        vertices: (V, 3).
        faces: (F, 3) vertex indices, counterclockwise seen from outside.
        weights: (V, 4), of each vertex summing to one.
        joints: (V, 4), the joint that each weight belongs to.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    joints: np.ndarray

    @cached_property
    def normals(self) -> np.ndarray:
        """(V, 3) unit vectors, those of the faces around weighted by their areas."""
        return vertex_normals(self.vertices, self.faces)

    @cached_property
    def dense_weights(self) -> np.ndarray:
        """(V, 22) the weights with a column for each joint."""
        dense = np.zeros((len(self.vertices), NUM_JOINTS))
        np.add.at(dense, (np.arange(len(dense))[:, None], self.joints), self.weights)
        return dense

    @cached_property
    def rulers(self) -> np.ndarray:
        """(F,) the joint that moves each triangle most."""
        return self.dense_weights[self.faces].sum(axis=1).argmax(axis=1)

    @cached_property
    def regions(self) -> np.ndarray:
        """(F,) index into `REGIONS` of each triangle."""
        regions = np.full(len(self.faces), REGIONS.index("shirt"))
        for region, joints in _WORN_ON.items():
            regions[np.isin(self.rulers, [JOINT[joint] for joint in joints])] = REGIONS.index(region)
        centres = self.vertices[self.faces].mean(axis=1) - Skeleton.standard().rest_positions[JOINT["head"]]
        regions[(self.rulers == JOINT["head"]) & (centres[:, 1] - centres[:, 2] > _HAIRLINE)] = REGIONS.index("hair")
        return regions

    @staticmethod
    def binding(skeleton: Skeleton) -> np.ndarray:
        """From the rest mesh into each joint's own axes, (22, 3, 4), fitted to the proportions of `skeleton`.

        For the standard skeleton it only takes off the joint's rest position. For another, each piece of the body starts
        and ends where it does in that skeleton, and is as thick as the person is tall.
        """
        standard, own = Skeleton.standard().rest_positions, skeleton.rest_positions
        size = np.ptp(own[:, 1]) / np.ptp(standard[:, 1])
        binding = np.empty((NUM_JOINTS, 3, 4))
        for starts, end, joints in _PIECES:
            start = [JOINT[joint] for joint in starts]
            origin, place = standard[start].mean(axis=0), own[start].mean(axis=0)
            fit = np.eye(3) * size
            if end is not None:  # `along` goes exactly to its own length and direction; what is square to it only grows
                along = standard[JOINT[end]] - origin
                fit += np.outer(own[JOINT[end]] - place - size * along, along) / (along @ along)
            for joint in joints:
                binding[JOINT[joint], :, :3] = fit
                binding[JOINT[joint], :, 3] = place - own[JOINT[joint]] - fit @ origin
        return binding

    def skin(self, bindings: np.ndarray, positions: np.ndarray, orientations: np.ndarray) -> np.ndarray:
        """The vertices of posed people by linear blend skinning: (..., V, 3) metres in the world.

        Args:
            bindings: (..., 22, 3, 4), see `binding`.
            positions, orientations: (..., 22, 3) and (..., 22, 3, 3), the joints in the world.
        """
        moves = orientations @ bindings
        moves[..., 3] += positions
        blended = self.dense_weights @ moves.reshape(*moves.shape[:-3], NUM_JOINTS, 12)
        blended = blended.reshape(*blended.shape[:-1], 3, 4)
        return (blended[..., :3] @ self.vertices[:, :, None])[..., 0] + blended[..., 3]

    def fitted(self, skeleton: Skeleton) -> np.ndarray:
        """The vertices in the T-pose of a skeleton, its pelvis at the origin: (V, 3) metres.

        For formats whose bones bind a mesh only by where they are. Bound so, a mesh moves as with `binding` but where two
        pieces of the body that are fitted differently meet.
        """
        still = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
        return self.skin(self.binding(skeleton), skeleton.rest_positions, still)

    def lift(self, skeletons: Sequence[Skeleton]) -> float:
        """How far people must be raised so that soles stand on the ground where the lowest joint is at y = 0, metres.

        It is the mesh's depth below the lowest joint in the T-pose, and the same for all, so that hands still meet.
        """
        return max(float(-self.fitted(skeleton)[:, 1].min() - skeleton.pelvis_height) for skeleton in skeletons)


def srgb_to_linear(colour: Sequence[int]) -> list[float]:
    """sRGB 0…255 → linear 0…1, as renderers count."""
    srgb = np.array(colour) / 255
    return [round(float(value), 4) for value in np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices (V, 3), triangles (F, 3) → unit normals (V, 3)."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.cross(second - first, third - first)
    summed = np.stack([np.bincount(faces.ravel(), np.repeat(normals[:, axis], 3), len(vertices)) for axis in range(3)], axis=-1)
    return normalize(summed)


@cache
def load_human() -> Human:
    """The human that comes with the package (about 1,200 vertices)."""
    with resources.files("vimotion.formats").joinpath("assets/human.npz").open("rb") as file, np.load(file) as asset:
        faces, joints = asset["faces"].astype(np.int64), asset["joints"].astype(np.int64)
        return Human(asset["vertices"].astype(np.float64), faces, asset["weights"].astype(np.float64), joints)
