"""Footstep plan → where both feet are in every frame. A standing foot never slides; it may only roll over heel and toe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vimotion.choreography.curves import bump, hermite, minimum_jerk, strike
from vimotion.choreography.gait import Footwork, Kick, Step, heading
from vimotion.motion import JOINT, Skeleton
from vimotion.motion.rotations import yaw_matrix

_HEEL = 0.05  # the heel lies this far behind the ankle, metres at standard size
# A swinging foot comes down early and is fastest late, just before it lands: x, y and z.
_LATE = np.array([1.2, 0.8, 1.2])
_FULL_STRIDE = 1.3  # a foot's way in one walking stride, metres at standard size: where its roll is fullest


@dataclass(frozen=True)
class FootMotion:
    """One foot over T frames: ankle (T, 3), orientation by yaw (T,) and pitch (T,) (toes down > 0), planted (T,) bool.

    `planted` is true from landing to lift-off, roll of heel and toe included; `flat` only while nothing of the foot moves.
    """

    ankle: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    planted: np.ndarray
    flat: np.ndarray

    def orientation(self) -> np.ndarray:
        """(T, 3, 3)."""
        return foot_matrix(self.yaw, self.pitch)


def foot_matrix(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Yaw after pitch about the foot's own left axis: (...) → (..., 3, 3)."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(cy)
    return np.stack([cy, sy * sp, sy * cp, zero, cp, -sp, -sy, cy * sp, cy * cp], axis=-1).reshape(*np.shape(cy), 3, 3)


class _Foot:
    """The measures of one foot that its rolling needs."""

    def __init__(self, skeleton: Skeleton, side: str) -> None:
        self.toe = skeleton.offsets[JOINT[f"{side}_foot"]]
        rest = skeleton.rest_positions
        self.height = float(rest[JOINT[f"{side}_ankle"], 1] - rest[:, 1].min())
        self.back = float(rest[JOINT[f"{side}_ankle"], 2])
        self.heel = _HEEL * skeleton.scale
        self.scale = skeleton.scale
        self.lifted = 0.0  # what the foot stands on, metres over the ground

    def planted(self, pose: np.ndarray) -> np.ndarray:
        """The ankle (3,) of the foot that stands flat at pose (x, z, yaw) of its place under the body."""
        forward, _ = heading(pose[2])
        place = pose[:2] + self.back * forward
        return np.array([place[0], self.height + self.lifted, place[1]])

    def landing(self, step: Step) -> np.ndarray:
        """The ankle (3,) at the end of a step."""
        return self.planted(step.pose) + [0.0, step.height - self.lifted, 0.0]

    def rolled(self, ankle: np.ndarray, yaw: float, pitch: np.ndarray) -> np.ndarray:
        """The ankle (..., 3) when the foot of flat `ankle` pitches: about its toe (> 0) or about its heel (< 0)."""
        pitch = np.asarray(pitch, dtype=np.float64)
        about_toe = ankle + yaw_matrix(yaw) @ self.toe - foot_matrix(np.full_like(pitch, yaw), pitch) @ self.toe
        about_heel = ankle + np.multiply.outer(self.heel * np.sin(np.maximum(-pitch, 0.0)), [0.0, 1.0, 0.0])
        return np.where(pitch[..., None] > 0, about_toe, about_heel)


def foot_motion(skeleton: Skeleton, footwork: Footwork, foot: int, times: np.ndarray) -> FootMotion:
    """The motion of the left (0) or right (1) foot at `times` (T,) of the script."""
    body = _Foot(skeleton, "left" if foot == 0 else "right")
    pose = footwork.initial_feet[foot]
    ankle = np.tile(body.planted(pose), (len(times), 1))
    yaw, pitch = np.full(len(times), pose[2]), np.zeros(len(times))
    planted, flat = np.ones(len(times), dtype=bool), np.ones(len(times), dtype=bool)
    result = FootMotion(ankle, yaw, pitch, planted, flat)
    landed = -1.0
    for step in footwork.steps:
        if step.foot == foot:
            landed = _add_step(result, body, times, pose, step, landed)
            pose = step.pose
            body.lifted = step.height
    for kick in footwork.kicks:
        if kick.foot == foot:
            _add_kick(result, footwork, times, kick)
    return result


def _add_kick(motion: FootMotion, footwork: Footwork, times: np.ndarray, kick: Kick) -> None:
    """Carries the foot from where it stands to the kick's place and back."""
    out = np.clip((times - kick.start) / (kick.hit - kick.start), 0.0, 1.0)
    home = np.clip((kick.end - times) / (kick.end - kick.hit - kick.held), 0.0, 1.0)
    share = strike(out) * minimum_jerk(home)
    root = footwork.root(np.array([kick.hit]))[0]
    forward, left = heading(root[2])
    place = root[:2] + kick.ahead * forward + kick.out * (left if kick.foot == 0 else -left)
    goal = np.array([place[0], kick.height, place[1]])
    motion.ankle[:] += (goal - motion.ankle) * share[:, None]
    # the leg is drawn first: the foot goes back and up; and it is drawn in before it is set down
    drawn, lifted = bump(out**0.8), 0.4 * bump(home)
    motion.ankle[:, [0, 2]] -= 0.25 * kick.ahead * np.outer(drawn, forward)
    motion.ankle[:, 1] += 0.3 * kick.height * (drawn + lifted)
    motion.pitch[:] += 0.4 * (drawn + lifted)
    motion.pitch[:] += (kick.pitch - motion.pitch) * share
    motion.yaw[:] += (root[2] - motion.yaw) * share
    off = (times > kick.start) & (times < kick.end)
    motion.planted[off] = motion.flat[off] = False


