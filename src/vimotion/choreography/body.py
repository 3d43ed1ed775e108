"""The body solver: what two people were told to do → where every joint is in every frame.

Order: feet → pelvis → trunk → gaze → hand targets → the trunk helps the reaches → arms. All people, sides and frames at once:
arrays are (T, P, ...) with P = 2 people, and (T, P, 2, ...) for left and right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vimotion.choreography.arms import Arms
from vimotion.choreography.curves import minimum_jerk, noise, smooth, under
from vimotion.choreography.feet import FootMotion, foot_motion
from vimotion.choreography.gait import heading
from vimotion.choreography.limbs import aim, two_bone
from vimotion.choreography.performer import CHANNELS, Performer, Ride
from vimotion.choreography.targets import OnBody, View
from vimotion.motion import FPS, JOINT, NUM_JOINTS, PARENTS, Interaction
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.rotations import normalize

_TRUNK = [JOINT[name] for name in ("left_hip", "right_hip", "spine1", "spine2", "spine3", "neck", "head", "left_collar",
                                   "right_collar", "left_shoulder", "right_shoulder")]  # fmt: skip
_SHOULDERS = [JOINT["left_shoulder"], JOINT["right_shoulder"]]
# How a bend of the trunk is shared out, from the pelvis up.
_SHARES = {
    "pitch": {"pelvis": 0.30, "spine1": 0.27, "spine2": 0.25, "spine3": 0.18},
    "twist": {"pelvis": 0.12, "spine1": 0.22, "spine2": 0.31, "spine3": 0.35},
    "roll": {"pelvis": 0.15, "spine1": 0.30, "spine2": 0.30, "spine3": 0.25},
}
# Per metre that the left foot is ahead of the right (a walk's step is about 0.7 m), as measured by tools/fit_gait.py: turn of
# the pelvis after the leg, and swing of the arms. The trunk turns back what the pelvis turns.
PELVIS_YAW, ARM_SWING = 0.20, 0.48
# Share of the way to the supporting foot that the pelvis goes aside; tilt of the pelvis towards the free leg, a metre of that.
# Whoever hardly moves must stand on it.
SWAY, SLOW_SWAY, OBLIQUITY = 0.68, 0.98, 1.5
# The pelvis goes back when the trunk leans forward, to stay over the feet: metres at 90°.
BALANCE = 0.17
_LEG_REACH = 0.997
_LONGEST_SURGE = 0.035  # metres
# Somebody on the other's back: pelvis behind the carrier's and over the height where the carrier's stands, ankles before and
# beside it and over the ground.
_RIDE = {"behind": 0.36, "up": 0.20, "ahead": 0.37, "out": 0.47, "height": 0.54}
_BOUNCES = 2.1  # a second, of somebody who is excited
# What an arm or a leg that moves fast pushes back, a metre that the hand or foot moves within less than a second: an arm is a
# twentieth of the body, a leg a sixth (Winter 2009), and half of either goes along.
_ARM_RECOIL, _LEG_RECOIL, _TWIST_RECOIL = 0.1, 0.1, 0.15  # radians, metres, radians
_FAST = 7.0  # frames: the standard deviation of what is slow
GAZE_LIMITS = (1.25, 0.75)  # yaw, pitch of head against chest, radians


def turned(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotation (..., 3, 3): yaw to the left, then pitch forward, then roll to the left, in the turned axes."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(-roll), np.sin(-roll)
    rows = [
        cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp,
        cp * sr, cp * cr, -sp,
        cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp,
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*np.shape(cy), 3, 3)


def _footfalls(performer: Performer, times: np.ndarray, tempo: float) -> np.ndarray:
    """(T,) what the landing of each foot sends up the body: a swing that dies away in a sixth of a second, 1 in a walk."""
    total = np.zeros(len(times))
    for step in performer.feet.steps:
        since = (times - step.land) * tempo
        strength = min(2.5, (0.6 - step.gait.duty) * 8.0 + 0.8)  # the shorter a foot stands, the harder it lands
        wave = np.exp(-np.maximum(since, 0.0) / 0.06) * np.sin(2.0 * np.pi * np.maximum(since, 0.0) / 0.2)
        total += strength * np.where((since > 0.0) & (since < 0.4), wave, 0.0)
    return total


def solve(performers: Sequence[Performer], times: np.ndarray, tempo: float) -> tuple[Interaction, list[list[FootMotion]]]:
    """The motion of both people at script `times` (T,), one frame apart in the scene; and each person's left and right foot."""
    return _Solver(performers, times, tempo).solve()


