"""How far decoded motion is from what was encoded, in millimetres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vimotion.motion import JOINT, SURFACE, Interaction, from_features, split_features, surface_point
from vimotion.tokenizer.codec import MotionTokenizer


def reconstruct(tokenizer: MotionTokenizer, features: np.ndarray) -> np.ndarray:
    """Frame vectors (T, P, 262) through codes and back, as long as they were."""
    decoded = tokenizer.decode(tokenizer.encode(features.swapaxes(0, 1)))
    return decoded.swapaxes(0, 1)[: len(features)]


def reconstruction_errors(
    tokenizer: MotionTokenizer, clips: Iterable[tuple[np.ndarray, Mapping[str, Any] | None]]
) -> dict[str, float]:
    """Mean errors over clips of (frame vectors (T, P, 262), facts of a scripted scene or None).

    Returns:
        "world_mm": mean joint error in the world; "root_mm": of the pelvis; "local_mm": around the pelvis;
        "between_mm": difference of the distance between the pelvises; and, where facts label contacts,
        "contact_mm": distance of the two parts as decoded; "contact_difference_mm": its mean difference from the true one.
    """
    sums: dict[str, list[float]] = {}

    def add(name: str, values: np.ndarray) -> None:
        total = sums.setdefault(name, [0.0, 0.0])
        total[0] += float(values.sum()) * 1000
        total[1] += values.size

    for features, facts in clips:
        decoded = reconstruct(tokenizer, features)
        true, made = split_features(features)[0], split_features(decoded)[0]
        difference = made - true
        add("world_mm", np.linalg.norm(difference, axis=-1))
        add("root_mm", np.linalg.norm(difference[:, :, 0], axis=-1))
        add("local_mm", np.linalg.norm(difference - difference[:, :, :1], axis=-1)[..., 1:])
        if features.shape[1] == 2:
            add("between_mm", np.abs(_apart(made[:, :, 0]) - _apart(true[:, :, 0])))
        contacts = [event for event in (facts or {}).get("events", ()) if event["name"] == "contact" and event["target"]]
        if contacts:
            true_pair, made_pair = from_features(features), from_features(decoded)
            for event in contacts:
                true_distance, made_distance = contact_distances(true_pair, event), contact_distances(made_pair, event)
                add("contact_mm", made_distance)
                add("contact_difference_mm", np.abs(made_distance - true_distance))
    return {name: total / count for name, (total, count) in sums.items() if count}


def contact_distances(interaction: Interaction, event: Mapping[str, Any]) -> np.ndarray:
    """Distance of the two parts of a labelled contact in each of its frames, metres."""
    start, stop = round(event["start"] * interaction.fps), round(event["end"] * interaction.fps) + 1
    who = "ab".index(event["who"])
    during = interaction.frames(min(start, interaction.num_frames - 1), stop)
    return np.linalg.norm(_part(during, who, event["part"]) - _part(during, 1 - who, event["target"]), axis=-1)


def _part(interaction: Interaction, person: int, part: str) -> np.ndarray:
    if part.endswith("_palm"):
        return interaction.palm_positions(part.removesuffix("_palm"))[:, person]
    if part in SURFACE:
        return surface_point(interaction, person, part)
    return interaction.joint_positions[:, person, JOINT[part]]


def _apart(roots: np.ndarray) -> np.ndarray:
    distance: np.ndarray = np.linalg.norm(roots[:, 1] - roots[:, 0], axis=-1)
    return distance
