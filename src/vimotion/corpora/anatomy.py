"""What is known of human bodies, as tables on the 22 joints: ranges of joints, masses of segments, the room that bones take.

The numbers come from the literature (beside each) and from our own mesh, never from a data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from vimotion.formats.human import load_human
from vimotion.motion import JOINT, Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_quaternion, normalize

SIDES = ("left", "right")
_X, _Y, _Z = range(3)
_FREE = (-180.0, 180.0)
# Degrees by which an elbow must bend before it is believed about its axis.
_HARDLY_BENT = 2.0


@dataclass(frozen=True)
class Limit:
    """How far a part of the body turns: degrees about the axes of the T-pose, told for the left side; the right mirrors it.

    The turn of a chain of joints is parted in a swing, which takes the bone where it points, and a twist about the bone. `x`,
    `y` and `z` are (lowest, highest) of the two components of the swing's rotation vector and, along `bone`, of the twist.
    """

    part: str
    joints: tuple[str, ...]
    bone: int
    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]

    @property
    def lowest(self) -> np.ndarray:
        return np.array([self.x[0], self.y[0], self.z[0]])

    @property
    def highest(self) -> np.ndarray:
        return np.array([self.x[1], self.y[1], self.z[1]])


# B&A: Boone and Azen, J. Bone Joint Surg. Am. 61 (1979) 756–759, active motion of men: mean and two standard deviations, which
# 39 of 40 people keep. AAOS: Joint Motion: Method of Measuring and Recording (1965). Neumann: Kinesiology of the
# Musculoskeletal System (2010). Kapandji: The Physiology of the Joints (1987). A range without motion keeps some degrees for
# the axes of captured skeletons, which are never quite those of the bones.
_MIDDLE = (
    # flexion 80, extension 25, rotation 45, lateral bending 35 (AAOS: thoracic and lumbar spine together)
    Limit("trunk", ("spine1", "spine2", "spine3"), _Y, x=(-25, 80), y=(-45, 45), z=(-35, 35)),
    # flexion 45 of the neck (AAOS) and 15 of the head on the atlas, extension 75, rotation 80, lateral bending 45
    # (Youdas et al., Phys. Ther. 72 (1992) 770–780, the range of young people)
    Limit("neck", ("neck", "head"), _Y, x=(-75, 60), y=(-80, 80), z=(-45, 45)),
)
_SIDED = (
    # posterior rotation 35; protraction and retraction 30; elevation 45 (Neumann). Arms held out have lifted it by 36 already
    # (Inman et al., J. Bone Joint Surg. 26 (1944) 1–30: 4 for each 10 of the arm), and so far it sinks below the T-pose.
    Limit("collar", ("collar",), _X, x=(-35, 15), y=(-30, 30), z=(-36, 45)),
    # The upper arm against the chest, as it is measured in people: outward rotation 121 and inward 78 (B&A 103.7 ± 8.5, 68.8 ±
    # 4.6); horizontal flexion 153 (B&A 140.7 ± 5.9), and backwards 90, an extension of 81 (B&A 62.3 ± 9.5); elevation to 198
    # from the side (B&A 184.0 ± 7.0), adduction 45 before the body (Kapandji).
    # Twist is told from the T-pose the shortest way: an arm lifted forward with its elbow pit up is turned outward by 90 there,
    # and 60 more are left to it.
    Limit("shoulder", ("collar", "shoulder"), _X, x=(-150, 78), y=(-153, 90), z=(-135, 108)),
    # a hinge: flexion 154, hyperextension 7 (B&A 142.9 ± 5.6, 0.6 ± 3.1); carrying angle up to 15 (AAOS). Its twist is the
    # forearm's, counted at the wrist.
    Limit("elbow", ("elbow",), _X, x=_FREE, y=(-154, 7), z=(-15, 15)),
    # supination 90, pronation 86 of elbow and wrist together (B&A 82.1 ± 3.8, 75.8 ± 5.1); radial deviation 30, ulnar 44
    # (B&A 21.5 ± 4.0, 36.0 ± 3.8); flexion 89, extension 88 (B&A 76.4 ± 6.3, 74.9 ± 6.4)
    Limit("wrist", ("wrist",), _X, x=(-90, 86), y=(-30, 44), z=(-89, 88)),
    # flexion 135 (B&A 122.3 ± 6.1), extension 30 (AAOS); inward and outward rotation 60 (B&A 47.3 ± 6.0, 47.2 ± 6.3);
    # adduction 35, abduction 65 (B&A 26.9 ± 4.1, 45.9 ± 9.3)
    Limit("hip", ("hip",), _Y, x=(-135, 30), y=(-60, 60), z=(-35, 65)),
    # a hinge: flexion 154 (B&A 142.5 ± 5.4), hyperextension 10 (AAOS); inward rotation 30, outward 40 when bent (Kapandji)
    Limit("knee", ("knee",), _Y, x=(-10, 154), y=(-30, 40), z=(-10, 10)),
    # dorsiflexion 45 under load (Bennell et al., Aust. J. Physiother. 44 (1998) 175–180), plantar flexion 69 (B&A 56.2 ± 6.1);
    # toes in or out 35 (Kapandji); inversion 46, eversion 31 (B&A 36.8 ± 4.5, 20.7 ± 5.0)
    Limit("ankle", ("ankle",), _Z, x=(-45, 69), y=(-35, 35), z=(-46, 31)),
    # a hinge of the toes: extension 70, flexion 45 (AAOS: metatarsophalangeal joint of the great toe)
    Limit("foot", ("foot",), _Z, x=(-70, 45), y=(-15, 15), z=(-15, 15)),
)
LIMITS: dict[str, Limit] = {limit.part: limit for limit in _MIDDLE} | {
    f"{side}_{limit.part}": Limit(
        f"{side}_{limit.part}", tuple(f"{side}_{joint}" for joint in limit.joints), limit.bone, limit.x, limit.y, limit.z
    )
    for limit in _SIDED
    for side in SIDES
}


def swing_twist(rotations: np.ndarray, bone: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (..., 3, 3) as swing · twist: the swing's rotation vector (..., 3) and the twist about axis `bone`, radians."""
    w, *xyz = np.moveaxis(matrix_to_quaternion(rotations), -1, 0)
    twist = 2.0 * np.arctan2(xyz[bone], w)
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    axis = np.eye(3)[bone]
    pointing = rotations[..., bone]
    cross = np.cross(axis, pointing)
    sine = np.linalg.norm(cross, axis=-1, keepdims=True)
    angle = np.arctan2(sine, pointing[..., bone, None])
    return cross * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 1.0), twist


