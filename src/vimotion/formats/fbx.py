"""FBX 7.4, binary: both people as skinned, animated meshes in one world, for Blender, Unreal, Unity, Maya and MotionBuilder.

Centimetres, Y-up, 22 bones a person under a null "a" or "b", rotations in FBX's order XYZ (R = Rz·Ry·Rx). The bind pose is our
T-pose on the ground at the origin, facing +Z, and every bone's axes are the world's there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.formats.bone_names import rig_names
from vimotion.formats.fbx_binary import CREATED, FILE_ID, VERSION, Record, Value, write_tree
from vimotion.formats.human import PALETTES, REGIONS, load_human, vertex_normals
from vimotion.motion import JOINT, NUM_JOINTS, PARENTS, Interaction, Skeleton
from vimotion.motion.rotations import matrix_to_euler_zyx

_CENTIMETRES = 100.0
_SECOND = 46_186_158_000  # FBX's ticks
# Rates that FBX has a number for; 14 means "as `CustomFrameRate` says".
_TIME_MODES = {120: 1, 100: 2, 60: 3, 50: 4, 48: 5, 30: 6, 25: 10, 24: 11}
_CUSTOM_RATE = 14
_LINEAR = 4
_PEOPLE = "ab"
_ROOT = np.int64(0)


class _Scene:
    """The objects of a file and how they hang together."""

    def __init__(self) -> None:
        self.objects, self.connections = Record("Objects"), Record("Connections")
        self._ids = count(1_000_000)

    def add(self, kind: str, name: str, of: str, variant: str) -> tuple[Record, np.int64]:
        """A new object of `kind`; in a file its name is followed by what it is a name `of`."""
        identity = np.int64(next(self._ids))
        return self.objects.add(kind, identity, f"{name}\x00\x01{of}", variant), identity

    def connect(self, child: np.int64, parent: np.int64, what: str = "") -> None:
        """`child` belongs to `parent`, or drives its property `what`."""
        link: list[Value] = ["OP", child, parent, what] if what else ["OO", child, parent]
        self.connections.add("C", *link)


def save_fbx(interaction: Interaction, path: str | Path, bones: str = "mixamo", skin: bool = True) -> None:
    """Writes the people of an interaction with the human that ships with VIMotion.

    With `skin` everyone is raised by `Human.lift`, as in `save_glb`; without it there are only the bones, and joints are at
    their places in `Interaction.joint_positions`.
    """
    scene = _Scene()
    stack, layer = _add_take(scene, interaction)
    lift = load_human().lift(interaction.skeletons) if skin else 0.0
    bind, _ = scene.add("Pose", "bind pose", "Pose", "BindPose")
    poses: list[tuple[np.int64, np.ndarray]] = []
    for person, skeleton in enumerate(interaction.skeletons):
        joints = _add_bones(scene, skeleton, person, rig_names(bones, person), lift)
        poses += joints
        if skin:
            poses.append((_add_body(scene, skeleton, person, joints[1:]), np.zeros(3)))
        _add_motion(scene, layer, interaction, person, [joint for joint, _ in joints[1:]])
    for name, value in (("Type", "BindPose"), ("Version", 100), ("NbPoseNodes", len(poses))):
        bind.add(name, value)
    for joint, place in poses:
        node = bind.add("PoseNode")
        node.add("Node", joint)
        node.add("Matrix", _matrix(place))
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(write_tree([*_head(interaction, stack), _definitions(scene), scene.objects, scene.connections]))


def _ticks(frames: np.ndarray | int, fps: float) -> np.ndarray:
    return np.round(np.asarray(frames, dtype=np.float64) * _SECOND / fps).astype(np.int64)


def _matrix(place: np.ndarray) -> np.ndarray:
    """A shift by `place`, centimetres, as FBX stores a matrix: 16 numbers, column by column."""
    matrix = np.eye(4)
    matrix[3, :3] = place
    return matrix.ravel()


def _head(interaction: Interaction, stack: np.int64) -> list[Record]:
    header = Record("FBXHeaderExtension")
    for name, value in (("FBXHeaderVersion", 1003), ("FBXVersion", VERSION), ("Creator", "VIMotion")):
        header.add(name, value)
    settings = Record("GlobalSettings")
    settings.add("Version", 1000)
    axes = {"UpAxis": 1, "FrontAxis": 2, "CoordAxis": 0}
    for name, axis in axes.items():
        settings.add_property(name, "int", "Integer", "", axis)
        settings.add_property(f"{name}Sign", "int", "Integer", "", 1)
    for name in ("UnitScaleFactor", "OriginalUnitScaleFactor"):  # centimetres in one unit
        settings.add_property(name, "double", "Number", "", 1.0)
    mode = _TIME_MODES.get(round(interaction.fps, 6), _CUSTOM_RATE)  # type: ignore[call-overload]
    settings.add_property("TimeMode", "enum", "", "", mode)
    settings.add_property("CustomFrameRate", "double", "Number", "", float(interaction.fps) if mode == _CUSTOM_RATE else -1.0)
    for name, frame in (("TimeSpanStart", 0), ("TimeSpanStop", interaction.num_frames - 1)):
        settings.add_property(name, "KTime", "Time", "", np.int64(_ticks(frame, interaction.fps)))
    documents = Record("Documents")
    documents.add("Count", 1)
    document = documents.add("Document", stack + 1_000_000_000, "", "Scene")
    document.add_property("SourceObject", "object", "", "")
    document.add_property("ActiveAnimStackName", "KString", "", "", "motion")
    document.add("RootNode", _ROOT)
    facts: list[Record] = [Record("FileId", [FILE_ID]), Record("CreationTime", [CREATED]), Record("Creator", ["VIMotion"])]
    return [header, *facts, settings, documents, Record("References")]


def _definitions(scene: _Scene) -> Record:
    """How many objects of each kind there are."""
    kinds = Counter(record.name for record in scene.objects.below)
    definitions = Record("Definitions")
    definitions.add("Version", 100)
    definitions.add("Count", 1 + sum(kinds.values()))
    for kind, number in {"GlobalSettings": 1, **kinds}.items():
        definitions.add("ObjectType", kind).add("Count", number)
    return definitions


def _add_take(scene: _Scene, interaction: Interaction) -> tuple[np.int64, np.int64]:
    """The one animation of the file, and its one layer."""
    take, stack = scene.add("AnimationStack", "motion", "AnimStack", "")
    end = np.int64(_ticks(interaction.num_frames - 1, interaction.fps))
    for span in ("Local", "Reference"):
        take.add_property(f"{span}Start", "KTime", "Time", "", np.int64(0))
        take.add_property(f"{span}Stop", "KTime", "Time", "", end)
    _, layer = scene.add("AnimationLayer", "motion", "AnimLayer", "")
    scene.connect(layer, stack)
    return stack, layer


def _add_model(scene: _Scene, name: str, variant: str, place: np.ndarray, parent: np.int64) -> np.int64:
    model, identity = scene.add("Model", name, "Model", variant)
    model.add("Version", 232)
    model.add_property("InheritType", "enum", "", "", 1)
    model.add_property("DefaultAttributeIndex", "int", "Integer", "", 0)
    model.add_property("Lcl Translation", "Lcl Translation", "", "A", *(float(value) for value in place))
    model.add("Shading", True)
    model.add("Culling", "CullingOff")
    scene.connect(identity, parent)
    return identity


def _add_bones(
    scene: _Scene, skeleton: Skeleton, person: int, names: Sequence[str], lift: float
) -> list[tuple[np.int64, np.ndarray]]:
    """The null over a person, then the person's bones: each with its place in the bind pose, centimetres in the world."""
    places = [np.array([0.0, lift, 0.0]) * _CENTIMETRES]
    models = [_add_model(scene, _PEOPLE[person], "Null", places[0], _ROOT)]
    for joint in range(NUM_JOINTS):
        above = PARENTS[joint] + 1
        step = skeleton.offsets[joint] if joint else np.array([0.0, skeleton.pelvis_height, 0.0])
        places.append(places[above] + step * _CENTIMETRES)
        models.append(_add_model(scene, names[joint], "LimbNode", step * _CENTIMETRES, models[above]))
    for model, name, kind in zip(models, [_PEOPLE[person], *names], ["Null", *["LimbNode"] * NUM_JOINTS], strict=True):
        attribute, identity = scene.add("NodeAttribute", name, "NodeAttribute", kind)
        attribute.add("TypeFlags", "Null" if kind == "Null" else "Skeleton")
        scene.connect(identity, model)
    return list(zip(models, places, strict=True))


