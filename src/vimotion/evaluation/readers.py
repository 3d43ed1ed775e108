"""What can be read from an answer, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.text import (
    kinds_in_order,
    named_count,
    named_distance,
    named_kind,
    named_side,
    named_speed,
    names_approach,
)
from vimotion.evaluation.told_of_people import named_manner, named_manners, named_postures

READERS: dict[str, Callable[[str], Any]] = {
    "kind": named_kind, "kinds": kinds_in_order, "actor": named_actor, "side": named_side, "count": named_count,
    "manner": named_manner, "manners": named_manners, "postures": named_postures, "speed": named_speed,
    "distance": named_distance, "approach": names_approach,
}  # fmt: skip
