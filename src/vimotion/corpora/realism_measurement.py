"""A prepared corpus measured against captured takes: clip by clip, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.corpora.anatomy import LIMITS, beyond_limit, joint_angles
from vimotion.corpora.realism import (
    acts_of,
    balance,
    contact_error,
    derivatives,
    leading_hands,
    moving,
    outline,
    overlap,
    sliding,
    sunk,
    variety,
)  # fmt: skip
from vimotion.corpora.store import Record, Store
from vimotion.errors import UserError
from vimotion.formats import READABLE, load_motion
from vimotion.motion import FPS, JOINTS, NUM_JOINTS, PARENTS, Interaction, from_features, split_features
from vimotion.motion.features import FEATURES
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.rotations import kabsch, rotation_between

Report = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Takes (name patterns) that show what people do in clips of `kinds`.

    Of a clip only those people count who have events named `event`, from `around` seconds before the first of them to as long
    after the last: takes, too, have the arm go up before a wave, and down again. A contact is both people's.
    """

    action: str
    takes: tuple[str, ...]
    kinds: tuple[str, ...]
    event: str
    distance: str = ""
    around: float = 1.0


COMPARISONS = (
    # takes of walks and runs begin and end at full speed: neither getting going nor stopping has its like in them
    Comparison("walk", ("dataset-1_walk_*", "02_01", "02_02"), ("walk_together", "pass_by"), "walk", around=-0.6),
    Comparison("run", ("dataset-1_run_*",), ("chase",), "run", around=-0.6),
    Comparison("punch", ("dataset-1_punch_*", "02_05"), ("punch_dodge",), "punch"),
    Comparison("kick", ("dataset-1_kick_*",), ("kick",), "kick"),
    Comparison("bow", ("dataset-1_bow_*",), ("bow",), "bow"),
    Comparison("wave", ("dataset-1_bye*",), ("wave",), "wave"),
    # one of two people who walk up to each other, shake hands and go
    Comparison("handshake", ("18_01",), ("handshake",), "contact", "far"),
)
# Frames, at least, that a part of a clip must have to be compared: an order of derivatives has none left of a few.
_SHORTEST = 9
# Frames a second where a file's header is wrong (CMU's takes were captured at 120).
_RATES = {"18_01": 120.0}
# What stands still: captured soles on the ground have median speeds and jerks near these, and no smaller ones tell anything.
STILL = {"speed": 0.02, "acceleration": 0.2, "jerk": 2.0}
# Limbs are called entangled from this depth on, metres.
_ENTANGLED = 0.02
# Degrees that half precision may add to an angle, and then some.
_ANGLE_TOLERANCE = 0.5
# Outlines kept of each kind, for the distances of all pairs.
_OUTLINES = 40


class Distribution:
    """How often values fall in narrow bins: percentiles, to 1 %, of any number of values in the same memory.

    Args:
        edges: (n,) rising bounds of the bins.
        shape: one distribution for each entry of an array of this shape.
    """

    LENGTHS = np.geomspace(1e-5, 1e5, 2301)
    DEGREES = np.linspace(-180.0, 180.0, 721)

    def __init__(self, edges: np.ndarray = LENGTHS, shape: tuple[int, ...] = ()) -> None:
        self._centres = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2.0, edges[-1:]])
        self._edges, self._shape = edges, shape
        self._counts = np.zeros((int(np.prod(shape)), len(edges) + 1), dtype=np.int64)
        self.highest = 0.0

    def add(self, values: np.ndarray) -> None:
        """Values (..., *shape)."""
        entries, bins = self._counts.shape
        flat = np.searchsorted(self._edges, values.reshape(-1, entries)) + np.arange(entries) * bins
        self._counts += np.bincount(flat.ravel(), minlength=entries * bins).reshape(entries, bins)
        self.highest = max(self.highest, float(values.max(initial=0.0)))

    def percentile(self, q: float) -> np.ndarray:
        """(*shape); not a number where there are no values."""
        total = self._counts.sum(axis=1, keepdims=True)
        found = self._centres[(self._counts.cumsum(axis=1) >= np.maximum(q / 100.0 * total, 1)).argmax(axis=1)]
        return np.where(total[:, 0] > 0, found, np.nan).reshape(self._shape)

    def summary(self, scale: float = 1.0) -> Report:
        """Number of values, median, 95th percentile and highest, times `scale`."""
        median, high = (round(float(self.percentile(q)) * scale, 2) for q in (50, 95))
        return {"count": int(self._counts.sum()), "median": median, "p95": high, "highest": round(self.highest * scale, 2)}


