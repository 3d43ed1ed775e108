"""Measures walks of motion capture and our own walk at the same speed, side by side: where the numbers of `gait.py` come from.

    python tools/fit_gait.py ../shared/mocap/cmu/02_01.amc ../shared/mocap/cmu/02_02.amc

Lengths are divided by the leg's (0.84 m for the constants in the code), so that bodies of any size compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from vimotion.choreography.body import solve
from vimotion.choreography.curves import smooth
from vimotion.choreography.gait import LEG
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.performer import Habits, Performer, ahead
from vimotion.formats import load_motion
from vimotion.motion import JOINT, Interaction


def measure(motion: Interaction) -> dict[str, float]:
    """Gait numbers of the first person of a straight walk; bobs, swings and turns as half of top to bottom."""
    joints = motion.joint_positions[:, 0]
    skeleton = motion.skeletons[0]
    unit = LEG / float(skeleton.bone_lengths[[JOINT["left_knee"], JOINT["left_ankle"]]].sum())
    pelvis = joints[:, 0]
    forward = (pelvis[-1] - pelvis[0]) * [1.0, 0.0, 1.0]
    forward /= np.linalg.norm(forward)
    left = np.cross([0.0, 1.0, 0.0], forward)
    at = {name: joints[:, index] for name, index in JOINT.items()}
    spread = smooth((at["left_ankle"] - at["right_ankle"]) @ forward, 1.0)
    steps = [i for i in range(2, len(spread) - 2) if abs(spread[i]) == np.abs(spread[i - 2 : i + 3]).max() > 0.3]
    first, last = steps[0], steps[-1]
    span = slice(first, last + 1)
    seconds = (last - first) / motion.fps
    speed = float((pelvis[last] - pelvis[first]) @ forward / seconds)
    ahead_by = spread[span]
    return {
        "speed, m/s": speed,
        "steps a second": (len(steps) - 1) / seconds,
        "step length / sqrt(speed)": unit * speed * seconds / (len(steps) - 1) / np.sqrt(speed),
        "duty": _duty(at, span, motion.fps),
        "step width, m": unit * _step_width(at, steps, left),
        "pelvis bob, mm": 1e3 * unit * _half_range(pelvis[span, 1]),
        "pelvis sway, mm": 1e3 * unit * _half_range(_detrended(pelvis[span] @ left)),
        "pelvis turn, a metre of spread": -_slope(ahead_by, _yaw(at["left_hip"] - at["right_hip"], forward)[span]),
        "shoulders' turn, a metre": -_slope(ahead_by, _yaw(at["left_shoulder"] - at["right_shoulder"], forward)[span]),
        "arm swing, a metre of spread": -_slope(ahead_by, _arm(at, "left", forward)[span] - _arm(at, "right", forward)[span])
        / 2,
        "elbow bend, rad": float(np.mean([_bend(at, side)[span].mean() for side in ("left", "right")])),
        "trunk lean, rad": float(np.arctan2(*_trunk(at, forward)[span].mean(axis=0))),
        "least knee bend, rad": float(min(_bend(at, side, "hip", "knee", "ankle")[span].min() for side in ("left", "right"))),
        "most knee bend, rad": float(max(_bend(at, side, "hip", "knee", "ankle")[span].max() for side in ("left", "right"))),
    }


def _half_range(values: np.ndarray) -> float:
    return float(values.max() - values.min()) / 2.0


def _detrended(values: np.ndarray) -> np.ndarray:
    at = np.arange(len(values))
    return values - np.polyval(np.polyfit(at, values, 1), at)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.polyfit(x, y, 1)[0])


def _yaw(across: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """How far a line from right to left is turned from square to the way, to the left: (T,) radians."""
    left = np.cross([0.0, 1.0, 0.0], forward)
    return np.arctan2(-(across @ forward), across @ left)


def _arm(at: dict[str, np.ndarray], side: str, forward: np.ndarray) -> np.ndarray:
    arm = at[f"{side}_elbow"] - at[f"{side}_shoulder"]
    return np.arctan2(arm @ forward, -arm[:, 1])


def _bend(at: dict[str, np.ndarray], side: str, *chain: str) -> np.ndarray:
    top, middle, end = (at[f"{side}_{part}"] for part in chain or ("shoulder", "elbow", "wrist"))
    cosine = np.sum((middle - top) * (end - middle), axis=-1)
    cosine /= np.linalg.norm(middle - top, axis=-1) * np.linalg.norm(end - middle, axis=-1)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _trunk(at: dict[str, np.ndarray], forward: np.ndarray) -> np.ndarray:
    trunk = (at["left_shoulder"] + at["right_shoulder"]) / 2.0 - (at["left_hip"] + at["right_hip"]) / 2.0
    return np.stack([trunk @ forward, trunk[:, 1]], axis=-1)


def _duty(at: dict[str, np.ndarray], span: slice, fps: float) -> float:
    """Share of the time that a foot is down: ankle or toe slower than 0.6 m/s over the ground."""
    down = []
    for side in ("left", "right"):
        speeds = [
            np.linalg.norm(np.gradient(at[f"{side}_{part}"], axis=0)[:, [0, 2]], axis=-1) * fps for part in ("ankle", "foot")
        ]
        down.append((np.minimum(*speeds) < 0.6)[span].mean())
    return float(np.mean(down))


def _step_width(at: dict[str, np.ndarray], steps: list[int], left: np.ndarray) -> float:
    return float(np.mean([(at["left_ankle"][i] - at["right_ankle"][i]) @ left for i in steps]))


def own_walk(speed: float) -> Interaction:
    """Our walk of an average person."""
    habits = Habits.draw(np.random.default_rng(0))
    average = Habits(1.0, habits.stance, 0.0, 0.095, 0.37, 1.0, 1.0, 0, 0.0, habits.breath, 0.0, 1)
    people = [Performer(index, average, MANNERS["neutral"], (2.0 * index, 0.0), 0.0, 1.0) for index in (0, 1)]
    end = max(person.feet.walk(0.0, (2.0 * person.index, 6.0), speed=speed) for person in people)
    for person in people:
        person.look(-1.0, ahead())
    motion, _ = solve(people, np.arange(int(end * 30)) / 30.0, 1.0)
    third = motion.num_frames // 4
    return motion.frames(third, motion.num_frames - third)


def main() -> None:
    walks = [(Path(path).name, load_motion(path)) for path in sys.argv[1:]]
    if not walks:
        sys.exit("Give the walks to measure: .amc or .bvh files of a person who walks straight on.")
    columns = []
    for name, motion in walks:
        found = measure(motion)
        columns += [(name, found), ("ours", measure(own_walk(found["speed, m/s"])))]
    print(f"{'':34}" + "".join(f"{name:>12}" for name, _ in columns))
    for row in columns[0][1]:
        print(f"{row:34}" + "".join(f"{numbers[row]:12.3f}" for _, numbers in columns))


if __name__ == "__main__":
    main()
