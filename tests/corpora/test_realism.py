"""Each measure on a case whose answer is known, and the whole measurement on a small store."""

import json
from pathlib import Path

import numpy as np
import pytest
from poses import random_interaction

from vimotion.choreography.targets import PALM_THICKNESS
from vimotion.corpora import Record, open_store
from vimotion.corpora.anatomy import SIDES, beyond_limit, capsules, centre_of_mass, joint_angles, segment_distance, skin
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
)
from vimotion.corpora.realism_measurement import Distribution, measure, restored
from vimotion.corpora.realism_report import tables, write_report
from vimotion.corpora.store import finish_store, record_features, write_clips
from vimotion.errors import UserError
from vimotion.formats import save_motion
from vimotion.motion import JOINT, SURFACE, Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix

FRAMES = 20


def standing(people: int = 1, scale: float = 1.0, frames: int = FRAMES) -> Interaction:
    """People in the T-pose at one place, feet on the ground."""
    skeleton = Skeleton.standard().scaled(scale)
    roots = np.tile([0.0, skeleton.pelvis_height, 0.0], (frames, people, 1))
    return Interaction(roots, np.tile(np.eye(3), (frames, people, 22, 1, 1)), (skeleton,) * people)


def turned(motion: Interaction, **degrees: tuple[float, float, float]) -> Interaction:
    """The first person with joints turned by axis-angle vectors."""
    rotations = motion.local_rotations.copy()
    for joint, vector in degrees.items():
        rotations[:, 0, JOINT[joint]] = axis_angle_to_matrix(np.radians(vector))
    return Interaction(motion.root_positions, rotations, motion.skeletons)


def carried(motion: Interaction, path: np.ndarray) -> Interaction:
    """Everyone moved along a path, (T, 3)."""
    return Interaction(motion.root_positions + path[:, None], motion.local_rotations, motion.skeletons)


def test_planted_feet_slide_as_fast_as_they_are_carried() -> None:
    path = np.arange(FRAMES)[:, None] * [0.03 / 30.0, 0.0, 0.0]
    found = sliding(carried(standing(), path))
    # both feet; the ends have no frame before or after, and the first knows no speed
    assert len(found) == 2 * (FRAMES - 2) and np.allclose(found, 0.03)
    assert not sliding(standing()).any()
    assert not len(sliding(carried(standing(), 30 * path)))  # nobody's foot is planted at 0.9 m/s


def test_a_body_that_sinks_is_measured_against_where_feet_stand() -> None:
    path = np.zeros((FRAMES, 3))
    path[5:8, 1] = -0.02
    found = sunk(carried(standing(), path + [0.0, 1.0, 0.0]))[:, 0]
    assert np.allclose(found, -path[:, 1])


def test_distance_of_segments() -> None:
    unit = np.eye(3)
    origin = np.zeros(3)
    assert segment_distance((origin, unit[0]), (unit[1], unit[0] + unit[1])) == pytest.approx(1.0)  # parallel
    assert segment_distance((-unit[0], unit[0]), (unit[2] - unit[1], unit[2] + unit[1])) == pytest.approx(1.0)  # crossing
    assert segment_distance((origin, unit[0]), (3 * unit[0], 4 * unit[0])) == pytest.approx(2.0)  # in line
    assert segment_distance((unit[1], unit[1]), (origin, unit[0])) == pytest.approx(1.0)  # a point


def test_torsos_overlap_by_what_their_capsules_do() -> None:
    widest = max(capsule.radius for capsule in capsules())
    for distance in (0.15, 0.20, 0.30):
        both = standing(2).moved(translation=np.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]]))
        torso, limbs = overlap(both)
        assert torso == pytest.approx(max(2 * widest - distance, 0.0))
        assert limbs.min() > 0.0  # stretched arms lie in the other's
    assert widest == next(capsule.radius for capsule in capsules() if capsule.joint == "spine2")
    far = standing(2).moved(translation=np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))
    assert not np.any(overlap(far))