def _add_body(scene: _Scene, skeleton: Skeleton, person: int, joints: Sequence[tuple[np.int64, np.ndarray]]) -> np.int64:
    """The mesh in the bind pose of `joints`, its colours and its skin."""
    human, name = load_human(), f"{_PEOPLE[person]} body"
    body = _add_model(scene, name, "Mesh", np.zeros(3), _ROOT)
    mesh, geometry = scene.add("Geometry", name, "Geometry", "Mesh")
    scene.connect(geometry, body)
    vertices = human.fitted(skeleton) * _CENTIMETRES + joints[0][1]
    corners = human.faces.astype(np.int32)
    corners[:, -1] = ~corners[:, -1]  # the last corner of a face is marked so
    mesh.add("GeometryVersion", 124)
    mesh.add("Vertices", vertices.ravel())
    mesh.add("PolygonVertexIndex", corners.ravel())
    normals = vertex_normals(vertices, human.faces)
    _add_layer(mesh, "Normal", "ByVertice", "Direct", "Normals", normals.ravel())
    _add_layer(mesh, "Material", "ByPolygon", "IndexToDirect", "Materials", human.regions.astype(np.int32))
    layer = mesh.add("Layer", 0)
    layer.add("Version", 100)
    for kind in ("Normal", "Material"):
        element = layer.add("LayerElement")
        element.add("Type", f"LayerElement{kind}")
        element.add("TypedIndex", 0)
    for region in REGIONS:
        material, identity = scene.add("Material", f"{_PEOPLE[person]} {region}", "Material", "")
        material.add("Version", 102)
        material.add("ShadingModel", "lambert")
        material.add("MultiLayer", 0)
        colour = [float(value) / 255 for value in PALETTES[person][region]]
        material.add_property("DiffuseColor", "Color", "", "A", *colour)
        scene.connect(identity, body)
    _add_skin(scene, geometry, name, joints)
    return body


