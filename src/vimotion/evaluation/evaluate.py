"""The benchmarks: every contestant answers the same examples, each answer is judged, and all of it is kept.

outcomes.jsonl  one line an answer, written a batch at a time: an interrupted run goes on after the last whole batch
samples/        motions of the first examples, see `samples.py`
results.json    settings, what was measured, where it came from, and the summary
results.md      the summary as tables
plots/, page/   pictures of the summary; the samples side by side
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from vimotion.artifacts import atomic_path, fingerprint, run_folder, vimotion_home, write_manifest
from vimotion.choreography import KINDS
from vimotion.config import Config
from vimotion.corpora import Store, open_store
from vimotion.corpora.store import corpus_hash
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Answer, Contestant, Reconstruction
from vimotion.evaluation.crowd import (
    Measures,
    Truth,
    found_by_text,
    judged_measures,
    motion_measures,
    text_measures,
    variety,
)
from vimotion.evaluation.distribution import OFFICIAL_PROTOCOL, Protocol
from vimotion.evaluation.entered import CONTESTANTS, check_models, folders_of, make_contestant
from vimotion.evaluation.examples import IN_WORDS, LONGEST, QUESTIONS, TASKS, Example, make_examples
from vimotion.evaluation.explanations import Embed
from vimotion.evaluation.extractor import Extractor, load_extractor
from vimotion.evaluation.llm_judge import Judge
from vimotion.evaluation.outcomes import Line, Outcomes, pack, unpack
from vimotion.evaluation.page import write_page
from vimotion.evaluation.plots import draw_plots
from vimotion.evaluation.report import check_alike, compare, differences, summarise, table
from vimotion.evaluation.roles import role_examples
from vimotion.evaluation.samples import GIVEN, Sample, keep_motion, sample, write_index
from vimotion.evaluation.scoring import complete, failed, score
from vimotion.evaluation.sentences import SentenceEncoder
from vimotion.inter_mt2.conversations import open_conversations
from vimotion.intergen import Sampler
from vimotion.llm.client import ServerConfig
from vimotion.motion import Interaction

RESULTS, TABLE = "results.json", "results.md"
# The code of who is measured, here and in other rooms; what measures when the outcomes are there, and what only shows: both may
# change without a new answer. All else in this room judges, by what the other rooms say of motions and scenes.
_ANSWERING = ("contestants.py", "entered.py", "generator_contestants.py", "language_contestants.py", "text_model.py")
_ANSWERING_ROOMS = ("chat", "intergen", "language", "llm", "tokenizer", "weights.py")
_MEASURING = ("captions.py", "crowd.py", "distribution.py", "llm_judge.py")
_SHOWING = ("clips.py", "page.py", "plots.py", "report.py")
_JUDGING_ROOMS = ("choreography", "corpora", "inter_mt2", "motion", "tasks")
# What of a recipe, and of what stands in results.json, may change without a new answer; the models stand in each outcome.
_NOT_ASKED: dict[str, Any] = dict.fromkeys((
    "name", "contestants", "tasks", "model", "models", "tokenizer", "extractor", "seeds", "varied_seeds", "protocol",
    "likeness", "judge", "compared",
), True) | {"generator": {"model"}}  # fmt: skip
_MEASURED_BY = {"models", "measures", "protocol", "language_judge"}


class EvaluateRecipe(Config):
    """What is measured.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        split: the examples are drawn from it.
        contestants, tasks: who, and on what.
        conversations: for "role" a store of `vimotion synthesize` about the corpus; a relative path lies under the VIMotion
            home.
        model: a model folder or a run's name; None is the model that comes with VIMotion.
        models: others that take part, by a name of yours: folders or runs, such as that of `vimotion train align`. Of several
            trainings each answers with another one of `seeds`.
        generator: of "intergen" and "chain", and how it is sampled.
        text_model: of "chain"; None is SmolLM2-135M-Instruct on this machine, fetched at first use.
        tokenizer: folder of the codec for "reconstruction"; None takes the model's own.
        retrieval_clips: at most so many training clips are looked at by "retrieval".
        kinds: interactions that the examples are about; empty means all. A model is compared on those that it was taught.
        examples: how many of each task.
        example_seed: which ones; seeds: of the contestants' draws.
        varied_seeds: of further draws in text_to_motion, for its multimodality alone.
        batch: answers at a time. A batch of which an answer is missing is answered anew as a whole.
        samples: examples of each task whose answers are kept as motions.
        extractor: its folder or the name of its run; None is the one that comes with VIMotion.
        protocol: of the measures by embeddings: ours, or InterGen's scales ("official"). Fewer examples than a batch of the
            protocol make that batch smaller.
        likeness: whether answers in words are also compared as sentences, by a small model that is fetched at first use; it
            judges "explanation" in any case.
        judge: the language model that judges answers to questions; without one that is not measured. Its `tries` count
            replies that cannot be read, too.
        compared: pairs of contestants whose difference is told, with its interval.
    """

    name: str = "evaluate"
    corpus: Path = Path("corpora/scripted")
    split: str = "test"
    contestants: tuple[str, ...] = CONTESTANTS
    tasks: tuple[str, ...] = tuple(task for task in TASKS if task != "role")
    conversations: Path | None = None
    model: str | None = None
    models: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    generator: Sampler = Sampler()
    text_model: ServerConfig | None = None
    tokenizer: Path | None = None
    retrieval_clips: int = Field(default=100_000, gt=0)
    kinds: tuple[str, ...] = ()
    examples: int = Field(default=212, gt=1)
    example_seed: int = 20_250
    seeds: tuple[int, ...] = (0, 1, 2)
    varied_seeds: tuple[int, ...] = ()
    batch: int = Field(default=16, gt=0)
    samples: int = Field(default=4, ge=0)
    extractor: Path | None = None
    protocol: Literal["standard", "official"] = "standard"
    likeness: bool = True
    judge: ServerConfig | None = None
    compared: tuple[tuple[str, str], ...] = ()


def evaluate(recipe: EvaluateRecipe, output: Path | None = None, against: Path | None = None) -> dict[str, Any]:
    """Run the benchmarks, or what is left of them, and write the results.

    Args:
        against: results.json of another run; the tables then also tell what is more or less than there.

    Raises:
        UserError: a contestant, task or corpus that is not there; a folder with outcomes of other settings; or a run to
            compare with that was not measured alike.
    """
    _check(recipe)
    folder = output or run_folder(recipe.name)
    store = open_store(vimotion_home() / recipe.corpus)
    extractor = load_extractor(recipe.extractor)
    if extractor.config.max_frames < LONGEST:
        raise UserError(f"The extractor reads {extractor.config.max_frames} frames, and examples have up to {LONGEST}.")
    origin = _origin(recipe, store, extractor)
    header = {"recipe": recipe.model_dump(mode="json"), **origin}
    other = _read_results(against) if against else None
    if other:
        check_alike(header, other)
    contestants = [make_contestant(name, recipe, store) for name in recipe.contestants]
    decisive = {"recipe": recipe.model_dump(mode="json", exclude=_NOT_ASKED), "torch": torch.__version__}
    decisive |= {name: value for name, value in origin.items() if name not in _MEASURED_BY}
    run = _Run(recipe, folder, extractor, Outcomes(folder, decisive), origin["models"])
    entered = {task: [one for one in contestants if task in one.tasks] for task in recipe.tasks}
    # all of them first: what the corpus lacks is said before an hour of answers
    examples = {task: _examples(task, store, recipe) for task in recipe.tasks if entered[task]}
    crowds, lines = {}, []
    samples: list[Sample] = []
    for task, asked in examples.items():
        run.answer(entered[task], asked)
        lines += run.lines(entered[task], asked)
        crowds[task] = run.measure_together(entered[task], asked)
        samples += run.samples(entered[task], asked)
    write_index(folder, samples)
    compared = compare(lines, recipe.compared)
    results = {**header, "summary": summarise(lines, crowds), "compared": compared, **_codec_errors(contestants, store, recipe)}
    with atomic_path(folder / RESULTS) as path:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    against_it = {"against": {"name": str(against), "differences": differences(results, other)}} if other else {}
    with atomic_path(folder / TABLE) as path:
        path.write_text(table({**results, **against_it}, recipe), encoding="utf-8")
    draw_plots(results, folder / "plots")
    write_page(folder, results)
    made_of = {part: folder for name in recipe.contestants for part, folder in folders_of(name, recipe).items()}
    parents = {"corpus": store.folder, **made_of}
    write_manifest(folder, "evaluation", recipe.model_dump(mode="json"), recipe.example_seed, parents)
    return {"folder": str(folder), **results}


class _Run:
    """What answering and measuring needs: settings, extractor, the outcomes so far, and what each contestant is made of.

    Raises:
        UserError: there are outcomes of a contestant that was made of something else.
    """

    def __init__(
        self, recipe: EvaluateRecipe, folder: Path, extractor: Extractor, outcomes: Outcomes, models: dict[str, dict[str, Any]]
    ) -> None:
        self.recipe, self.folder, self.extractor, self.outcomes, self._models = recipe, folder, extractor, outcomes, models
        for line in outcomes.lines:
            name, seed = line["contestant"], line["seed"]
            if name in models and seed in (*recipe.seeds, *recipe.varied_seeds) and line["by"] != self._by(name, seed):
                raise UserError(f"{folder} holds outcomes of another {name}; choose a new folder (--output).")
        explained = "explanation" in recipe.tasks
        encoder = SentenceEncoder() if explained or (recipe.likeness and set(recipe.tasks) & set(IN_WORDS)) else None
        self._encoder = encoder if recipe.likeness else None
        # all contestants are held against the same sentences
        self._embed: Embed | None = lru_cache(maxsize=4096)(encoder) if encoder else None

    def answer(self, entered: Sequence[Contestant], examples: Sequence[Example]) -> None:
        """Let contestants answer the batches that they have not answered yet, and judge them."""
        for number, example in enumerate(examples[: self.recipe.samples]):
            if example.given is not None:
                keep_motion(self.folder, example.task, number, GIVEN, example.given)
        for contestant in entered:
            for seed in (*self._seeds(contestant, examples[0].task), *self._varied_seeds(contestant, examples[0].task)):
                for first in range(0, len(examples), self.recipe.batch):
                    part = examples[first : first + self.recipe.batch]
                    if any(self.outcomes.find(contestant.name, example.id, seed) is None for example in part):
                        start = time.perf_counter()
                        self.outcomes.add(self._judged(contestant, part, first, seed))
                        each = (time.perf_counter() - start) / len(part)
                        told = f"{contestant.name}, {part[0].task}, seed {seed}: {first + len(part)} of {len(examples)}"
                        print(f"{told}, {each:.2f} s each", file=sys.stderr, flush=True)

    def measure_together(self, entered: Sequence[Contestant], examples: Sequence[Example]) -> dict[str, Measures]:
        """What is measured over all answers of each contestant to one benchmark."""
        truth, protocol, task = Truth.of(examples, self.extractor), _protocol(self.recipe), examples[0].task
        measured: dict[str, Measures] = {}
        if task not in IN_WORDS:
            for contestant in entered:
                seeds, varied = self._seeds(contestant, task), self._varied_seeds(contestant, task)
                vectors = self._vectors(contestant, examples, seeds)
                measured[contestant.name] = motion_measures(truth, vectors, protocol)
                if task in contestant.varied:
                    samples = np.concatenate([vectors, self._vectors(contestant, examples, varied)])
                    measured[contestant.name] |= variety(samples, protocol)
            return measured
        texts = {contestant.name: self._texts(contestant, examples) for contestant in entered}
        for name, answers in texts.items():
            measured[name] = text_measures(examples, answers, self._encoder)
            if task == "motion_to_text":
                measured[name] |= found_by_text(answers, truth, self.extractor, protocol)
        if task in QUESTIONS and self.recipe.judge is not None:
            for name, scores in judged_measures(examples, texts, Judge(self.recipe.judge)).items():
                measured[name] |= scores
        return measured

    def lines(self, entered: Sequence[Contestant], examples: Sequence[Example]) -> list[Line]:
        """The outcomes that count, of one benchmark."""
        return [
            self._line(contestant, example, seed)
            for contestant in entered
            for seed in self._seeds(contestant, examples[0].task)
            for example in examples
        ]

    def samples(self, entered: Sequence[Contestant], examples: Sequence[Example]) -> list[Sample]:
        """What samples.json says of the first examples."""
        return [
            sample(number, example, [self._line(contestant, example, self.recipe.seeds[0]) for contestant in entered])
            for number, example in enumerate(examples[: self.recipe.samples])
        ]

    def _seeds(self, contestant: Contestant, task: str) -> tuple[int, ...]:
        return self.recipe.seeds if task in contestant.drawn else self.recipe.seeds[:1]

    def _varied_seeds(self, contestant: Contestant, task: str) -> tuple[int, ...]:
        return self.recipe.varied_seeds if task in contestant.varied else ()

    def _by(self, contestant: str, seed: int) -> str:
        """What answers, as a hash; of several trainings the one whose turn it is."""
        parts = [part["sha256"] for part in self._models[contestant].values()]
        if len(self.recipe.models.get(contestant, ())) > 1 and seed in self.recipe.seeds:
            parts = [parts[self.recipe.seeds.index(seed)]]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    def _judged(self, contestant: Contestant, part: Sequence[Example], first: int, seed: int) -> list[Line]:
        """The outcomes of a batch that begins at the example numbered `first`; its samples are written before they are."""
        judged = [
            outcome_of(example, answer, self.extractor, self._embed) for example, answer in _answers(contestant, part, seed)
        ]
        vectors = self.extractor.embed_interactions([motion for _, motion in judged])
        lines = []
        for number, (example, (outcome, motion), vector) in enumerate(zip(part, judged, vectors, strict=True), start=first):
            if motion is not None:
                outcome["vector"] = pack(vector)
                if number < self.recipe.samples and seed == self.recipe.seeds[0]:
                    keep_motion(self.folder, example.task, number, contestant.name, motion)
            lines.append({
                "contestant": contestant.name, "task": example.task, "kind": example.kind, "example": example.id, "seed": seed,
                "by": self._by(contestant.name, seed), "text": example.asked,
                **({"detail": example.detail} if example.detail else {}), **outcome,
            })  # fmt: skip
        return lines

    def _line(self, contestant: Contestant, example: Example, seed: int) -> Line:
        line = self.outcomes.find(contestant.name, example.id, seed)
        assert line is not None
        return line

    def _vectors(self, contestant: Contestant, examples: Sequence[Example], seeds: Sequence[int]) -> np.ndarray:
        """(seeds, N, D): NaN of failed answers."""
        none = np.full(self.extractor.config.embedding, np.nan)
        rows = [[self._line(contestant, example, seed).get("vector") for example in examples] for seed in seeds]
        vectors = [[none if vector is None else unpack(vector) for vector in row] for row in rows]
        return np.array(vectors).reshape(len(seeds), len(examples), len(none))

    def _texts(self, contestant: Contestant, examples: Sequence[Example]) -> list[list[str]]:
        """Answers in words, of each training; "" of failed ones."""
        seeds = self._seeds(contestant, examples[0].task)
        return [[self._line(contestant, example, seed).get("answer", "") for example in examples] for seed in seeds]


def _answers(contestant: Contestant, part: Sequence[Example], seed: int) -> list[tuple[Example, Answer]]:
    return list(zip(part, contestant.answers(part, seed), strict=True))


def _examples(task: str, store: Store, recipe: EvaluateRecipe) -> list[Example]:
    drawn = (store, recipe.examples, recipe.example_seed, recipe.split, recipe.kinds)
    if task == "role":
        assert recipe.conversations is not None
        return role_examples(open_conversations(vimotion_home() / recipe.conversations), *drawn)
    return make_examples(task, *drawn)


def outcome_of(example: Example, answer: Answer, extractor: Extractor, embed: Embed | None) -> tuple[Line, Interaction | None]:
    """The outcome, and the motion where the answer is one."""
    if isinstance(answer, Exception):
        return failed(answer), None
    try:
        answer = complete(example, answer)
        if isinstance(answer, Interaction) and answer.num_frames > extractor.config.max_frames:
            raise ValueError(f"The answer has more than {extractor.config.max_frames} frames.")
    except ValueError as error:  # an answer without the form that the task needs
        return failed(error), None
    return score(example, answer, embed), None if isinstance(answer, str) else answer


def _protocol(recipe: EvaluateRecipe) -> Protocol:
    protocol = OFFICIAL_PROTOCOL if recipe.protocol == "official" else Protocol()
    return protocol.model_copy(update={"batch": min(protocol.batch, recipe.examples)})


def _read_results(path: Path) -> dict[str, Any]:
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There are no results {path}; name the results.json of a finished run.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"The results {path} cannot be read: {error}.") from None
    return results


def _codec_errors(contestants: Sequence[Contestant], store: Store, recipe: EvaluateRecipe) -> dict[str, Any]:
    """What the codec loses on as many held-out clips, millimetres; for motion files see tools/measure_tokenizer.py."""
    from vimotion.tokenizer.quality import reconstruction_errors

    for contestant in contestants:
        if isinstance(contestant, Reconstruction):
            records = (store[index] for index in store.split(recipe.split)[: recipe.examples])
            clips = ((record.features, record.facts) for record in records if record.num_frames <= LONGEST)
            return {"codec": reconstruction_errors(contestant.tokenizer, clips)}
    return {}


def _check(recipe: EvaluateRecipe) -> None:
    entered = (*CONTESTANTS, *recipe.models)
    named = (
        (recipe.contestants, entered, "contestant"),
        (sum(recipe.compared, ()), recipe.contestants, "contestant"),
        (recipe.tasks, TASKS, "benchmark"),
        (recipe.kinds, KINDS, "kind"),
    )
    for chosen, known, what in named:
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise UserError(f"There is no {what} {unknown[0]!r}; choose {', '.join(known)}.")
    check_models(recipe.models, recipe.contestants, recipe.seeds)
    if "role" in recipe.tasks and recipe.conversations is None:
        raise UserError("Name in the recipe the store that role-play is drawn from (conversations); see `vimotion synthesize`.")
    if not recipe.seeds:
        raise UserError("At least one seed is needed.")
    if len({*recipe.seeds, *recipe.varied_seeds}) < len(recipe.seeds) + len(recipe.varied_seeds):
        raise UserError("A seed is named twice (seeds, varied_seeds); it would only make the same answers again.")


def _origin(recipe: EvaluateRecipe, store: Store, extractor: Extractor) -> dict[str, Any]:
    """Hashes of what is measured on, of what is measured, and of what measures."""
    conversations = vimotion_home() / recipe.conversations if recipe.conversations and "role" in recipe.tasks else None
    return {
        "corpus": {"folder": store.folder.name, **store.info, "sha256": corpus_hash(store.folder)},
        **({"conversations": {"folder": conversations.name, "sha256": corpus_hash(conversations)}} if conversations else {}),
        **_code_hashes(),
        "extractor": extractor.hash,
        "protocol": _protocol(recipe).model_dump(mode="json"),
        **({"language_judge": Judge(recipe.judge).identity} if recipe.judge else {}),
        "models": {name: _parts(name, recipe) for name in recipe.contestants},
    }


def _parts(name: str, recipe: EvaluateRecipe) -> dict[str, dict[str, str]]:
    """What a contestant is made of, by the part that it plays."""
    return {part: {"folder": folder.name, "sha256": fingerprint(folder)} for part, folder in folders_of(name, recipe).items()}


def _code_hashes() -> dict[str, str]:
    """Of everything that has a part in an outcome or a measure, so that those of two versions are never mixed."""
    room = Path(__file__).parent
    rest = (*_ANSWERING, *_MEASURING, *_SHOWING)
    parts = {
        "judge": [path for path in _sources(room) if path.name not in rest],
        "scenes": [path for other in _JUDGING_ROOMS for path in _sources(room.parent / other)],
        "answering": [
            *(room / name for name in _ANSWERING), *sorted((room / "prompts").glob("chain_*")),
            *(path for other in _ANSWERING_ROOMS for path in _sources(room.parent / other)),
        ],
        "measures": [*(room / name for name in _MEASURING)],
    }  # fmt: skip
    return {name: hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest() for name, paths in parts.items()}


def _sources(room: Path) -> Iterable[Path]:
    """Code, and the words that it reads."""
    found = sorted(room.rglob("*")) if room.is_dir() else [room]
    return [path for path in found if path.suffix in (".py", ".yaml", ".txt") and "prompts" not in path.parts]
