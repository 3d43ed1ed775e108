"""Tiny hand-made motions: standing bodies whose arms and trunks are turned by hand, to test the judge's rules with."""

import numpy as np

from vimotion.motion import JOINT, NUM_JOINTS, Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix, rotation_between, yaw_matrix

SECONDS = 3.0
FRAMES = 90
TIME = np.arange(FRAMES) / 30


def body(x=0.0, z=0.0, yaw=0.0, arms=None, lean=0.0) -> Interaction:
    """One standing person, arms hanging.

    x, z, lean (degrees): numbers or (T,). yaw: radians; 0 faces +Z. `arms`: side → direction of the straight arm in the
    person's own axes (+X left, +Y up, +Z ahead), (3,) or (T, 3).
    """
    skeleton = Skeleton.standard()
    local = np.tile(np.eye(3), (FRAMES, 1, NUM_JOINTS, 1, 1))
    local[:, 0, 0] = yaw_matrix(np.broadcast_to(yaw, FRAMES))
    lean = np.radians(np.broadcast_to(lean, FRAMES))
    local[:, 0, JOINT["spine1"]] = axis_angle_to_matrix(lean[:, None] * [1.0, 0.0, 0.0])
    for side in ("left", "right"):
        direction = np.broadcast_to((arms or {}).get(side, [0.0, -1.0, 0.05]), (FRAMES, 3))
        turn = rotation_between(skeleton.offsets[JOINT[f"{side}_elbow"]], direction)
        # the arm is given in the pelvis' axes, the shoulder turns in the trunk's
        local[:, 0, JOINT[f"{side}_shoulder"]] = np.swapaxes(local[:, 0, JOINT["spine1"]], -1, -2) @ turn
    roots = np.stack([np.broadcast_to(x, FRAMES), np.full(FRAMES, skeleton.pelvis_height), np.broadcast_to(z, FRAMES)], axis=-1)
    return Interaction(roots[:, None], local, (skeleton,))


def pair(first: Interaction, second: Interaction) -> Interaction:
    return first.joined(second)


def ramp(start: float, stop: float) -> np.ndarray:
    """0 before `start` seconds, 1 after `stop`, smooth between."""
    share = np.clip((TIME - start) / (stop - start), 0, 1)
    return share * share * (3 - 2 * share)


def between(low, high, weight) -> np.ndarray:
    """(T, 3) from one arm direction to another by a (T,) weight."""
    return np.asarray(low) + (np.asarray(high) - np.asarray(low)) * np.asarray(weight)[:, None]


DOWN = [0.0, -1.0, 0.05]


def standing(distance=1.2) -> Interaction:
    """Two who face each other and do nothing."""
    return pair(body(), body(z=distance, yaw=np.pi))


def handshake(apart=0.0, shakes=3) -> Interaction:
    """Both stretch the right arm to a common point and pump; with `apart` metres too far from each other."""
    skeleton = Skeleton.standard()
    shoulder = skeleton.rest_positions[JOINT["right_shoulder"]]
    arm = skeleton.bone_lengths[[JOINT["right_elbow"], JOINT["right_wrist"]]].sum() + 0.08
    # the palms meet in the middle: on the line x = 0, 0.25 m below the shoulders
    ahead = np.sqrt(arm**2 - shoulder[0] ** 2 - 0.25**2)
    pump = 0.05 * np.sin(2 * np.pi * shakes * np.clip(TIME - 1.0, 0, 1))
    out = between(DOWN, [-shoulder[0], -0.25, ahead], ramp(0.4, 0.9) * (1 - ramp(2.2, 2.7)))
    out[:, 1] += pump
    late = between(DOWN, [-shoulder[0], -0.25, ahead], ramp(0.6, 0.9) * (1 - ramp(2.2, 2.7)))
    late[:, 1] += pump
    distance = 2 * (ahead + shoulder[2]) + apart
    return pair(body(arms={"right": out}), body(z=distance, yaw=np.pi, arms={"right": late}))


def wave(side="left", swings=3) -> Interaction:
    sign = 1.0 if side == "left" else -1.0
    swing = 0.35 * np.sin(2 * np.pi * swings * np.clip((TIME - 0.8) / 1.5, 0, 1))
    raised = between(DOWN, [0.0, 1.0, 0.9], ramp(0.3, 0.8) * (1 - ramp(2.3, 2.8)))
    raised[:, 0] += sign * swing
    return pair(body(arms={side: raised}), body(z=2.0, yaw=np.pi))


def bow(degrees=40.0) -> Interaction:
    first = degrees * ramp(0.3, 0.9) * (1 - ramp(1.4, 2.0))
    second = degrees * ramp(0.6, 1.2) * (1 - ramp(1.7, 2.3))
    return pair(body(lean=first), body(z=1.8, yaw=np.pi, lean=second))


def walk_together() -> Interaction:
    return pair(body(z=1.2 * TIME), body(x=0.7, z=1.2 * TIME + 0.05))


def pass_by() -> Interaction:
    return pair(body(z=1.3 * TIME), body(x=0.7, z=4.0 - 1.3 * TIME, yaw=np.pi))


def chase() -> Interaction:
    return pair(body(z=2.8 * TIME), body(x=0.1, z=1.5 + 2.9 * TIME))


def rock_paper_scissors() -> Interaction:
    beats = 0.25 * np.sin(2 * np.pi * 3 * np.clip((TIME - 0.7) / 1.4, 0, 1))
    arms = between(DOWN, [0.0, -0.7, 0.7], ramp(0.2, 0.6))
    arms[:, 1] += beats
    arms[:, 2] += 0.2 * beats
    return pair(body(arms={"right": arms}), body(z=1.7, yaw=np.pi, arms={"right": arms}))