def _add_layer(mesh: Record, kind: str, mapping: str, reference: str, name: str, values: np.ndarray) -> None:
    layer = mesh.add(f"LayerElement{kind}", 0)
    layer.add("Version", 101)
    layer.add("Name", "")
    layer.add("MappingInformationType", mapping)
    layer.add("ReferenceInformationType", reference)
    layer.add(name, values)


def _add_skin(scene: _Scene, geometry: np.int64, name: str, joints: Sequence[tuple[np.int64, np.ndarray]]) -> None:
    skin, deformer = scene.add("Deformer", name, "Deformer", "Skin")
    skin.add("Version", 101)
    skin.add("Link_DeformAcuracy", 50.0)
    scene.connect(deformer, geometry)
    for weights, (joint, place) in zip(load_human().dense_weights.T, joints, strict=True):
        cluster, identity = scene.add("Deformer", "", "SubDeformer", "Cluster")
        cluster.add("Version", 100)
        cluster.add("UserData", "", "")
        moved = np.flatnonzero(weights)
        if len(moved):
            cluster.add("Indexes", moved.astype(np.int32))
            cluster.add("Weights", weights[moved])
        cluster.add("Transform", _matrix(-place))  # from the mesh into the bone, and from the bone into the world
        cluster.add("TransformLink", _matrix(place))
        scene.connect(identity, deformer)
        scene.connect(joint, identity)


def _add_motion(scene: _Scene, layer: np.int64, interaction: Interaction, person: int, joints: Sequence[np.int64]) -> None:
    """The pelvis' path and every joint's rotation, one key a frame."""
    times = _ticks(np.arange(interaction.num_frames), interaction.fps)
    path = interaction.root_positions[:, person] * _CENTIMETRES
    _add_curves(scene, layer, times, joints[JOINT["pelvis"]], "T", "Lcl Translation", path)
    angles = _continuous_euler(interaction.local_rotations[:, person])
    for joint in range(NUM_JOINTS):
        _add_curves(scene, layer, times, joints[joint], "R", "Lcl Rotation", angles[:, joint])


def _add_curves(
    scene: _Scene, layer: np.int64, times: np.ndarray, model: np.int64, name: str, what: str, values: np.ndarray
) -> None:
    """Curves of x, y and z: values (T, 3) at `times` in ticks, with straight lines between."""
    node, identity = scene.add("AnimationCurveNode", name, "AnimCurveNode", "")
    for axis, first in zip("XYZ", values[0], strict=True):
        node.add_property(f"d|{axis}", "Number", "", "A", float(first))
    scene.connect(identity, layer)
    scene.connect(identity, model, what)
    for axis, track in zip("XYZ", values.T, strict=True):
        curve, curve_identity = scene.add("AnimationCurve", "", "AnimCurve", "")
        curve.add("Default", float(track[0]))
        curve.add("KeyVer", 4008)
        curve.add("KeyTime", times)
        curve.add("KeyValueFloat", track.astype(np.float32))
        # one kind of key, with four numbers about its slopes that a straight line does not need, for all keys
        curve.add("KeyAttrFlags", np.array([_LINEAR], dtype=np.int32))
        curve.add("KeyAttrDataFloat", np.zeros(4, dtype=np.float32))
        curve.add("KeyAttrRefCount", np.array([len(times)], dtype=np.int32))
        scene.connect(curve_identity, identity, f"d|{axis}")


def _continuous_euler(rotations: np.ndarray) -> np.ndarray:
    """(T, J, 3, 3) → degrees about x, y, z (T, J, 3) with R = Rz·Ry·Rx that never jump from key to key.

    Each rotation has two such triples, and whole turns may be added: the nearest to the frame before is taken.
    """
    angles = np.degrees(matrix_to_euler_zyx(rotations))[..., ::-1]
    others = angles * (1, -1, 1) + 180
    result = angles.copy()
    for frame in range(1, len(angles)):
        before = result[frame - 1]
        choices = np.stack([angles[frame], others[frame]])
        choices -= 360 * np.round((choices - before) / 360)
        second = np.abs(choices[1] - before).sum(axis=-1) < np.abs(choices[0] - before).sum(axis=-1)
        result[frame] = np.where(second[:, None], choices[1], choices[0])
    return result
