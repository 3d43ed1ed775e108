"""Scripted two-person scenes with exact roles, events and edits: the corpus that needs no licence."""

from vimotion.choreography.kind import Kind
from vimotion.choreography.kinds import KINDS
from vimotion.choreography.parameters import Act, SceneParameters
from vimotion.choreography.sampling import Edit, plain_scene, possible_edits, sample_parameters
from vimotion.choreography.scene import Event, Scene
from vimotion.choreography.stage import Stage
from vimotion.motion import FPS

__all__ = [
    "KINDS", "Act", "Edit", "Event", "Kind", "Scene", "SceneParameters", "make_scene", "plain_scene", "possible_edits",
    "sample_parameters", "scene_seconds",
]  # fmt: skip


def make_scene(parameters: SceneParameters) -> Scene:
    """The scene that follows from the parameters; the same parameters give the same scene."""
    stage, end = _played(parameters)
    return stage.finish(end)


def scene_seconds(parameters: SceneParameters) -> float:
    """How long that scene lasts: known before its bodies are made, which takes nearly all of the time."""
    stage, end = _played(parameters)
    return stage.num_frames(end) / FPS


def _played(parameters: SceneParameters) -> tuple[Stage, float]:
    """Everything that happens, written into the scripts of the two people; and when it is over, script seconds."""
    kinds = [KINDS[act.kind] for act in parameters.acts]
    stage = Stage(parameters, kinds[0])
    end = stage.approach()
    for number, (act, kind) in enumerate(zip(parameters.acts, kinds, strict=True)):
        stage.take(number, act, kind)
        if number:
            end = stage.arrange(end)
        end = kind.play(stage, end)
    if parameters.ending == "part":
        end = stage.part(end)
    return stage, end
