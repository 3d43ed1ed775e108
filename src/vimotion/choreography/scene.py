"""A finished scene: the motion, and what is known to happen in it."""

from __future__ import annotations

from dataclasses import dataclass

from vimotion.choreography.parameters import Person, SceneParameters
from vimotion.motion import Interaction


@dataclass(frozen=True)
class Event:
    """Something that happens between two people, in seconds from the start.

    Attributes:
        name: "contact" (two body parts touch), or what is done: "shake", "bow", "wave", "duck", "step", …; one event for
            each repetition.
        start, end: seconds.
        who: the person whose part acts.
        part: a joint name, "left_palm" or "right_palm".
        target: the other person's part for a contact ("left_palm", "spine2", …); empty otherwise.
    """

    name: str
    start: float
    end: float
    who: Person
    part: str = ""
    target: str = ""


@dataclass(frozen=True, eq=False)
class Scene:
    """Parameters, the motion that follows from them (person "a" first), and its events in order of their start."""

    parameters: SceneParameters
    interaction: Interaction
    events: tuple[Event, ...]
