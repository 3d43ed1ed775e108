"""Bodies against the ground and each other, by hand and against brute force."""

import numpy as np
import pytest
from bodies import FRAMES, body, handshake, pair, standing
from poses import random_interaction

from vimotion.corpora.anatomy import capsules, posed_capsules
from vimotion.evaluation.bodies import (
    ContactCounts,
    contact_counts,
    contacts,
    ground_penetration,
    mutual_penetration,
    relation_error,
)


def test_ground_penetration_by_hand() -> None:
    positions = np.full((4, 2, 3, 3), 0.5)
    assert ground_penetration(positions) == 0.0
    positions[0, 0, 1, 1], positions[0, 0, 2, 1] = -0.08, -0.04  # the lowest joint counts
    positions[3, 1, 0, 1] = -0.16
    assert ground_penetration(positions) == pytest.approx((0.08 + 0.16) / 8)


def test_bodies_apart_are_not_in_each_other() -> None:
    assert mutual_penetration(standing(1.2)) == 0.0
    near, same = mutual_penetration(pair(body(), body(z=0.15))), mutual_penetration(pair(body(), body()))
    radius = posed_capsules(body())[2].max()
    assert 0 < near < same == pytest.approx(2 * radius)
    with pytest.raises(ValueError, match="two people"):
        mutual_penetration(body())


def test_mutual_penetration_agrees_with_brute_force() -> None:
    motion = random_interaction(5, 6, bend=0.4)
    motion = motion.moved(translation=np.array([[0.0, 0, 0], motion.root_positions[0, 0] - motion.root_positions[0, 1] + 0.1]))
    starts, ends, radii = posed_capsules(motion)
    share = np.linspace(0, 1, 60)[:, None]
    depths = np.zeros(motion.num_frames)
    for frame in range(motion.num_frames):
        for first in range(starts.shape[2]):
            mine = starts[frame, 0, first] * (1 - share) + ends[frame, 0, first] * share
            for second in range(starts.shape[2]):
                theirs = starts[frame, 1, second] * (1 - share) + ends[frame, 1, second] * share
                apart = np.linalg.norm(mine[:, None] - theirs, axis=-1).min()
                depths[frame] = max(depths[frame], radii[0, first] + radii[1, second] - apart)
    assert depths.max() > 0.02
    # the points that stand for a line are 1 cm apart at most
    assert mutual_penetration(motion) == pytest.approx(depths.mean(), abs=5e-3)


def test_contacts_of_a_handshake() -> None:
    touching = contacts(handshake())
    assert touching.shape == (FRAMES, 2, posed_capsules(handshake())[2].shape[1] + 2)
    left, right = touching[..., -2], touching[..., -1]
    assert right[45:60].all() and not left.any() and not touching[:10].any()
    limbs = {capsule.joint for number, capsule in enumerate(capsules()) if touching[..., number].any()}
    assert limbs == {"right_elbow"}  # the forearm ends at the other's hand
    assert not contacts(handshake(apart=0.3)).any()


def test_precision_and_recall_of_contacts() -> None:
    truth, missing = handshake(), handshake(apart=0.3)
    assert contact_counts(truth, truth).precision == contact_counts(truth, truth).recall == 1.0
    none = contact_counts(missing, truth)
    assert (none.precision, none.recall) == (None, 0.0)
    assert (contact_counts(truth, missing).precision, contact_counts(truth, missing).recall) == (0.0, None)
    total = contact_counts(truth, truth) + none
    assert (total.precision, total.recall) == (1.0, 0.5)
    late = contact_counts(truth.frames(10, FRAMES), truth)  # ten frames early
    assert 0.5 < late.precision < 1.0 and late.precision == ContactCounts(late.both, late.predicted, 0).precision  # type: ignore[operator]


def test_relation_error_by_hand() -> None:
    truth = np.zeros((2, 2, 1, 3))
    truth[:, 1, 0, 2] = 1.0
    moved = truth + [5.0, 0.0, 3.0]
    assert relation_error(moved, truth) == 0.0  # both together
    moved[1, 1, 0, 2] += 0.5
    assert relation_error(moved, truth) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="one shape"):
        relation_error(moved[:, :1], truth[:, :1])


def test_exchanging_people_hurts_the_relation() -> None:
    truth = pair(body(arms={"right": [0.0, 0.0, 1.0]}), body(z=1.2, yaw=np.pi)).joint_positions
    assert relation_error(truth[:, ::-1], truth) > 0.02