def joint_angles(motion: Interaction) -> dict[str, np.ndarray]:
    """How each part of `LIMITS` is turned: (T, P, 3) degrees about x, y and z, in the left side's sense."""
    angles = {}
    for part, limit in LIMITS.items():
        if part.endswith("wrist"):
            angles[part] = _hand_angles(motion, part)
        else:
            turned = np.broadcast_to(np.eye(3), motion.local_rotations.shape[:2] + (3, 3))
            for joint in limit.joints:
                turned = turned @ motion.local_rotations[:, :, JOINT[joint]]
            angles[part], twist = swing_twist(turned, limit.bone)
            angles[part][..., limit.bone] = twist
        mirror = (1.0, -1.0, -1.0) if part.startswith("right") else (1.0, 1.0, 1.0)
        angles[part] = np.degrees(angles[part]) * mirror
    for side in SIDES:
        _turn_to_hinge(*(angles[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")))
    return angles


def _turn_to_hinge(shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray) -> None:
    """Tell an arm's angles (T, P, 3) about the axis that its elbow truly bends about, in place.

    What is straight ahead for an arm is a rig's choice, up to a turn about the arm; the elbow, a hinge, shows that turn.
    """
    _, y, z = np.moveaxis(elbow.mean(axis=0), -1, 0)
    off = np.arctan2(z, _HARDLY_BENT - y)
    shoulder[..., _X] -= np.degrees(off)
    turn = axis_angle_to_matrix(off[:, None] * np.eye(3)[_X])
    for angles in (elbow, wrist):
        angles[..., 1:] = (turn @ angles[..., None])[..., 1:, 0]


def beyond_limit(part: str, angles: np.ndarray) -> np.ndarray:
    """By how many degrees angles (..., 3) of a part leave its range, about the axis that is worst: (...), 0 within."""
    limit = LIMITS[part]
    return np.maximum(np.maximum(limit.lowest - angles, angles - limit.highest), 0.0).max(axis=-1)


def _hand_angles(motion: Interaction, wrist: str) -> np.ndarray:
    """(T, P, 3) radians: the forearm's whole turn, wherever a rig puts it, then the hand bent about axes turned with it."""
    elbow = motion.local_rotations[:, :, JOINT[wrist.replace("wrist", "elbow")]]
    _, turn = swing_twist(elbow, _X)
    hand = axis_angle_to_matrix(turn[..., None] * np.eye(3)[_X]) @ motion.local_rotations[:, :, JOINT[wrist]]
    swing, twist = swing_twist(hand, _X)
    back = axis_angle_to_matrix(-twist[..., None] * np.eye(3)[_X])
    angles: np.ndarray = (back @ swing[..., None])[..., 0]
    angles[..., _X] = twist
    return angles


# Share of the body's mass, and where along the segment its centre lies, from the first joint (D. A. Winter, Biomechanics and
# Motor Control of Human Movement, 4th ed. 2009, table 4.1). The trunk goes from the middle of the hips to the middle of the
# shoulders; head and neck have their centre at the ear, which is our head joint within 3 cm.
_TRUNK_MASS, _HEAD_MASS, _HAND_MASS = 0.497, 0.081, 0.006
_LIMB_SEGMENTS = (
    ("shoulder", "elbow", 0.028, 0.436),
    ("elbow", "wrist", 0.016, 0.430),
    ("hip", "knee", 0.100, 0.433),
    ("knee", "ankle", 0.0465, 0.433),
    ("ankle", "foot", 0.0145, 0.500),
)


def centre_of_mass(motion: Interaction) -> np.ndarray:
    """(T, P, 3) metres in the world."""
    at = {name: motion.joint_positions[:, :, index] for name, index in JOINT.items()}
    middle = (at["left_hip"] + at["right_hip"] + at["left_shoulder"] + at["right_shoulder"]) / 4.0
    centre = _TRUNK_MASS * middle + _HEAD_MASS * at["head"]
    for side in SIDES:
        centre = centre + _HAND_MASS * motion.palm_positions(side)
        for start, end, mass, share in _LIMB_SEGMENTS:
            centre = centre + mass * ((1.0 - share) * at[f"{side}_{start}"] + share * at[f"{side}_{end}"])
    return centre


@dataclass(frozen=True, eq=False)
class Capsule:
    """All points within `radius` of the line from `start` to `end`: metres in the axes of `joint`, at standard size."""

    joint: str
    start: np.ndarray
    end: np.ndarray
    radius: float


TORSO = ("pelvis", "spine1", "spine2", "spine3")
_ENDS = {"pelvis": "spine1", "spine1": "spine2", "spine2": "spine3", "spine3": "neck", "neck": "head"} | {
    f"{side}_{start}": f"{side}_{end}"
    for side in SIDES
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"), ("shoulder", "elbow"), ("elbow", "wrist"))
}
# Of the skin over a bone so much lies nearer to its middle line than the capsule's radius: a body is nowhere round, and two
# capsules that overlap must mean two bodies that do.
_INSIDE = 20
# An edge of the mesh, 3 cm as a rule, is cut into so many.
_SPREAD = 4


@cache
def capsules() -> tuple[Capsule, ...]:
    """A capsule inside the skin around each bone and in the head, measured on `formats.human`; none in the hands."""
    human, skeleton = load_human(), Skeleton.standard()
    rulers = human.dense_weights.argmax(axis=1)
    made = []
    for joint in (*_ENDS, "head"):
        skin = human.vertices[rulers == JOINT[joint]] - skeleton.rest_positions[JOINT[joint]]
        bone = skeleton.offsets[JOINT[_ENDS[joint]]] if joint in _ENDS else np.array([0.0, 0.12, 0.0])
        along = skin @ bone / (bone @ bone)
        over = skin[(along > -0.2) & (along < 1.2)]
        across = over - np.outer(over @ bone / (bone @ bone), bone)
        shift = (across.min(axis=0) + across.max(axis=0)) / 2.0
        radius = np.percentile(np.linalg.norm(across - shift, axis=-1), _INSIDE)
        made.append(Capsule(joint, shift, bone + shift, float(radius)))
    return tuple(made)


def posed_capsules(motion: Interaction) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts and ends (T, P, C, 3) and radii (P, C) of `capsules()`: metres in the world."""
    index = [JOINT[capsule.joint] for capsule in capsules()]
    scale = np.array([skeleton.scale for skeleton in motion.skeletons])
    positions, orientations = motion.joint_positions[:, :, index], motion.joint_orientations[:, :, index]

    def placed(points: np.ndarray) -> np.ndarray:
        placed: np.ndarray = positions + (orientations @ (points * scale[:, None, None])[..., None])[..., 0]
        return placed

    starts, ends = (np.array([getattr(capsule, end) for capsule in capsules()]) for end in ("start", "end"))
    return placed(starts), placed(ends), scale[:, None] * [capsule.radius for capsule in capsules()]


@cache
def skin(joint: str) -> tuple[np.ndarray, np.ndarray]:
    """Places closely spread over the skin that a joint moves, (n, 3) metres in its axes at standard size, and their normals."""
    human, shares = load_human(), np.arange(_SPREAD + 1) / _SPREAD
    corners = human.faces[human.rulers == JOINT[joint]]
    first, second = (each.ravel() for each in np.meshgrid(shares, shares))
    weights = np.stack([first, second, 1.0 - first - second], axis=-1)
    weights = weights[weights[:, 2] > -1e-9]
    places, normals = ((weights @ values[corners]).reshape(-1, 3) for values in (human.vertices, human.normals))
    return places - Skeleton.standard().rest_positions[JOINT[joint]], normalize(normals)


@cache
def sole(side: str) -> np.ndarray:
    """The corners of a shoe's sole in the axes of the ankle that stands flat: (4, 3) metres at standard size."""
    human, ankle = load_human(), Skeleton.standard().rest_positions[JOINT[f"{side}_ankle"]]
    ruled = np.isin(human.dense_weights.argmax(axis=1), [JOINT[f"{side}_ankle"], JOINT[f"{side}_foot"]])
    skin = human.vertices[ruled] - ankle
    low, high = skin.min(axis=0), skin.max(axis=0)
    return np.array([(x, low[1], z) for x in (low[0], high[0]) for z in (low[2], high[2])])


def segment_distance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Shortest distance (...) between line segments, each given by its ends (..., 3).

    Ericson, Real-Time Collision Detection (2005), 5.1.9; an end point is a segment of no length.
    """
    (a, a_end), (b, b_end) = first, second
    u, v, w = a_end - a, b_end - b, a - b
    uu, vv, uv = (np.maximum(np.sum(p * q, axis=-1), floor) for p, q, floor in ((u, u, 1e-12), (v, v, 1e-12), (u, v, -np.inf)))
    uw, vw = np.sum(u * w, axis=-1), np.sum(v * w, axis=-1)
    across = uu * vv - uv * uv
    s = np.clip(np.where(across > 1e-12, (uv * vw - uw * vv) / np.maximum(across, 1e-12), 0.0), 0.0, 1.0)
    t = np.clip((uv * s + vw) / vv, 0.0, 1.0)
    s = np.clip((uv * t - uw) / uu, 0.0, 1.0)
    return np.linalg.norm(w + s[..., None] * u - t[..., None] * v, axis=-1)
