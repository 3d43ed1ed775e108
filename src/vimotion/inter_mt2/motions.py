"""The third stage: the motions that the captions of drafts stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from vimotion.choreography import Act, SceneParameters, make_scene
from vimotion.corpora.store import Record, record_features
from vimotion.inter_mt2.rendered import CHOREOGRAPHY, CORPUS, Rendered
from vimotion.inter_mt2.schema import Draft, Planned, Seed
from vimotion.intergen import Sample, Sampler
from vimotion.intergen.diffusion import DIFFUSION_STEPS, Solver
from vimotion.motion import FPS, Interaction

# Frames of a motion.
_SHORTEST, _LONGEST = 16, 300

# A motion's draft and seed, its place in the draft, and what is planned of it.
_Plan = tuple[Draft, Seed, int, Planned]


class GeneratorRecipe(Sampler):
    """The motion generator that renders captions.

    Attributes:
        diffused: of the edited motions that the choreography could make as well, it makes this share; the paper's made all.
        draws: where the scene of a motion is known, it is looked whether its acts are seen, and a motion that does not show
            them is made anew, from other noise, until it was made so many times. A conversation in which the last one still
            does not is turned away. 0 makes each once and does not look, as the paper did.
    """

    steps: int | None = Field(default=20, gt=0, le=DIFFUSION_STEPS)
    solver: Solver = "dpm++"
    diffused: float = Field(default=0.5, ge=0, le=1)
    draws: int = Field(default=0, ge=0)


class Judge(Protocol):
    """Whether a motion shows acts of these kinds in this order, such as `evaluation.judge.shows`."""

    def __call__(self, motion: Interaction, kinds: Sequence[str], /) -> bool: ...


@dataclass(frozen=True)
class Renderer:
    """How new motions are made.

    Attributes:
        generator: None where there is none: then all is made by the choreography.
        name: of the generator.
        diffused: share of the edited motions with a scripted scene that the generator makes all the same, as in the paper,
            where it made all.
        draws: see `GeneratorRecipe`.
        judge: needed where there are draws.
    """

    generator: Sample | None = None
    name: str = ""
    diffused: float = 0.5
    draws: int = 0
    judge: Judge | None = None

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
        asked = [plan for plan in plans if self.generator and self._maker(plan[0], plan[3]) == self.name]
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
                shown = None
                if maker == self.name:
                    motion, shown = next(diffused)
                else:
                    motion = make_scene(scene_parameters(planned.scene or {})).interaction
                records.append(record := _record(f"{draft.id}.{number}", seed, planned, motion))
                made = made.model_copy(update={"clip": record.id, "num_frames": record.num_frames, "shown": shown})
            rendered.append(made)
        return rendered, records

    def _maker(self, draft: Draft, planned: Planned) -> str:
        """Who makes a motion; "" where nobody can."""
        by_generator = planned.edited and _number(draft.id, planned.caption) % 1000 < 1000 * self.diffused
        if self.generator and (by_generator or not (planned.clip or planned.scene)):
            return self.name
        return CORPUS if planned.clip else CHOREOGRAPHY if planned.scene else ""

    def _diffuse(self, plans: Sequence[_Plan]) -> list[tuple[Interaction, bool | None]]:
        """Motions of the generator, and whether they show what they are to show, where somebody looks."""
        made = [(motion, self._shown(motion, plan)) for motion, plan in zip(self._drawn(plans, 0), plans, strict=True)]
        for draw in range(1, self.draws):
            anew = [number for number, (_, shown) in enumerate(made) if shown is False]
            for number, motion in zip(anew, self._drawn([plans[number] for number in anew], draw), strict=True):
                made[number] = (motion, self._shown(motion, plans[number]))
        return made

    def _drawn(self, plans: Sequence[_Plan], draw: int) -> list[Interaction]:
        if not plans or self.generator is None:
            return []
        frames = [round((planned.seconds or seed.seconds) * FPS) for _, seed, _, planned in plans]
        more = [str(draw)] if draw else []
        return self.generator(
            [planned.caption for *_, planned in plans],
            [min(max(number, _SHORTEST), _LONGEST) for number in frames],
            [_number(planned.caption, draft.id, *more) for draft, _, _, planned in plans],
        )

    def _shown(self, motion: Interaction, plan: _Plan) -> bool | None:
        scene = plan[3].scene
        if not self.draws or not scene:
            return None
        assert self.judge is not None
        return self.judge(motion, [act["kind"] for act in scene["acts"]])


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
