"""Measures of bodies against the ground and each other. Positions are metres in the world, Y-up, the ground at y = 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vimotion.corpora.anatomy import posed_capsules, segment_distance
from vimotion.motion import Interaction

# Two bodies touch where the capsules in their limbs come this near: the skin over a capsule, of both, and what a codec loses.
_TOUCHING = 0.03
# A hand for contacts: a ball around the palm's centre, metres at standard size.
_PALM = 0.04


def ground_penetration(positions: np.ndarray) -> float:
    """How deep the lowest joint is below the ground, metres: mean over frames and people; 0 above it. (T, P, J, 3)."""
    return float(np.maximum(-positions[..., 1].min(axis=-1), 0.0).mean())


def mutual_penetration(motion: Interaction) -> float:
    """How deep two people's bodies are in each other, metres: the deepest pair of capsules, mean over frames; 0 apart.

    The capsules lie inside the skin (`corpora.anatomy.capsules`), so bodies that only touch score 0.
    """
    return float(np.maximum(-_gaps(*posed_capsules(motion)).min(axis=(1, 2)), 0.0).mean())


def relation_error(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Error of a reaction by both people together, metres: every distance from a joint of the one to a joint of the other,
    against the true one, mean over pairs of joints and frames. (T, 2, J, 3) each.

    Unlike the joint error it does not ask where in the world the two are, only how they are to each other.
    """
    if predicted.shape != truth.shape or predicted.ndim != 4 or predicted.shape[1] != 2:
        raise ValueError(f"This error needs two motions (T, 2, J, 3) of one shape, not {predicted.shape} and {truth.shape}.")
    return float(np.abs(_between(predicted) - _between(truth)).mean())


@dataclass(frozen=True)
class ContactCounts:
    """Contacts of limbs with the other person, counted over frames: in both motions, in the predicted, in the true one."""

    both: int = 0
    predicted: int = 0
    true: int = 0

    def __add__(self, other: ContactCounts) -> ContactCounts:
        return ContactCounts(self.both + other.both, self.predicted + other.predicted, self.true + other.true)

    @property
    def precision(self) -> float | None:
        """Share of the predicted contacts that are true; None where nothing is predicted."""
        return self.both / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of the true contacts that are predicted; None where there are none."""
        return self.both / self.true if self.true else None


def contact_counts(predicted: Interaction, truth: Interaction) -> ContactCounts:
    """Contacts of a motion against those of the true one, frame by frame; add the counts of many motions up.

    A contact is one limb or hand of one person within 3 cm of any of the other's. Of two lengths the shorter is compared.
    """
    frames = min(predicted.num_frames, truth.num_frames)
    mine, theirs = (contacts(motion.frames(0, frames)) for motion in (predicted, truth))
    return ContactCounts(int((mine & theirs).sum()), int(mine.sum()), int(theirs.sum()))


def contacts(motion: Interaction, within: float = _TOUCHING) -> np.ndarray:
    """(T, 2, C + 2): whether each capsule of each person, and then the left and the right hand, is within so many metres of the
    other person."""
    starts, ends, radii = posed_capsules(motion)
    palms = np.stack([motion.palm_positions(side) for side in ("left", "right")], axis=2)
    scale = np.array([[skeleton.scale] * 2 for skeleton in motion.skeletons])
    starts, ends = (np.concatenate([limbs, palms], axis=2) for limbs in (starts, ends))
    near = _gaps(starts, ends, np.concatenate([radii, _PALM * scale], axis=1)) < within
    return np.stack([near.any(axis=2), near.any(axis=1)], axis=1)


def _gaps(starts: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(T, C, C) metres between the capsules of two people, the first one's in the rows; negative where they overlap."""
    if starts.shape[1] != 2:
        raise ValueError(f"This is measured between two people, not {starts.shape[1]}.")
    apart = segment_distance((starts[:, 0, :, None], ends[:, 0, :, None]), (starts[:, 1, None], ends[:, 1, None]))
    gaps: np.ndarray = apart - radii[0, :, None] - radii[1]
    return gaps


def _between(positions: np.ndarray) -> np.ndarray:
    """(T, J, J) from each joint of the first person to each of the second."""
    distances: np.ndarray = np.linalg.norm(positions[:, 0, :, None] - positions[:, 1, None], axis=-1)
    return distances
