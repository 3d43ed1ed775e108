"""Arms: from what each hand was told to do to collars, shoulders, elbows and wrists. Arrays are (T, P, 2, ...): left, right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vimotion.choreography.curves import bump, minimum_jerk, smooth
from vimotion.choreography.limbs import aim, dot, limit_wrist, two_bone
from vimotion.choreography.performer import Performer, Reach
from vimotion.choreography.targets import SIDES, OnBody, Vector, View
from vimotion.motion import JOINT
from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_axis_angle, normalize, slerp

_SIGN = np.array([1.0, -1.0])  # left is +X
_X, _Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
_TREMOR = 5.0  # a second, of an old hand
_COMFORT = 0.84  # share of the arm's length at which the trunk begins to help
_TWISTED = 0.72  # radians that a trunk turns at most to help


def _joint(part: str) -> list[int]:
    return [JOINT[f"{side}_{part}"] for side in SIDES]


class Arms:
    """The hands' scripts of all performers, evaluated against a view."""

    def __init__(
        self, performers: Sequence[Performer], times: np.ndarray, channel: dict[str, np.ndarray], swing: np.ndarray
    ) -> None:
        self.performers, self.times, self.channel = performers, times, channel
        factor = np.array([p.habits.arm_swing * p.manner.size for p in performers])
        self.swing = swing * factor * (1.0 + channel["swing"])
        offsets = np.stack([p.skeleton.offsets for p in performers])
        self.bones = {part: offsets[:, _joint(part)] for part in ("shoulder", "elbow", "wrist")}  # (P, 2, 3)
        self.upper, self.lower = (np.linalg.norm(self.bones[part], axis=-1, keepdims=True) for part in ("elbow", "wrist"))
        self.palm = np.stack([[p.skeleton.palm_offset(side) for side in SIDES] for p in performers])
        # whether a hand of somebody holds the other's arm
        self.hold_arms = any(
            isinstance(reach.target, OnBody) and reach.target.on_arm
            for p in performers
            for side in SIDES
            for reach in p.reaches[side]
        )
        tremor = np.array([p.manner.tremor for p in performers])
        phase = 2.0 * np.pi * _TREMOR * times[:, None]
        self.tremor = tremor[:, None] * np.stack([np.sin(phase), np.sin(1.13 * phase + 1.0)], axis=-1)  # (T, P, 2)
        self.reach_weight = np.stack([np.stack([self._weight(p, side) for side in SIDES], axis=-1) for p in performers], axis=1)

    def _share(self, reach: Reach) -> np.ndarray:
        """How far (T,) a move of the hand has come, 0 … 1."""
        return (reach.profile or minimum_jerk)((self.times - reach.start) / max(reach.end - reach.start, 1e-6))

    def _weight(self, performer: Performer, side: str) -> np.ndarray:
        """How far (T,) a hand is in use: 0 hanging, 1 on a target."""
        weight = np.zeros(len(self.times))
        for reach in performer.reaches[side]:
            share = self._share(reach)
            weight = weight + ((reach.target is not None) - weight) * share
        return weight

    # -- where the hands should be -------------------------------------------------------------------------------------

    def _idle(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """Palm and elbow side (T, P, 2, 3) of arms that hang and swing."""
        habits = [p.habits for p in self.performers]
        swing = self.swing[..., None] * -_SIGN
        flex = swing + self.channel["arms_forward"][..., None] + 0.02
        out = np.array([h.arm_out for h in habits])[:, None] + self.channel["arms_out"][..., None] + 0.0 * flex
        bend = np.array([h.elbow for h in habits])[:, None] + self.channel["elbows"][..., None]
        # an elbow bends as its arm comes forward, the more, the more it is bent anyhow: a runner's by half a radian
        bend = np.clip(bend * (1.0 + 0.9 * swing) + 0.12 * np.abs(self.swing)[..., None], 0.12, 2.0)
        axes = self._hanging_axes(view)
        along = np.stack([_SIGN * np.sin(out), -np.cos(out) * np.cos(flex), np.cos(out) * np.sin(flex)], axis=-1)
        pole = np.stack(np.broadcast_arrays(0.35 * _SIGN, 0.0 * out, -np.ones_like(out)), axis=-1)
        pole = normalize(pole - dot(pole, along) * along)
        forearm = along * np.cos(bend)[..., None] - pole * np.sin(bend)[..., None]
        reach = along * self.upper + forearm * (self.lower + np.linalg.norm(self.palm, axis=-1, keepdims=True))
        shoulders = view.positions[:, :, _joint("shoulder")]
        return shoulders + (axes @ reach[..., None])[..., 0], (axes @ pole[..., None])[..., 0]

    def _hanging_axes(self, view: View) -> np.ndarray:
        """(T, P, 1, 3, 3): the chest's heading, leaning half with the chest."""
        chest = view.orientations[:, :, JOINT["spine3"]]
        lean = 0.4 * np.arctan2(-chest[..., 1, 2], chest[..., 1, 1])
        yaw = view.chest_yaw
        turn = axis_angle_to_matrix(yaw[..., None] * _Y) @ axis_angle_to_matrix(lean[..., None] * _X)
        return turn[:, :, None]

    def goals(self, view: View) -> None:
        """Follows every hand's script: palm, elbow side, prescribed rotation and how much it counts, pronation."""
        self.palms, self.elbows = self._idle(view)
        shape = self.palms.shape[:3]
        self.rotations = np.broadcast_to(np.eye(3), (*shape, 3, 3)).copy()
        self.prescribed, self.pronation = np.zeros(shape), np.full(shape, 0.35)
        for person, performer in enumerate(self.performers):
            for number, side in enumerate(SIDES):
                idle = self.palms[:, person, number].copy(), self.elbows[:, person, number].copy()
                for reach in performer.reaches[side]:
                    self._follow(view, person, number, reach, idle)
                self.palms[:, person, number, 1] += self.tremor[:, person, number]

    def _follow(
        self, view: View, person: int, number: int, reach: Reach, idle: tuple[np.ndarray, np.ndarray]
    ) -> None:  # fmt: skip
        side, at = SIDES[number], (slice(None), person, number)
        share = self._share(reach)
        goal = reach.target(view, person, side) if reach.target is not None else None
        palm, elbow = (goal.palm, goal.elbow) if goal is not None else idle
        self.palms[at] = self._way(view, person, side, self.palms[at], palm, share, reach.arc)
        self.elbows[at] += (elbow - self.elbows[at]) * share[:, None]
        pronation = goal.pronation if goal is not None else 0.35
        self.pronation[at] += (pronation - self.pronation[at]) * share
        if goal is not None and goal.rotation is not None:
            known = self.prescribed[at]
            mixed = slerp(self.rotations[at], goal.rotation, share)
            self.rotations[at] = np.where((known > 1e-3)[:, None, None], mixed, goal.rotation)
            self.prescribed[at] += (1.0 - known) * share
        else:
            self.prescribed[at] *= 1.0 - share

    def _way(
        self, view: View, person: int, side: str, start: np.ndarray, end: np.ndarray, share: np.ndarray, arc: Vector
    ) -> np.ndarray:  # fmt: skip
        """Between a straight line and a turn about the shoulder, which bulges forward and out when it is a long one."""
        if not np.any((share > 0) & (share < 1)):
            return start + (end - start) * share[:, None]
        w = share[:, None]
        shoulder, axes = view.shoulder(person, side), view.axes(person, side)
        near, far = start - shoulder, end - shoulder
        sizes = [np.linalg.norm(vector, axis=-1, keepdims=True) for vector in (near, far)]
        turn = 0.5 * (1.0 - dot(near, far) / np.maximum(sizes[0] * sizes[1], 1e-9))  # 0 same way … 1 opposite
        round_it = (axes @ np.array([0.25, 0.0, 0.8])) * (0.7 * turn * bump(w) ** 0.5)
        heading = normalize(near / sizes[0] + (far / sizes[1] - near / sizes[0]) * w + round_it)
        polar = shoulder + heading * (sizes[0] + (sizes[1] - sizes[0]) * w)
        straight = start + (end - start) * w
        return straight + 0.6 * (polar - straight) + (axes @ np.array(arc)) * bump(w)

    # -- the trunk helps -----------------------------------------------------------------------------------------------

    def help_reaches(self, view: View, extra: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What trunk and pelvis must add (channels) so that targets beyond a comfortable arm come within reach."""
        self.goals(view)
        way = self.palms - view.positions[:, :, _joint("shoulder")]
        distance = np.linalg.norm(way, axis=-1)
        full = (self.upper + self.lower)[..., 0] + np.linalg.norm(self.palm, axis=-1)
        beyond = np.logaddexp(0.0, (distance - _COMFORT * full) / 0.03) * 0.03 * self.reach_weight
        yaw = view.chest_yaw[..., None]
        unit = way / np.maximum(distance, 1e-6)[..., None]
        forward = smooth(beyond * (unit[..., 0] * np.sin(yaw) + unit[..., 2] * np.cos(yaw)), 2.5)
        aside = smooth(beyond * (unit[..., 0] * np.cos(yaw) - unit[..., 2] * np.sin(yaw)), 2.5)
        both = np.maximum(forward[..., 0], forward[..., 1])
        added = {
            "forward": 0.30 * both,
            "pitch": 1.1 * both,
            "twist": 1.5 * (forward[..., 1] - forward[..., 0]),
            "side": 0.3 * aside.sum(axis=-1),
            "roll": 0.9 * aside.sum(axis=-1),
        }
        added = {name: extra.get(name, 0.0) + value for name, value in added.items()}
        added["twist"] = np.clip(added["twist"], *(limit - self.channel["twist"] for limit in (-_TWISTED, _TWISTED)))
        return added

    # -- solving -------------------------------------------------------------------------------------------------------

    def solve(self, view: View, orientations: np.ndarray) -> np.ndarray:
        """Fills collars to wrists of world `orientations` (T, P, 22, 3, 3)."""
        self.goals(view)
        chest = view.orientations[:, :, JOINT["spine3"]][:, :, None]
        collar_turn = self._collars(view, chest)
        collars = chest @ collar_turn
        base = view.positions[:, :, _joint("collar")]
        shoulders = base + (collars @ self.bones["shoulder"][..., None])[..., 0]
        axis = _SIGN[:, None] * _X
        forearm_axis = normalize(self.bones["wrist"])
        hand = self.rotations
        pointing = normalize(self.palms - shoulders)
        hand_way = np.where(self.prescribed[..., None] > 0.5, (hand @ forearm_axis[..., None])[..., 0], pointing)
        wrist_offset = hand_way * np.linalg.norm(self.palm, axis=-1, keepdims=True)
        for _ in range(4):
            elbow, wrist, hinge = two_bone(shoulders, self.palms - wrist_offset, self.elbows, self.upper, self.lower)
            upper = aim(self.bones["elbow"], -_SIGN[:, None] * _Y, elbow - shoulders, hinge)
            lower = aim(self.bones["wrist"], -_SIGN[:, None] * _Y, wrist - elbow, hinge)
            free = lower @ axis_angle_to_matrix(self.pronation[..., None] * _X)
            wanted = slerp(free, hand, self.prescribed)
            relative, turn = limit_wrist(np.swapaxes(lower, -1, -2) @ wanted, np.broadcast_to(axis, wrist.shape))
            wrist_offset = ((lower @ relative) @ self.palm[..., None])[..., 0]
        relative = _steady(relative)
        orientations[:, :, _joint("collar")] = collars
        orientations[:, :, _joint("shoulder")] = upper
        # about half of the forearm's turn shows at the elbow, the rest at the wrist
        orientations[:, :, _joint("elbow")] = lower @ axis_angle_to_matrix(0.5 * turn * axis)
        orientations[:, :, _joint("wrist")] = lower @ relative
        self._places = {"shoulder": shoulders, "elbow": elbow, "wrist": wrist}
        return orientations

    def solved(self, positions: np.ndarray) -> np.ndarray:
        """Joint positions (T, P, 22, 3) with the arms as they were solved last."""
        positions = positions.copy()
        for part, place in self._places.items():
            positions[:, :, _joint(part)] = place
        return positions

    def _collars(self, view: View, chest: np.ndarray) -> np.ndarray:
        """(T, P, 2, 3, 3): collars rise with a raised arm and come forward in a long reach."""
        way = self.palms - view.positions[:, :, _joint("shoulder")]
        way = (np.swapaxes(chest, -1, -2) @ way[..., None])[..., 0]
        full = (self.upper + self.lower)[..., 0] + np.linalg.norm(self.palm, axis=-1)
        share = np.linalg.norm(way, axis=-1) / full
        unit = normalize(way)
        lift = 0.38 * minimum_jerk((np.arcsin(np.clip(unit[..., 1], -1.0, 1.0)) + 0.5) / 2.0) * share
        lift = lift + self.channel["shrug"][..., None]
        forward = 0.28 * minimum_jerk((share - 0.65) / 0.4) * np.clip(unit[..., 2], -0.5, 1.0)
        zero = np.zeros_like(lift)
        return axis_angle_to_matrix(np.stack([zero, -_SIGN * forward, _SIGN * lift], axis=-1))


def _steady(rotations: np.ndarray) -> np.ndarray:
    """Rotations (T, ..., 3, 3) without jumps: where a wrist meets its limit it may otherwise turn over within a frame."""
    vectors = matrix_to_axis_angle(rotations)
    half = np.linalg.norm(vectors, axis=-1, keepdims=True) / 2.0
    quaternions = np.concatenate([np.cos(half), np.sinc(half / np.pi) * vectors / 2.0], axis=-1)
    turned = np.where(np.sum(quaternions[1:] * quaternions[:-1], axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    quaternions[1:] *= np.cumprod(turned, axis=0)
    steady = normalize(smooth(quaternions, 2.0))
    steady = steady * np.where(steady[..., :1] < 0.0, -1.0, 1.0)
    half = np.arccos(np.clip(steady[..., :1], -1.0, 1.0))
    return axis_angle_to_matrix(2.0 * steady[..., 1:] / np.sinc(half / np.pi))
