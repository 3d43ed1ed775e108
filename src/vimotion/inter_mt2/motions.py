"""The third stage: the motions that the captions of drafts stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from vimotion.choreography import Act, SceneParameters, make_scene
from vimotion.config import Config
from vimotion.corpora.store import Record, record_features
from vimotion.errors import UserError
from vimotion.inter_mt2.rendered import CHOREOGRAPHY, CORPUS, Rendered
from vimotion.inter_mt2.schema import Draft, Planned, Seed
from vimotion.intergen import MotionGenerator, find_generator
from vimotion.intergen.diffusion import Solver
from vimotion.motion import FPS, Interaction

# Frames of a motion.
_SHORTEST, _LONGEST = 16, 300


class GeneratorRecipe(Config):
    """The motion generator that renders captions.

    Attributes:
        model: a generator's folder, the name of its run, or "intergen".
        guidance, steps, solver: see `MotionGenerator.sample`; without `guidance` the generator's own.
        diffused: of the edited motions that the choreography could make as well, it makes this share; the paper's made all.
    """

    model: str = "intergen"
    guidance: float | None = None
    steps: int = Field(default=20, gt=0)
    solver: Solver = "dpm++"
    diffused: float = Field(default=0.5, ge=0, le=1)


class Generator(Protocol):
    """What makes motions from captions alone, such as `intergen.MotionGenerator.sample` with its settings."""

    def __call__(self, captions: Sequence[str], num_frames: Sequence[int], seeds: Sequence[int]) -> list[Interaction]: ...


def generator_folder(recipe: GeneratorRecipe) -> Path:
    """Where the generator lies that a recipe names.

    Raises:
        UserError: there is none of this name.
    """
    folder = find_generator(recipe.model)
    if folder is None:
        raise UserError(f"There is no motion generator {recipe.model!r}: name its folder or its run, or train one.")
    return folder


def load_generator(recipe: GeneratorRecipe) -> Generator:
    """The generator that a recipe names.

    Raises:
        UserError: there is none of this name, or it cannot be loaded.
    """
    sample = MotionGenerator.load(generator_folder(recipe)).sample
    return partial(sample, guidance=recipe.guidance, steps=recipe.steps, solver=recipe.solver)


@dataclass(frozen=True)
class Renderer:
    """How new motions are made.

    Attributes:
        generator: None where there is none: then all is made by the choreography.
        name: of the generator.
        diffused: share of the edited motions with a scripted scene that the generator makes all the same, as in the paper,
            where it made all.
    """

    generator: Generator | None = None
    name: str = ""
    diffused: float = 0.5

    def render(
        self, drafts: Sequence[Draft], seeds: Sequence[Seed], lengths: Mapping[str, int]
    ) -> tuple[list[Rendered], list[Record]]:
        """What each planned motion of the drafts became, and the new clips among them.

        Args:
            seeds: of the drafts.
            lengths: frames of the clips of the seeds' corpus.

        A motion follows from its draft and caption alone, not from what is rendered beside it (but for the last bits of
        float32).
        """
        plans = [
            (draft, seed, number, planned)
            for draft, seed in zip(drafts, seeds, strict=True)
            for number, planned in enumerate(draft.motions)
        ]
        asked = [plan for plan in plans if self._maker(plan[0], plan[3]) == self.name]
        diffused = iter(self._diffuse(asked))
        rendered, records = [], []
        for draft, seed, number, planned in plans:
            maker = self._maker(draft, planned)
            made = Rendered(draft=draft.id, caption=planned.caption, made_by=maker)
            if not maker:
                made = made.model_copy(update={"failure": "nobody can make it: it has no scene, and no generator is named"})
            elif maker == CORPUS:
                made = made.model_copy(update={"clip": planned.clip, "num_frames": lengths[planned.clip]})
            else:
                motion = next(diffused) if maker == self.name else make_scene(scene_parameters(planned.scene or {})).interaction
                records.append(record := _record(f"{draft.id}.{number}", seed, planned, motion))
                made = made.model_copy(update={"clip": record.id, "num_frames": record.num_frames})
            rendered.append(made)
        return rendered, records

    def _maker(self, draft: Draft, planned: Planned) -> str:
        """Who makes a motion; "" where nobody can."""
        by_generator = planned.edited and _number(draft.id, planned.caption) % 1000 < 1000 * self.diffused
        if self.generator and (by_generator or not (planned.clip or planned.scene)):
            return self.name
        return CORPUS if planned.clip else CHOREOGRAPHY if planned.scene else ""

    def _diffuse(self, plans: Sequence[tuple[Draft, Seed, int, Planned]]) -> list[Interaction]:
        if not plans or self.generator is None:
            return []
        frames = [round((planned.seconds or seed.seconds) * FPS) for _, seed, _, planned in plans]
        return self.generator(
            [planned.caption for *_, planned in plans],
            [min(max(number, _SHORTEST), _LONGEST) for number in frames],
            [_number(planned.caption, draft.id) for draft, _, _, planned in plans],
        )


def scene_parameters(told: dict[str, Any]) -> SceneParameters:
    """The parameters of a scripted scene from what a corpus keeps of them."""
    acts = tuple(Act(**act) for act in told["acts"])
    return SceneParameters(**{**told, "acts": acts, "manners": tuple(told["manners"]), "postures": tuple(told["postures"])})


def _record(identifier: str, seed: Seed, planned: Planned, motion: Interaction) -> Record:
    return Record(
        id=identifier, split=seed.split, source=seed.source, features=record_features(motion), captions=(planned.caption,)
    )


def _number(*texts: str) -> int:
    """A number that follows from texts, of 32 bits."""
    return int.from_bytes(hashlib.sha256("\n".join(texts).encode()).digest()[:4])