@dataclass
class Bodies:
    """What is measured of each person by themselves, real or scripted."""

    sliding: Distribution = field(default_factory=Distribution)
    sunk: Distribution = field(default_factory=Distribution)
    off_balance: Distribution = field(default_factory=Distribution)
    standing: int = 0
    inside: int = 0
    angles: dict[str, Distribution] = field(
        default_factory=lambda: {part: Distribution(Distribution.DEGREES, (3,)) for part in LIMITS}
    )
    beyond: Counter[str] = field(default_factory=Counter)
    worst: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0.0))
    frames: int = 0

    def add(self, motion: Interaction) -> None:
        self.frames += motion.num_frames * motion.num_people
        self.sliding.add(sliding(motion))
        self.sunk.add(sunk(motion))
        outside = balance(motion)
        self.standing += outside.size
        self.inside += int((outside <= 0.0).sum())
        self.off_balance.add(np.maximum(outside, 0.0))
        for part, angles in joint_angles(motion).items():
            self.angles[part].add(angles)
            excess = beyond_limit(part, angles)
            self.beyond[part] += int((excess > _ANGLE_TOLERANCE).sum())
            self.worst[part] = max(self.worst[part], float(excess.max()))

    def summary(self) -> Report:
        return {
            "frames": self.frames,
            "sliding_cm_s": self.sliding.summary(100),
            "sunk_cm": self.sunk.summary(100),
            "standing_frames": self.standing,
            "centre_of_mass_inside": round(self.inside / max(self.standing, 1), 4),
            "centre_of_mass_outside_cm": self.off_balance.summary(100),
            "joints": {part: self._joint(part) for part in LIMITS},
        }

    def _joint(self, part: str) -> Report:
        low, high = (np.nan_to_num(self.angles[part].percentile(q)).round(1).tolist() for q in (1, 99))
        share = round(self.beyond[part] / max(self.frames, 1), 5)
        return {"p1": low, "p99": high, "beyond": share, "worst_beyond": round(self.worst[part], 1)}


@dataclass
class Pairs:
    """What is measured of two people together."""

    torsos: Distribution = field(default_factory=Distribution)
    limbs: Distribution = field(default_factory=Distribution)
    in_torso: Counter[str] = field(default_factory=Counter)
    entangled: Counter[str] = field(default_factory=Counter)
    contacts: defaultdict[str, Distribution] = field(default_factory=lambda: defaultdict(Distribution))
    hands: Counter[str] = field(default_factory=Counter)
    outlines: defaultdict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))

    def add(self, motion: Interaction, record: Record) -> None:
        facts = record.facts or {}
        acts = acts_of(facts)
        kinds = "+".join(act["kind"] for act in acts)
        self.hands.update(leading_hands(motion))
        torsos, limbs = overlap(motion)
        self.in_torso[kinds] += int((torsos > 0.0).sum())
        self.entangled[kinds] += int((limbs > _ENTANGLED).sum())
        self.torsos.add(torsos)
        self.limbs.add(limbs)
        for event in facts.get("events", ()):
            if event["name"] == "contact":
                errors = contact_error(motion, event)
                for name in ("all", event["target"]):
                    self.contacts[name].add(errors)
        if acts and not record.edit_of and len(self.outlines[kinds]) < _OUTLINES:
            self.outlines[kinds].append(outline(motion, acts[0]).astype(np.float32))

    def summary(self) -> Report:
        one_handed = self.hands["left"] + self.hands["right"]
        several = {kinds: variety(kept) for kinds, kept in sorted(self.outlines.items()) if len(kept) > 1}
        return {
            "torso_overlap_cm": self.torsos.summary(100),
            "torso_overlap_frames": {kinds: count for kinds, count in sorted(self.in_torso.items()) if count},
            "limb_overlap_cm": self.limbs.summary(100),
            "limb_overlap_frames": {kinds: count for kinds, count in sorted(self.entangled.items()) if count},
            "contact_cm": {target: errors.summary(100) for target, errors in sorted(self.contacts.items())},
            "leading_hands": dict(self.hands),
            "left_share": round(self.hands["left"] / max(one_handed, 1), 3),
            "variety_cm": {
                kinds: {"mean": round(mean * 100, 1), "closest": round(closest * 100, 1)}
                for kinds, (mean, closest) in several.items()
            },
        }


class Kinematics:
    """Speed, acceleration and jerk of each joint."""

    def __init__(self) -> None:
        self.frames = 0
        self._values = {name: Distribution(shape=(NUM_JOINTS,)) for name in ("speed", "acceleration", "jerk")}

    def add(self, motion: Interaction) -> None:
        """The motion of one person, who is made right-handed: what moves only one hand compares whichever it is."""
        motion = moving(motion.mirrored() if leading_hands(motion) == ["left"] else motion)
        self.frames += motion.num_frames
        for name, values in derivatives(motion).items():
            self._values[name].add(values)

    def percentile(self, name: str, q: float) -> np.ndarray:
        """(22,) of "speed", "acceleration" or "jerk"."""
        return self._values[name].percentile(q)


