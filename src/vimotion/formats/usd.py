"""USD with UsdSkel: both people as skinned, animated meshes in one world, for Blender, Houdini, Omniverse, Unreal and Maya.

Metres, Y-up, a time code a frame. Each person is a SkelRoot "a" or "b" with a Skeleton, its SkelAnimation and, with skin, a
mesh bound to it. The bind pose is our T-pose on the ground at the origin, facing +Z. `.usda` is text, `.usdc` and `.usd` are
binary, `.usdz` is one package, as phones show it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.formats.bone_names import bone_names
from vimotion.formats.human import PALETTES, REGIONS, load_human, srgb_to_linear, vertex_normals
from vimotion.motion import NUM_JOINTS, PARENTS, Interaction
from vimotion.motion.rotations import continuous, matrix_to_quaternion

_PEOPLE = "ab"
_WEIGHTS = 4  # joints that move one vertex


def save_usd(interaction: Interaction, path: str | Path, bones: str = "mixamo", skin: bool = True) -> None:
    """Writes the people of an interaction with the human that ships with VIMotion.

    With `skin` everyone is raised by `Human.lift`, as in `save_glb`; without it there are only the skeletons, and joints are
    at their places in `Interaction.joint_positions`.
    """
    from pxr import UsdUtils

    with atomic_path(Path(path)) as partial:
        if partial.suffix.lower() != ".usdz":
            _write_stage(interaction, partial, bones, skin)
            return
        with TemporaryDirectory(dir=partial.parent) as folder:
            stage = Path(folder) / "motion.usdc"
            _write_stage(interaction, stage, bones, skin)
            if not UsdUtils.CreateNewUsdzPackage(str(stage), str(partial)):
                raise OSError("the package could not be made")


def _write_stage(interaction: Interaction, path: Path, bones: str, skin: bool) -> None:
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(interaction.fps)
    stage.SetFramesPerSecond(interaction.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(interaction.num_frames - 1)
    scene = UsdGeom.Xform.Define(stage, "/people")
    stage.SetDefaultPrim(scene.GetPrim())
    lift = load_human().lift(interaction.skeletons) if skin else 0.0
    for person in range(interaction.num_people):
        _add_person(stage, interaction, person, _joint_paths(bones), lift)
        if skin:
            _add_body(stage, interaction, person)
    stage.GetRootLayer().Save()


def _joint_paths(bones: str) -> list[str]:
    """Each joint by the bones above it and its own: "Hips/Spine/Spine1"."""
    paths: list[str] = []
    for name, parent in zip(bone_names(bones), PARENTS, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _shifts(places: np.ndarray) -> Any:
    """Matrices in USD's sense, rows are axes: shifts by places (22, 3)."""
    from pxr import Vt

    matrices = np.tile(np.eye(4), (NUM_JOINTS, 1, 1))
    matrices[:, 3, :3] = places
    return Vt.Matrix4dArray.FromNumpy(matrices)


def _add_person(stage: Any, interaction: Interaction, person: int, joints: list[str], lift: float) -> None:
    """The root of a person, the skeleton, and its motion."""
    from pxr import Gf, UsdSkel, Vt

    root = UsdSkel.Root.Define(stage, f"/people/{_PEOPLE[person]}")
    root.AddTranslateOp().Set(Gf.Vec3d(0, lift, 0))
    own = interaction.skeletons[person]
    standing = np.array([0.0, own.pelvis_height, 0.0])
    skeleton = UsdSkel.Skeleton.Define(stage, root.GetPath().AppendChild("skeleton"))
    skeleton.CreateJointsAttr(joints)
    skeleton.CreateBindTransformsAttr(_shifts(own.rest_positions + standing))
    rest = own.offsets.copy()
    rest[0] = standing
    skeleton.CreateRestTransformsAttr(_shifts(rest))
    animation = UsdSkel.Animation.Define(stage, skeleton.GetPath().AppendChild("motion"))
    animation.CreateJointsAttr(joints)
    animation.CreateScalesAttr(Vt.Vec3hArray(NUM_JOINTS, Gf.Vec3h(1, 1, 1)))
    moves, turns = animation.CreateTranslationsAttr(), animation.CreateRotationsAttr()
    places = np.tile(own.offsets, (interaction.num_frames, 1, 1))
    places[:, 0] = interaction.root_positions[:, person]
    # numbers for USD's quaternions come as x, y, z, w
    quaternions = np.roll(continuous(matrix_to_quaternion(interaction.local_rotations[:, person])), -1, axis=-1)
    for frame in range(interaction.num_frames):
        moves.Set(Vt.Vec3fArray.FromNumpy(places[frame].astype(np.float32)), frame)
        turns.Set(Vt.QuatfArray.FromNumpy(quaternions[frame].astype(np.float32)), frame)
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    UsdSkel.BindingAPI.Apply(root.GetPrim()).CreateSkeletonRel().SetTargets([skeleton.GetPath()])


def _add_body(stage: Any, interaction: Interaction, person: int) -> None:
    """The mesh in the bind pose, its colours and its skin."""
    from pxr import Gf, Sdf, UsdGeom, UsdShade, UsdSkel, Vt

    human, skeleton = load_human(), interaction.skeletons[person]
    root = Sdf.Path(f"/people/{_PEOPLE[person]}")
    mesh = UsdGeom.Mesh.Define(stage, root.AppendChild("body"))
    vertices = human.fitted(skeleton) + [0.0, skeleton.pelvis_height, 0.0]
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices.astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(human.faces), 3, dtype=np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(human.faces.ravel().astype(np.int32)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(vertex_normals(vertices, human.faces).astype(np.float32)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    ends = [Gf.Vec3f(*corner.tolist()) for corner in (vertices.min(axis=0), vertices.max(axis=0))]
    mesh.CreateExtentAttr(Vt.Vec3fArray(ends))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([root.AppendChild("skeleton")])
    binding.CreateJointIndicesPrimvar(False, _WEIGHTS).Set(Vt.IntArray.FromNumpy(human.joints.ravel().astype(np.int32)))
    binding.CreateJointWeightsPrimvar(False, _WEIGHTS).Set(Vt.FloatArray.FromNumpy(human.weights.ravel().astype(np.float32)))
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    for index, region in enumerate(REGIONS):
        material = UsdShade.Material.Define(stage, root.AppendPath(f"colours/{region}"))
        shader = UsdShade.Shader.Define(stage, material.GetPath().AppendChild("surface"))
        shader.CreateIdAttr("UsdPreviewSurface")
        colour = srgb_to_linear(PALETTES[person][region])
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(Gf.Vec3f(*colour))
        shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.85)
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        faces = Vt.IntArray.FromNumpy(np.flatnonzero(human.regions == index).astype(np.int32))
        part = UsdGeom.Subset.CreateGeomSubset(
            mesh, region, UsdGeom.Tokens.face, faces, "materialBind", UsdGeom.Tokens.partition
        )
        UsdShade.MaterialBindingAPI.Apply(part.GetPrim()).Bind(material)
