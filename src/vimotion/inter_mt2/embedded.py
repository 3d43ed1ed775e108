"""The embedded author, which needs no language model: conversations composed by a grammar from the facts of scripted scenes.

What is said of a motion is what the choreography knows of it. A draft follows from its seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from vimotion.inter_mt2.editing import write_editing
from vimotion.inter_mt2.reasoning import write_reasoning
from vimotion.inter_mt2.role import write_role
from vimotion.inter_mt2.schema import Draft, Seed
from vimotion.inter_mt2.script import Script
from vimotion.inter_mt2.story import write_story

_WRITERS = {"editing": write_editing, "reasoning": write_reasoning, "story": write_story, "role": write_role}


def write(seed: Seed) -> Draft:
    """A conversation of the seed's kind about its clip.

    Raises:
        UserError: the clip is no scripted scene.
    """
    script = Script(seed)
    _WRITERS[seed.kind](script)
    return script.draft()


def can_write(facts: Mapping[str, object]) -> bool:
    """Whether a clip with these facts is a scripted scene."""
    return bool(facts.get("told") and facts.get("parameters"))