def restored(record: Record) -> Interaction:
    """The motion of a record, as smooth as it was before it was stored in half precision.

    Positions a metre from the origin are kept to half a millimetre: 3 cm/s from one frame to the next. The stored velocities
    are far finer, so positions are summed from them, and bones turned the last bit onto the joints that they lead to.
    """
    features = record.features.astype(np.float64)
    positions, velocities, _, _ = split_features(features)
    path = np.concatenate([np.zeros_like(velocities[:1]), velocities[:-1].cumsum(axis=0)])
    exact = path + (positions - path).mean(axis=0)
    features[..., FEATURES["positions"]] = exact.reshape(*features.shape[:2], -1)
    motion = from_features(features)
    orientations = np.empty_like(motion.local_rotations)
    for joint in range(NUM_JOINTS):
        local = motion.local_rotations[:, :, joint]
        turned = orientations[:, :, PARENTS[joint]] @ local if joint else local
        below = [child for child in range(NUM_JOINTS) if PARENTS[child] == joint]
        bones = exact[:, :, below] - exact[:, :, [joint]]
        offsets = np.stack([skeleton.offsets[below] for skeleton in motion.skeletons])
        if len(below) == 1:
            turned = rotation_between((turned @ offsets[:, 0, :, None])[..., 0], bones[:, :, 0]) @ turned
        elif below:
            turned = kabsch(np.broadcast_to(offsets, bones.shape), bones)
        orientations[:, :, joint] = turned
    return replace(motion, local_rotations=local_from_global(orientations))


def measure(store: Store, takes: Path | None, clips: int, show: Callable[[int, int], None] = lambda *_: None) -> Report:
    """All measures of `clips` clips of a store, drawn evenly at random, and of the takes in a folder.

    Args:
        takes: a folder of motion files of single people, searched to its depths; None measures the store alone.
        show: is told of clips done and clips in all.
    """
    chosen = np.sort(np.random.default_rng(0).permutation(len(store))[:clips])
    bodies, pairs, scripted = Bodies(), Pairs(), {one.action: Kinematics() for one in COMPARISONS}
    for done, index in enumerate(chosen):
        show(done, len(chosen))
        record = store[int(index)]
        motion = restored(record)
        bodies.add(motion)
        if motion.num_people == 2:
            pairs.add(motion, record)
        for comparison, part in _comparable(motion, record.facts or {}):
            scripted[comparison.action].add(part)
    show(len(chosen), len(chosen))
    report: Report = {"corpus": str(store.folder), "clips": len(chosen), "scripted": bodies.summary(), "pairs": pairs.summary()}
    return report | (_against_takes(takes, scripted) if takes else {})


def _comparable(motion: Interaction, facts: Report) -> Iterator[tuple[Comparison, Interaction]]:
    """The parts of a clip that takes can be set against, each of one person."""
    acts = acts_of(facts)
    for comparison in COMPARISONS:
        if not acts or any(act["kind"] not in comparison.kinds for act in acts):
            continue
        if comparison.distance and facts["parameters"].get("distance") != comparison.distance:
            continue
        named = [event for event in facts["events"] if event["name"] == comparison.event]
        for person in range(motion.num_people):
            events = [event for event in named if event["who"] == "ab"[person] or event["name"] == "contact"]
            if events:
                start = round((min(event["start"] for event in events) - comparison.around) * FPS)
                end = round((max(event["end"] for event in events) + comparison.around) * FPS)
                start = max(start, 0)
                if min(end, motion.num_frames - 1) - start > _SHORTEST:
                    yield comparison, motion.person(person).frames(start, end + 1)


def _against_takes(folder: Path, scripted: dict[str, Kinematics]) -> Report:
    files = sorted(path for path in chain(*(folder.rglob(f"*{ending}") for ending in READABLE)))
    if not files:
        raise UserError(f"{folder} holds no motion file; VIMotion reads {', '.join(READABLE)}.")
    bodies, real = Bodies(), {one.action: Kinematics() for one in COMPARISONS}
    for path in files:
        motion = load_motion(path, fps=_RATES.get(path.stem))
        bodies.add(motion)
        for comparison in COMPARISONS:
            if any(path.match(f"{pattern}.*") for pattern in comparison.takes):
                for person in range(motion.num_people):
                    real[comparison.action].add(motion.person(person))
    both = [action for action in real if real[action].frames and scripted[action].frames]
    return {
        "takes": [path.name for path in files],
        "real": bodies.summary(),
        "actions": {action: _compared(scripted[action], real[action]) for action in both},
    }


def _compared(scripted: Kinematics, real: Kinematics) -> Report:
    """For each joint and measure `[scripted, real]` at the median and the 95th percentile, and the ratio of the medians."""
    joints: dict[str, Report] = {joint: {} for joint in JOINTS}
    for name, still in STILL.items():
        median, high = (np.stack([one.percentile(name, q) for one in (scripted, real)], axis=-1) for q in (50, 95))
        ratios = np.maximum(median[:, 0], still) / np.maximum(median[:, 1], still)
        for joint, *values in zip(JOINTS, median, high, ratios, strict=True):
            joints[joint][name] = dict(
                zip(("median", "p95", "ratio"), (value.round(3).tolist() for value in values), strict=True)
            )
    return {"frames": [scripted.frames, real.frames], "joints": joints}
