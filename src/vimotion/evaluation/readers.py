"""What can be read from an answer, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.text import (
    named_count,
    named_distance,
    named_kind,
    named_manner,
    named_side,
    named_speed,
    names_approach,
)

READERS: dict[str, Callable[[str], Any]] = {
    "kind": named_kind, "actor": named_actor, "side": named_side, "count": named_count, "manner": named_manner,
    "speed": named_speed, "distance": named_distance, "approach": names_approach,
}  # fmt: skip