def _add_step(motion: FootMotion, body: _Foot, times: np.ndarray, pose: np.ndarray, step: Step, landed: float) -> float:
    """Writes the roll-off, the swing and the landing of one step, and the stand after it; when the foot is flat again."""
    swing = step.land - step.lift
    roll = min(0.55 * swing + 0.12, 0.9 * max(step.lift - landed, 0.1))
    settle = min(0.1, 0.3 * swing)
    off, on = _roll_angles(body, pose, step)
    off *= min(1.0, roll / 0.19)  # a foot that has only just landed leaves flat
    start, end = body.planted(pose), body.landing(step)

    rolling = (times > step.lift - roll) & (times <= step.lift)
    share = (times[rolling] - step.lift + roll) / roll
    motion.pitch[rolling] = off * share**3.0  # the heel leaves slowly, then ever faster
    motion.ankle[rolling] = body.rolled(start, pose[2], motion.pitch[rolling])
    motion.flat[rolling] = False

    swinging = (times > step.lift) & (times < step.land)
    _swing(motion, body, swinging, (times[swinging] - step.lift) / swing, pose, step, (off, on), roll)
    motion.planted[swinging] = motion.flat[swinging] = False

    after = times >= step.land
    share = np.clip((times[after] - step.land) / settle, 0.0, 1.0)
    motion.yaw[after] = step.pose[2]
    motion.pitch[after] = on * (1.0 - minimum_jerk(share))
    motion.ankle[after] = body.rolled(end, step.pose[2], motion.pitch[after])
    motion.planted[after] = True
    motion.flat[after] = share >= 1.0
    return step.land + settle


def _roll_angles(body: _Foot, pose: np.ndarray, step: Step) -> tuple[float, float]:
    """Pitch of the foot at lift-off and at landing: full in a long stride, little in a small step, toes first backwards."""
    forward, _ = heading(step.pose[2])
    way = float((step.pose[:2] - pose[:2]) @ forward) / (_FULL_STRIDE * body.scale)
    reach = min(abs(way), 1.0)
    if way > 0:
        return 0.25 + (step.gait.toe_off - 0.25) * reach, -step.gait.heel_strike * min(1.0, 1.3 * reach)
    return 0.22, 0.3 * reach


def _swing(
    motion: FootMotion, body: _Foot, frames: np.ndarray, share: np.ndarray, pose: np.ndarray, step: Step,
    angles: tuple[float, float], roll: float,
) -> None:  # fmt: skip
    """From the rolled-off toe to the landing, with the speed that the roll has given."""
    off, on = angles
    start, end = body.planted(pose), body.landing(step)
    swing = step.land - step.lift
    rate = 3.0 * off / roll * swing  # radians a swing
    leave = body.rolled(start, pose[2], np.array([off - 0.01, off]))
    arrive = body.rolled(end, step.pose[2], np.array(on))
    speed_on = 0.6 * (end - start)
    speed_on[1] = -0.06
    motion.ankle[frames] = hermite(share, leave[1], (leave[1] - leave[0]) / 0.01 * rate, arrive, speed_on, _LATE)
    pitch = hermite(share, np.array([off]), np.array([0.6 * rate]), np.array([on]), np.zeros(1))[:, 0]
    motion.yaw[frames] = pose[2] + (step.pose[2] - pose[2]) * minimum_jerk(share)
    motion.pitch[frames] = pitch
    motion.ankle[frames, 1] += step.gait.lift * body.scale * bump(share**0.7)
    toe = motion.ankle[frames, 1] + (foot_matrix(motion.yaw[frames], pitch) @ body.toe)[:, 1]
    motion.ankle[frames, 1] += np.maximum(0.012 * np.minimum(1.0, 8.0 * share * (1.0 - share)) - toe, 0.0)