def test_joint_beyond_its_limit() -> None:
    angles = joint_angles(turned(standing(), left_knee=(170.0, 0.0, 0.0), left_hip=(-90.0, 0.0, 0.0)))
    assert np.allclose(angles["left_knee"], [170.0, 0.0, 0.0]) and np.allclose(
        beyond_limit("left_knee", angles["left_knee"]), 16.0
    )
    assert np.allclose(angles["left_hip"], [-90.0, 0.0, 0.0]) and not beyond_limit("left_hip", angles["left_hip"]).any()
    for part in angles.keys() - {"left_knee"}:
        assert not beyond_limit(part, angles[part]).any(), part


def test_right_side_is_told_as_the_left() -> None:
    motion = random_interaction(0, people=1)
    angles, mirrored = joint_angles(motion), joint_angles(motion.mirrored())
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot", "collar"):
        assert np.allclose(angles[f"left_{part}"], mirrored[f"right_{part}"], atol=1e-6), part


def test_arm_is_told_by_the_axis_of_its_elbow() -> None:
    """A rig whose arm axes are turned by 30 degrees about the arm makes the same motion, and the same angles."""
    bent = turned(standing(), left_shoulder=(0.0, 0.0, -70.0), left_elbow=(0.0, -90.0, 0.0), left_wrist=(20.0, 0.0, 0.0))
    rotations = bent.local_rotations.copy()
    turn = axis_angle_to_matrix(np.radians([30.0, 0.0, 0.0]))
    shoulder, elbow, wrist = (JOINT[f"left_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    rotations[:, :, shoulder] = rotations[:, :, shoulder] @ turn
    for joint in (elbow, wrist):
        rotations[:, :, joint] = turn.T @ rotations[:, :, joint] @ turn
    first, second = joint_angles(bent), joint_angles(Interaction(bent.root_positions, rotations, bent.skeletons))
    assert np.allclose(first["left_elbow"], [0.0, -90.0, 0.0]) and np.allclose(first["left_wrist"][..., 0], 20.0)
    for part in ("left_shoulder", "left_elbow", "left_wrist"):
        assert np.allclose(first[part], second[part], atol=1.0), part  # a hardly bent elbow weighs less


def test_turn_of_the_forearm_counts_at_elbow_and_wrist_together() -> None:
    angles = joint_angles(turned(standing(), left_elbow=(60.0, 0.0, 0.0), left_wrist=(40.0, 0.0, 0.0)))
    assert np.allclose(angles["left_wrist"], [100.0, 0.0, 0.0]) and np.allclose(
        beyond_limit("left_wrist", angles["left_wrist"]), 14.0
    )


def test_centre_of_mass() -> None:
    still = standing()
    centre = centre_of_mass(still)[0, 0]
    rest = still.joint_positions[0, 0]
    assert abs(centre[0]) < 1e-9 and rest[0, 1] < centre[1] < rest[JOINT["spine3"], 1]
    assert np.allclose(centre_of_mass(still.moved(translation=(1.0, 2.0, 3.0)))[0, 0], centre + [1.0, 2.0, 3.0])
    # a bent knee moves a shank (Winter: 0.0465 at 0.433) and a foot (0.0145 at its middle)
    knee, ankle, foot = (rest[JOINT[f"left_{joint}"]] for joint in ("knee", "ankle", "foot"))
    moment = 0.0465 * 0.433 * (ankle - knee) + 0.0145 * ((ankle + foot) / 2 - knee)
    bent = turned(still, left_knee=(90.0, 0.0, 0.0))
    quarter = axis_angle_to_matrix(np.radians([90.0, 0.0, 0.0]))
    assert np.allclose(centre_of_mass(bent)[0, 0] - centre, quarter @ moment - moment)


def test_balance() -> None:
    upright = balance(standing())
    assert len(upright) == FRAMES - 2 and (upright < -0.03).all()
    # all of a stiff body, leant forward about its toes
    lean = axis_angle_to_matrix(np.radians([25.0, 0.0, 0.0]))
    still = standing()
    toes = still.joint_positions[:, :, [JOINT["left_foot"], JOINT["right_foot"]]].mean(axis=2)
    rotations = still.local_rotations.copy()
    rotations[:, :, 0] = lean
    leaning = Interaction(toes + (still.root_positions - toes) @ lean.T, rotations, still.skeletons)
    centre = centre_of_mass(leaning)[0, 0, 2]
    assert (balance(leaning) > 0.1).all() and (balance(leaning) < centre - toes[0, 0, 2]).all()


def test_contact_error_of_palms_places_and_skin() -> None:
    both = standing(2)
    event = {"name": "contact", "start": 0.1, "end": 0.4, "who": "a", "part": "left_palm", "target": "left_palm"}
    apart = both.moved(translation=np.array([[0.0, 0.0, 0.0], [0.0, 0.309, 0.0]]))
    assert contact_error(apart, event) == pytest.approx(np.full(10, 0.3))  # palms are 9 mm thick together

    palm, spot = both.palm_positions("left")[0, 0], SURFACE["chest"]
    normal = np.array(spot.normal) / np.linalg.norm(spot.normal)
    place = both.joint_positions[0, 1, JOINT[spot.joint]] + spot.offset
    for miss in (0.0, 0.02):
        shift = palm - place - normal * PALM_THICKNESS + [miss, 0.0, 0.0]
        touching = both.moved(translation=np.stack([np.zeros(3), shift]))
        assert contact_error(touching, event | {"target": "chest"}) == pytest.approx(miss, abs=1e-9)

    places, normals = skin("spine3")
    shift = palm - both.joint_positions[0, 1, JOINT["spine3"]] - places[0] - normals[0] * PALM_THICKNESS
    touching = both.moved(translation=np.stack([np.zeros(3), shift]))
    assert contact_error(touching, event | {"target": "spine3"}) == pytest.approx(0.0, abs=1e-9)


def test_contact_error_of_two_joints_is_between_their_skins() -> None:
    event = {"name": "contact", "start": 0.0, "end": 0.1, "who": "a", "part": "right_foot", "target": "left_foot"}
    right, left = (
        skin(f"{side}_ankle")[0] + Skeleton.standard().rest_positions[JOINT[f"{side}_ankle"]] for side in SIDES[::-1]
    )
    # side by side, the shoes' nearest places lie as far apart as the people are moved beyond touching
    clear = right[:, 0].min() - left[:, 0].max() - 0.5
    apart = standing(2).moved(translation=np.array([[0.0, 0.0, 0.0], [clear, 0.0, 0.0]]))
    assert contact_error(apart, event) == pytest.approx(np.full(4, 0.5), abs=0.01)


def test_derivatives_of_a_cubic_path() -> None:
    times, inner = np.arange(60) / 30.0, slice(12, -12)
    path = (times**3)[:, None] * [1.0, 0.0, 0.0]
    found = derivatives(carried(standing(frames=60), path))
    assert np.allclose(found["jerk"][inner], 6.0, rtol=1e-2)
    # for legs of one length
    assert np.allclose(derivatives(carried(standing(scale=1.2, frames=60), path))["jerk"][inner], 5.0, rtol=1e-2)
    steady = derivatives(carried(standing(frames=60), times[:, None] * [1.5, 0.0, 0.0]))
    assert np.allclose(steady["speed"], 1.5, rtol=1e-4) and np.allclose(steady["acceleration"], 0.0, atol=1e-3)


def test_the_low_pass_takes_noise_and_leaves_movement() -> None:
    times = np.arange(300) / 30.0
    still = standing(frames=300)
    noise = np.random.default_rng(0).normal(0.0, 5e-4, (300, 3))
    assert np.median(derivatives(carried(still, noise))["jerk"]) == pytest.approx(8.0, abs=1.0)
    sway = 0.02 * np.sin(2.0 * np.pi * 2.0 * times)[:, None] * [1.0, 0.0, 0.0]
    fastest = derivatives(carried(still, sway))["jerk"][15:-15].max()
    assert fastest == pytest.approx(0.02 * (2.0 * np.pi * 2.0) ** 3, rel=0.05)


def test_hands_outlines_and_variety() -> None:
    rotations = standing().local_rotations.copy()
    swing = np.sin(np.arange(FRAMES))[:, None] * [0.0, 0.0, 1.0]
    rotations[:, 0, JOINT["left_shoulder"]] = axis_angle_to_matrix(swing)
    waving = Interaction(standing().root_positions, rotations, standing().skeletons)
    assert leading_hands(waving) == ["left"] and leading_hands(waving.mirrored()) == ["right"]
    assert leading_hands(standing()) == ["both"]

    scene = random_interaction(1)
    own = outline(scene, {"actor": "a", "side": "right"})
    assert own.shape == (16, 2, 22, 3)
    assert np.allclose(own, outline(scene.swapped().mirrored(), {"actor": "b", "side": "left"}))
    assert variety([own, own]) == (0.0, 0.0)
    mean, closest = variety([own, own, own + [0.3, 0.0, 0.0]])
    assert mean == pytest.approx(0.2) and closest == 0.0


def test_acts_of_old_and_new_facts() -> None:
    act = {"kind": "hug", "actor": "b", "side": "left", "count": 1}
    assert [one["kind"] for one in acts_of({"parameters": act})] == ["hug"]
    assert acts_of({"parameters": {"acts": [act, act]}}) == [act, act]
    assert acts_of({}) == []


def test_stillness_is_cut_off() -> None:
    path = np.zeros((FRAMES, 3))
    path[5:10, 0] = np.arange(5) * 0.1
    path[10:, 0] = 0.4
    assert moving(carried(standing(), path)).num_frames == 5
    assert moving(standing()).num_frames == FRAMES


def test_distribution_keeps_percentiles() -> None:
    values = np.random.default_rng(0).lognormal(size=(2000, 3)) * [1.0, 10.0, 0.1]
    distribution = Distribution(shape=(3,))
    for part in np.split(values, 4):
        distribution.add(part)
    for q in (5, 50, 95):
        assert np.allclose(distribution.percentile(q), np.percentile(values, q, axis=0), rtol=0.02)
    assert distribution.highest == values.max()
    assert np.isnan(Distribution().percentile(50))


def test_motion_is_restored_from_half_precision() -> None:
    motion = random_interaction(3, frames=60)
    exact = record_features(motion)
    stored = Record("a", "train", "a", exact.astype(np.float16).astype(np.float32), ())
    truth = exact[..., :66].reshape(*exact.shape[:2], 22, 3)
    assert np.abs(restored(stored).joint_positions - truth).max() < 1e-3
    errors = [np.abs(np.diff(one.joint_positions - truth, axis=0)).mean() for one in (restored(stored), stored.interaction())]
    assert errors[0] < 1e-4 and errors[0] < errors[1] / 10


def test_measurement_of_a_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    event = {"name": "contact", "start": 0.2, "end": 0.5, "who": "a", "part": "left_palm", "target": "spine3"}
    bow = {"name": "bow", "start": 0.2, "end": 1.0, "who": "b", "part": "head", "target": ""}
    act = {"kind": "bow", "actor": "a", "side": "left", "count": 1}
    facts = {"parameters": {"acts": [act]}, "events": [event, bow]}
    records = [
        Record(f"c{number}", "train", f"c{number}", record_features(random_interaction(number)), ("Words.",), facts=facts)
        for number in range(4)
    ]
    write_clips(records, store / "clips-00000.parquet")
    finish_store(store, {})
    takes = tmp_path / "takes" / "below"
    takes.mkdir(parents=True)
    save_motion(random_interaction(9, people=1), takes / "dataset-1_bow_made.bvh")

    report = measure(open_store(store), tmp_path / "takes", clips=3)
    assert report["clips"] == 3 and report["scripted"]["frames"] == 3 * 2 * 39 and report["real"]["frames"] == 40
    assert report["pairs"]["contact_cm"]["spine3"]["count"] == 3 * 10
    assert report["pairs"]["variety_cm"].keys() == {"bow"}
    assert report["actions"].keys() == {"bow"}  # of person b alone
    assert 50 < report["actions"]["bow"]["frames"][0] <= 3 * 39
    files = write_report(report, tmp_path / "out")
    assert [file.name for file in files] == ["realism.json", "realism.md", "realism.png"]
    assert json.loads(files[0].read_text())["actions"].keys() == {"bow"}
    assert all(table.title in files[1].read_text() for table in tables(report))
    alone = measure(open_store(store), None, clips=2)
    assert "real" not in alone and len(write_report(alone, tmp_path / "alone")) == 2
    with pytest.raises(UserError, match="no motion file"):
        measure(open_store(store), store, clips=1)
