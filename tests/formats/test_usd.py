"""USD files: read back by usd-core's own UsdSkel, which poses skeletons and skins meshes by itself."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from poses import random_interaction
from test_glb import odd_builds

from vimotion.errors import UserError
from vimotion.formats import ExportOptions, save_motion
from vimotion.formats.bone_names import BONES, bone_names
from vimotion.formats.human import REGIONS, load_human
from vimotion.motion import Interaction

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Usd, UsdGeom, UsdShade, UsdSkel


def posed(stage: Any, person: int, frame: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the joints, their places in the world (22, 3) metres, and the skinned vertices (V, 3), empty without skin."""
    root = UsdSkel.Root.Get(stage, f"/people/{'ab'[person]}")
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    skeleton = cache.GetSkelQuery(UsdSkel.Skeleton.Get(stage, root.GetPath().AppendChild("skeleton")))
    moved = UsdGeom.XformCache(frame)
    to_world = np.array(moved.GetLocalToWorldTransform(skeleton.GetPrim()))
    joints = np.array(skeleton.ComputeJointSkelTransforms(frame)) @ to_world
    names = [path.rsplit("/", 1)[-1] for path in skeleton.GetJointOrder()]
    body = root.GetPrim().GetChild("body")
    if not body:
        return names, joints[:, 3, :3], np.empty((0, 3))
    points = UsdGeom.Mesh(body).GetPointsAttr().Get()
    cache.GetSkinningQuery(body).ComputeSkinnedPoints(skeleton.ComputeSkinningTransforms(frame), points, frame)
    skinned = np.concatenate([np.array(points), np.ones((len(points), 1))], axis=1)
    return names, joints[:, 3, :3], (skinned @ to_world)[:, :3]


def check(motion: Interaction, path: Path, bones: str = "mixamo", skin: bool = True) -> None:
    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == "Y" and UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert stage.GetTimeCodesPerSecond() == motion.fps and stage.GetEndTimeCode() == motion.num_frames - 1
    lift = [0, load_human().lift(motion.skeletons) if skin else 0, 0]
    for frame in range(motion.num_frames):
        for person in range(motion.num_people):
            names, joints, _ = posed(stage, person, frame)
            assert names == bone_names(bones)
            np.testing.assert_allclose(joints, motion.joint_positions[frame, person] + lift, atol=1e-4)


@pytest.mark.parametrize("ending", [".usd", ".usda", ".usdc", ".usdz"])
def test_joints_are_where_the_interaction_has_them(tmp_path: Path, ending: str) -> None:
    motion = odd_builds(random_interaction(3, frames=12, bend=2.0)).moved(1.0, (20.0, 0.0, -3.0))
    assert save_motion(motion, tmp_path / f"motion{ending}") == [tmp_path / f"motion{ending}"]
    check(motion, tmp_path / f"motion{ending}")
    assert [path.name for path in tmp_path.iterdir()] == [f"motion{ending}"]


@pytest.mark.parametrize("bones", BONES)
def test_bone_names_and_no_skin(tmp_path: Path, bones: str) -> None:
    motion = random_interaction(5, frames=3, people=1).resampled(50.0)
    save_motion(motion, tmp_path / "motion.usdc", ExportOptions(bones=bones, skin=False))
    check(motion, tmp_path / "motion.usdc", bones, skin=False)


def test_skin_is_that_of_the_human(tmp_path: Path) -> None:
    motion, human = random_interaction(2, frames=3), load_human()
    save_motion(motion, tmp_path / "motion.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "motion.usdc"))
    for person in range(2):
        joints = motion.joint_positions[2, person], motion.joint_orientations[2, person]
        expected = human.skin(human.binding(motion.skeletons[person]), *joints) + [0, human.lift(motion.skeletons), 0]
        np.testing.assert_allclose(posed(stage, person, 2)[2], expected, atol=1e-4)
        mesh = UsdGeom.Mesh.Get(stage, f"/people/{'ab'[person]}/body")
        parts = UsdGeom.Subset.GetAllGeomSubsets(mesh)
        assert {part.GetPrim().GetName() for part in parts} == set(REGIONS)
        assert all(UsdShade.MaterialBindingAPI(part.GetPrim()).ComputeBoundMaterial()[0] for part in parts)


def test_usd_itself_finds_no_fault(tmp_path: Path) -> None:
    validation = pytest.importorskip("pxr.UsdValidation", reason="this usd-core has no validators")
    save_motion(random_interaction(2, frames=3), tmp_path / "motion.usdz")
    validators = validation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 10
    found = validation.ValidationContext(validators).Validate(Usd.Stage.Open(str(tmp_path / "motion.usdz")))
    assert not [(error.GetName(), error.GetMessage()) for error in found]


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(UserError, match=r"vimotion\[usd\]"):
        save_motion(random_interaction(2, frames=3), tmp_path / "motion.usdz")
    assert not list(tmp_path.iterdir())