class _Solver:
    def __init__(self, performers: Sequence[Performer], times: np.ndarray, tempo: float) -> None:
        self.performers, self.times = performers, times
        self.skeletons = tuple(performer.skeleton for performer in performers)
        self.offsets = np.stack([skeleton.offsets for skeleton in self.skeletons])
        self.scale = np.array([skeleton.scale for skeleton in self.skeletons])
        seconds = times * tempo
        self.seconds = seconds[:, None]
        self.wander = np.stack(
            [noise(np.random.default_rng(p.habits.noise_seed), seconds, 12, 0.08, 0.45) for p in performers], axis=1
        )
        # the small quick unrest of a body that stands, and what each footfall sends through it
        self.fidget = np.stack(
            [noise(np.random.default_rng(p.habits.noise_seed + 1), seconds, 8, 0.6, 2.2) for p in performers], axis=1
        )
        self.shock = np.stack([_footfalls(p, times, tempo) for p in performers], axis=1)
        self.breath = np.stack(
            [np.sin(2 * np.pi * p.habits.breath * seconds + p.habits.breath_phase) for p in performers], axis=1
        )
        self.channel = {name: np.stack([p.channels[name].sample(times) for p in performers], axis=1) for name in CHANNELS}
        self.feet = [[foot_motion(p.skeleton, p.feet, foot, times) for foot in (0, 1)] for p in performers]
        self.root = smooth(np.stack([p.feet.root(self.times) for p in self.performers], axis=1), 2.0)
        for person, performer in enumerate(performers):
            for ride in performer.rides:
                self._ride(person, ride)
        self.ankles = np.stack([np.stack([foot.ankle for foot in pair], axis=1) for pair in self.feet], axis=1)
        self.kicking = np.stack([self._kicking(p) for p in performers], axis=1)
        self._plan_root()
        self.gait = {name: self._gait_number(name) for name in ("bob", "lower", "surge", "lean", "elbows")}
        self._natural_channels()

    def _kicking(self, performer: Performer) -> np.ndarray:
        """(T, 2) whether the left and the right leg kick."""
        kicking = np.zeros((len(self.times), 2))
        for kick in performer.feet.kicks:
            kicking[(self.times > kick.start) & (self.times < kick.end), kick.foot] = 1.0
        return kicking

    def _plan_root(self) -> None:
        """The root's axes, how far the left foot is ahead, and what carries the weight."""
        forward, left = heading(self.root[..., 2])
        self.forward3, self.left3 = (np.insert(axis, 1, 0.0, axis=-1) for axis in (forward, left))
        apart = (self.ankles[:, :, 0] - self.ankles[:, :, 1])[..., [0, 2]]
        self.spread = smooth(np.sum(apart * forward, axis=-1), 1.0)
        planted = np.stack([np.stack([foot.planted for foot in pair], axis=1) for pair in self.feet], axis=1).astype(float)
        self.on_left = (planted[..., 0] - planted[..., 1]) / np.maximum(planted.sum(axis=-1), 1.0)  # 1 left, −1 right
        speed = np.linalg.norm(np.gradient(self.root[..., :2], axis=0), axis=-1) * FPS
        gap = np.linalg.norm(self.root[:, :1, :2] - self.root[:, 1:, :2], axis=-1)  # two who are close would bump
        self.sway = SWAY + (SLOW_SWAY - SWAY) * minimum_jerk(1.0 - speed / 0.6) * minimum_jerk((gap - 0.45) / 0.25)
        self.moving = smooth((planted.min(axis=-1) < 0.5).astype(float), 6.0)

    def _ride(self, person: int, ride: Ride) -> None:
        """Root and feet of somebody who is carried on the other's back: close behind, knees at the other's hips."""
        share = minimum_jerk((self.times - ride.start) / (ride.up - ride.start))
        share = share * minimum_jerk((ride.end - self.times) / (ride.end - ride.down))
        carrier, scale = self.root[:, 1 - person], self.scale[person]
        forward, left = heading(carrier[:, 2])
        behind = np.column_stack([carrier[:, :2] - _RIDE["behind"] * scale * forward, carrier[:, 2]])
        to_behind = behind - self.root[:, person]
        to_behind[:, 2] -= 2.0 * np.pi * np.round(to_behind[:, 2] / (2.0 * np.pi))
        self.root[:, person] += to_behind * share[:, None]
        higher = self.skeletons[1 - person].pelvis_height - self.skeletons[person].pelvis_height
        self.channel["up"][:, person] += (_RIDE["up"] * scale + higher) * share
        for side, foot in enumerate(self.feet[person]):
            sign = 1.0 if side == 0 else -1.0
            place = behind[:, :2] + scale * (_RIDE["ahead"] * forward + sign * _RIDE["out"] * left)
            goal = np.column_stack([place[:, 0], np.full(len(place), _RIDE["height"] * scale + higher), place[:, 1]])
            foot.ankle[:] += (goal - foot.ankle) * share[:, None]
            turn = carrier[:, 2] - foot.yaw
            foot.yaw[:] += (turn - 2.0 * np.pi * np.round(turn / (2.0 * np.pi))) * share
            foot.pitch[:] += (0.5 - foot.pitch) * share
            foot.planted[share > 0.02] = foot.flat[share > 0.02] = False

    def _gait_number(self, name: str) -> np.ndarray:
        """A number (T, P) of the gait in use, faded between moves; standing counts as a walk's bob and nothing else."""
        value = np.full(self.moving.shape, 0.7 if name == "bob" else 0.0)
        for person, performer in enumerate(self.performers):
            for move in performer.feet.moves:
                value[(self.times >= move.start) & (self.times <= move.end), person] = getattr(move.gait, name)
        return smooth(value, 5.0)

    def _natural_channels(self) -> None:
        """Adds to the script what a body does by itself: posture, manner, breathing, small wanderings."""
        add = self.channel
        manner = lambda name: np.array([getattr(p.manner, name) for p in self.performers])  # noqa: E731
        wander, still = self.wander * manner("sway")[:, None], 1.0 - 0.6 * self.moving
        hop = np.abs(np.sin(np.pi * _BOUNCES * self.seconds + self.breath[:1]))  # each in their own time
        # somebody who sits neither shifts their weight nor bounces
        self.upright = np.clip(1.0 + add["up"] / 0.2, 0.0, 1.0)
        posture = np.array([p.habits.posture for p in self.performers]) + manner("pitch")
        fidget, shock = self.fidget * manner("sway")[:, None], self.shock
        add["pitch"] = add["pitch"] + posture + 0.012 * wander[..., 0] + 0.005 * fidget[..., 0] + 0.016 * shock
        add["pitch"] = add["pitch"] + self.gait["lean"]
        add["elbows"] = add["elbows"] + self.gait["elbows"] + 0.05 * wander[..., 8] + 0.015 * fidget[..., 1] + 0.06 * shock
        add["arms_forward"] = add["arms_forward"] + 0.03 * wander[..., 9] + 0.008 * fidget[..., 2]
        add["arms_out"] = add["arms_out"] + 0.02 * wander[..., 10]
        add["roll"] = add["roll"] + 0.010 * wander[..., 1] + 0.004 * fidget[..., 3]
        add["twist"] = add["twist"] + 0.020 * wander[..., 2] + 0.006 * fidget[..., 4]
        add["chest"] = add["chest"] + manner("chest") - 0.010 * self.breath
        add["nod"] = add["nod"] + manner("head") + 0.025 * wander[..., 3] + 0.008 * fidget[..., 5] + 0.02 * shock
        add["tilt"] = add["tilt"] + 0.025 * wander[..., 4]
        add["turn"] = add["turn"] + 0.030 * wander[..., 5] + 0.010 * fidget[..., 6]
        add["shrug"] = add["shrug"] + 0.018 * self.breath
        add["up"] = add["up"] + (manner("knees") - manner("bounce") * hop * still) * self.upright + 0.002 * self.breath
        add["up"] = add["up"] - 0.006 * shock
        surge = self.gait["surge"] * self.spread * np.gradient(self.spread, self.times, axis=0)
        surge = _LONGEST_SURGE * np.tanh(surge / _LONGEST_SURGE)
        add["forward"] = add["forward"] - surge
        add["pitch"] = add["pitch"] + surge  # the head goes on evenly
        add["forward"] = add["forward"] + (0.009 * wander[..., 6] + 0.0015 * fidget[..., 7]) * still
        lean_on = np.array([p.habits.lean_on for p in self.performers])
        add["side"] = add["side"] + (0.022 * lean_on + 0.007 * wander[..., 7]) * (1.0 - self.moving) * self.upright

    # -- pelvis and legs -----------------------------------------------------------------------------------------------

    def _pelvis(self, extra: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Position (T, P, 3) and orientation (T, P, 3, 3)."""
        channel = {name: self.channel[name] + extra.get(name, 0.0) for name in CHANNELS}
        width = np.sum((self.ankles[:, :, 0] - self.ankles[:, :, 1]) * self.left3, axis=-1)
        aside = smooth(self.sway * self.on_left * width / 2.0, 2.8)  # towards the supporting foot
        yaw = self.root[..., 2] - PELVIS_YAW * self.spread + _SHARES["twist"]["pelvis"] * channel["twist"]
        pitch = channel["hinge"] + _SHARES["pitch"]["pelvis"] * channel["pitch"]
        # the spine bends back what the pelvis tilts, so that the shoulders stay level
        self.tilt = OBLIQUITY * aside * self.moving - 0.6 * self.channel["side"]
        roll = _SHARES["roll"]["pelvis"] * channel["roll"] + self.tilt
        orientation = turned(yaw, pitch, roll)
        lean = channel["hinge"] + 0.8 * channel["pitch"]
        along = channel["forward"] - BALANCE * np.sin(lean) * self.scale
        place = np.insert(self.root[..., :2], 1, 0.0, axis=-1)
        place = place + along[..., None] * self.forward3 + (aside + channel["side"])[..., None] * self.left3
        place[..., 1] = self._pelvis_height(place, orientation, channel["up"])
        return place, orientation

    def _pelvis_height(self, place: np.ndarray, orientation: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Standing height, lower between steps (higher in a run), and never further from an ankle than the leg is long."""
        length = np.array([p.feet.leg for p in self.performers])
        stand = np.array([skeleton.pelvis_height for skeleton in self.skeletons]) - 0.0035 * length
        half = np.clip(np.abs(self.spread) / 2.0, 0.0, 0.75 * length)
        fall = length - np.sqrt(length**2 - half**2)
        wanted = stand + up - self.gait["lower"] * self.scale - self.gait["bob"] * fall
        highest = np.full_like(wanted, np.inf)
        for side, name in enumerate(("left_hip", "right_hip")):
            hip = (orientation @ self.offsets[:, JOINT[name], :, None])[..., 0]
            across = np.linalg.norm((place + hip - self.ankles[:, :, side])[..., [0, 2]], axis=-1)
            limit = np.sqrt(np.maximum((_LEG_REACH * length) ** 2 - across**2, 0.04))
            highest = np.minimum(highest, self.ankles[:, :, side, 1] + limit - hip[..., 1])
        smoothed = smooth(np.minimum(wanted, under(highest, 2)), 1.5)
        return np.minimum(smoothed, highest)

    def _legs(self, positions: np.ndarray, orientations: np.ndarray) -> None:
        for side, name in enumerate(("left", "right")):
            hip, knee, ankle, toe = (JOINT[f"{name}_{part}"] for part in ("hip", "knee", "ankle", "foot"))
            feet = np.stack([pair[side].orientation() for pair in self.feet], axis=1)
            sign = 1.0 if side == 0 else -1.0
            # the knee goes where the toes point, even of a foot that hangs from its heel
            yaw, pitch = (np.stack([getattr(pair[side], name) for pair in self.feet], axis=1) for name in ("yaw", "pitch"))
            ahead = np.insert(heading(yaw)[0], 1, 0.0, axis=-1)
            pole = (
                np.maximum(np.cos(pitch), 0.3)[..., None] * ahead + 0.6 * orientations[:, :, 0, :, 2] + 0.06 * sign * self.left3
            )
            pole = pole + 0.4 * np.maximum(-orientations[:, :, 0, 1:2, 2], 0.0) * self.forward3
            pole[..., 1] += 1.2 * (1.0 - self.upright)  # knees of somebody who sits point up
            upper, lower = (self.offsets[:, joint] for joint in (knee, ankle))
            lengths = [np.linalg.norm(bone, axis=-1, keepdims=True) for bone in (upper, lower)]
            joint, end, hinge = two_bone(positions[:, :, hip], self.ankles[:, :, side], pole, *lengths)
            axis = np.array([1.0, 0.0, 0.0])
            positions[:, :, knee], positions[:, :, ankle] = joint, end
            orientations[:, :, hip] = aim(upper, axis, joint - positions[:, :, hip], hinge)
            orientations[:, :, knee] = aim(lower, axis, end - joint, hinge)
            orientations[:, :, ankle] = feet
            roll = np.stack([np.maximum(pair[side].pitch, 0.0) for pair in self.feet], axis=1) * np.stack(
                [pair[side].planted for pair in self.feet], axis=1
            )
            zero = np.zeros_like(roll)
            orientations[:, :, toe] = feet @ turned(zero, -smooth(roll, 1.0), zero)
            positions[:, :, toe] = end + (feet @ self.offsets[:, toe, :, None])[..., 0]

    # -- trunk and head ------------------------------------------------------------------------------------------------

    def _trunk(self, extra: dict[str, np.ndarray], gaze: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions and orientations (T, P, 22, ...) of legs, trunk, head and unlifted shoulders.

        The head turns by most of the way to what is looked at, and nods by about half of it: the eyes do the rest.
        """
        shape = (len(self.times), len(self.performers))
        positions, local = np.zeros((*shape, NUM_JOINTS, 3)), np.zeros((*shape, NUM_JOINTS, 3, 3))
        local[:] = np.eye(3)
        orientations = local.copy()
        positions[:, :, 0], orientations[:, :, 0] = self._pelvis(extra)
        pitch, roll, twist = (self.channel[name] + extra.get(name, 0.0) for name in ("pitch", "roll", "twist"))
        counter = PELVIS_YAW * self.spread / 3.0
        for name in ("spine1", "spine2", "spine3"):
            bend = _SHARES["pitch"][name] * pitch + (self.channel["chest"] if name == "spine3" else 0.0)
            turn = _SHARES["twist"][name] * twist + counter + 0.06 * gaze[..., 0]
            local[:, :, JOINT[name]] = turned(turn, bend, _SHARES["roll"][name] * roll - 0.28 * self.tilt)
        for name in ("neck", "head"):
            local[:, :, JOINT[name]] = turned(
                0.44 * gaze[..., 0] + 0.5 * self.channel["turn"],
                0.30 * gaze[..., 1] + 0.5 * self.channel["nod"],
                0.5 * self.channel["tilt"],
            )
        for joint in _TRUNK:
            parent = PARENTS[joint]
            step = (orientations[:, :, parent] @ self.offsets[:, joint, :, None])[..., 0]
            positions[:, :, joint] = positions[:, :, parent] + step
            orientations[:, :, joint] = orientations[:, :, parent] @ local[:, :, joint]
        self._legs(positions, orientations)
        return positions, orientations

    def _view(self, positions: np.ndarray, orientations: np.ndarray) -> View:
        # told by its left axis: in a deep bend the chest faces the ground, and has no other heading
        left = orientations[:, :, JOINT["spine3"], :, 0]
        return View(self.times, positions, orientations, np.arctan2(-left[..., 2], left[..., 0]), self.skeletons)

    def _gaze(self, view: View) -> np.ndarray:
        """Yaw and pitch (T, P, 2) from chest to what is looked at, within limits and with the head's lag."""
        result = np.zeros((len(self.times), len(self.performers), 2))
        for person, performer in enumerate(self.performers):
            way = np.zeros((len(self.times), 3))
            head = view.positions[:, person, JOINT["head"]]
            for start, end, point in performer.gazes:
                aim_at = normalize(point(view, person) - head)
                share = minimum_jerk((self.times - start) / (end - start))[:, None] if np.any(way) else 1.0
                way = way + (aim_at - way) * share
            if not performer.gazes:
                continue
            chest = view.orientations[:, person, JOINT["spine3"]]
            local = (np.swapaxes(chest, -1, -2) @ normalize(way)[..., None])[..., 0]
            yaw = np.arctan2(local[:, 0], local[:, 2])
            yaw = yaw * minimum_jerk((2.9 - np.abs(yaw)) / 1.1)  # what is behind is not looked at
            pitch = -np.arcsin(np.clip(local[:, 1], -1.0, 1.0))
            for axis, (angle, limit) in enumerate(zip((yaw, pitch), GAZE_LIMITS, strict=True)):
                result[:, person, axis] = limit * np.tanh(angle / limit)
        return smooth(result, 2.2)

    # -- all together --------------------------------------------------------------------------------------------------

    def solve(self) -> tuple[Interaction, list[list[FootMotion]]]:
        extra: dict[str, np.ndarray] = {}
        still = np.zeros((len(self.times), len(self.performers), 2))
        gaze = self._gaze(self._view(*self._trunk(extra, still)))
        arms = Arms(self.performers, self.times, self.channel, ARM_SWING * smooth(self.spread, 1.5))
        touching = any(performer.touches for performer in self.performers)
        for _ in range(6 if touching else 2):
            view = self._view(*self._trunk(extra, gaze))
            if arms.hold_arms:
                view = self._with_arms(view, arms)
            extra = self._lean_to_touch(view, arms.help_reaches(view, extra))
        positions, orientations = self._trunk(self._recoil(view, arms, extra), gaze)
        view = self._view(positions, orientations)
        if arms.hold_arms:
            view = self._with_arms(view, arms)
        orientations = arms.solve(view, orientations.copy())
        interaction = Interaction(positions[:, :, 0], local_from_global(orientations), self.skeletons, FPS)
        return interaction, self.feet

    def _with_arms(self, view: View, arms: Arms) -> View:
        """The view with the arms in it, for hands that hold the other's arm: where that is, is known after a first solution."""
        for _ in range(2):
            orientations = arms.solve(view, view.orientations.copy())
            view = replace(view, orientations=orientations, positions=arms.solved(view.positions))
        return view

    def _recoil(self, view: View, arms: Arms, extra: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What pelvis and trunk must add (channels) because arms in use and kicking legs push them back.

        Whoever touches with the trunk or the head holds it still.
        """
        free = np.array([not performer.touches for performer in self.performers])
        hands = (arms.palms - view.positions[:, :, _SHOULDERS]) * (arms.reach_weight * free[:, None])[..., None]
        feet = (self.ankles - view.positions[:, :, :1]) * (self.kicking * free[:, None])[..., None]
        hands, feet = (limbs - smooth(limbs, _FAST) for limbs in (hands, feet))
        ahead, aside = (np.sum(hands * axis[:, :, None], axis=-1) for axis in (self.forward3, self.left3))
        kick = np.sum(feet * self.forward3[:, :, None], axis=-1).sum(axis=-1)
        added = {
            "pitch": -_ARM_RECOIL * ahead.sum(axis=-1),
            "roll": -_ARM_RECOIL * aside.sum(axis=-1),
            "twist": _TWIST_RECOIL * (ahead[..., 0] - ahead[..., 1]),
            "forward": -_LEG_RECOIL * kick,
        }
        return {name: extra.get(name, 0.0) + added.get(name, 0.0) for name in {*extra, *added}}

    def _lean_to_touch(self, view: View, extra: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What pelvis and trunk must add (channels) so that a place of the own body comes to one of the other's."""
        names = ("forward", "side", "up", "pitch", "hinge")
        added = {name: np.zeros((len(self.times), len(self.performers))) for name in names}
        # where both come to each other, each comes half of the way
        part = 0.5 if all(performer.touches for performer in self.performers) else 1.0
        for person, performer in enumerate(self.performers):
            for touch in performer.touches:
                share = part * minimum_jerk((self.times - touch.start) / (touch.arrive - touch.start))
                share = share * minimum_jerk((touch.end - self.times) / (touch.end - touch.leave))
                own, _ = OnBody(person, touch.own).surface(view)
                goal, normal = touch.at.surface(view)
                way = smooth((goal + touch.apart * normal - own) * share[:, None], 1.5)
                added["forward"][:, person] += np.sum(way * self.forward3[:, person], axis=-1)
                added["side"][:, person] += np.sum(way * self.left3[:, person], axis=-1)
                # down by the hips and a little by the knees; whoever is too tall for the other comes down too
                for lower, who in ((-way[:, 1], person), (way[:, 1], 1 - person)):
                    down = np.maximum(lower, 0.0)
                    added["hinge"][:, who] += 1.8 * down
                    added["up"][:, who] -= 0.35 * down
        # half by the hips, half by the trunk, which bends about a metre below the head
        added["pitch"] = 0.5 * added["forward"]
        added["forward"] = 0.6 * added["forward"]
        for name, value in extra.items():
            added[name] = added[name] + value if name in added else value
        return added
