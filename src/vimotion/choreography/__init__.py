"""Scripted two-person scenes with exact roles, events and edits: the corpus that needs no licence."""

from vimotion.choreography.kinds import MAKERS
from vimotion.choreography.parameters import KINDS, Edit, Kind, SceneParameters, possible_edits, sample_parameters
from vimotion.choreography.scene import Event, Scene

__all__ = [
    "KINDS", "Edit", "Event", "Kind", "Scene", "SceneParameters", "make_scene", "possible_edits", "sample_parameters",
]  # fmt: skip


def make_scene(parameters: SceneParameters) -> Scene:
    """The scene that follows from the parameters; the same parameters give the same scene."""
    return MAKERS[parameters.kind](parameters)
