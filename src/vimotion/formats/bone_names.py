"""What other programs call our 22 joints.

- mixamo: Mixamo, MotionBuilder, Rokoko and most game tools; GLB and FBX add Mixamo's prefix.
- smpl: SMPL, SMPL-H and SMPL-X, and so our own names.
- unreal: the Unreal Engine's mannequin.
- vrm: the humanoid bones of VRM 1.0, as three-vrm and UniVRM name them.
"""

from __future__ import annotations

from vimotion.formats.joint_names import MIXAMO
from vimotion.motion import JOINTS

# Trunk from the pelvis up, then leg and arm from the body outwards.
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_LIMBS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
_UNREAL = ("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head")
_UNREAL_LIMBS = ("thigh", "calf", "foot", "ball", "clavicle", "upperarm", "lowerarm", "hand")
_VRM = ("hips", "spine", "chest", "upperChest", "neck", "head")
_VRM_LIMBS = ("UpperLeg", "LowerLeg", "Foot", "Toes", "Shoulder", "UpperArm", "LowerArm", "Hand")
_SIDES = ("left", "right")

# joint → bone, for each set of names
BONES: dict[str, dict[str, str]] = {
    "mixamo": MIXAMO,
    "smpl": {joint: joint for joint in JOINTS},
    "unreal": dict(zip(_TRUNK, _UNREAL, strict=True))
    | {f"{s}_{joint}": f"{name}_{s[0]}" for s in _SIDES for joint, name in zip(_LIMBS, _UNREAL_LIMBS, strict=True)},
    "vrm": dict(zip(_TRUNK, _VRM, strict=True))
    | {f"{s}_{joint}": f"{s}{name}" for s in _SIDES for joint, name in zip(_LIMBS, _VRM_LIMBS, strict=True)},
}
_MIXAMO_RIG = "mixamorig"


def bone_names(bones: str) -> list[str]:
    """The bone of each joint, in our order."""
    return [BONES[bones][joint] for joint in JOINTS]


def rig_names(bones: str, person: int = 0) -> list[str]:
    """The same with the prefix of the rig, so that no two people of a file share a name.

    As where Mixamo's characters meet in one scene: "mixamorig:Hips" and "mixamorig1:Hips". Under other names the first
    person has none, and the second the name space "b:".
    """
    prefix = f"{_MIXAMO_RIG}{person or ''}:" if bones == "mixamo" else ("", "b:")[person]
    return [prefix + name for name in bone_names(bones)]
