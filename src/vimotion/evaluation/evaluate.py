"""The benchmarks: every contestant answers the same examples, each answer is judged, and all of it is kept.

outcomes.jsonl  one line an answer, written at once: an interrupted run goes on after the last line
results.json    settings, what was measured, where it came from, and the summary
results.md      the summary as a table
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from vimotion.artifacts import atomic_path, fingerprint, run_folder, vimotion_home, write_manifest
from vimotion.choreography import KINDS
from vimotion.config import Config
from vimotion.corpora import Store, open_store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import (
    Answer,
    Contestant,
    ModelContestant,
    Reconstruction,
    Retrieval,
    Scripted,
    Standstill,
)
from vimotion.evaluation.examples import IN_WORDS, LONGEST, TASKS, Example, make_examples
from vimotion.evaluation.report import summarise, table
from vimotion.evaluation.scoring import failed, score

CONTESTANTS = ("model", "scripted", "reconstruction", "retrieval", "standstill")
OUTCOMES, RESULTS, TABLE = "outcomes.jsonl", "results.json", "results.md"


class EvaluateRecipe(Config):
    """What is measured.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        split: the examples are drawn from it.
        model: a model folder or a run's name; None is the model that comes with VIMotion.
        tokenizer: folder of the codec for "reconstruction"; None takes the model's own.
        contestants, tasks: who, and on what.
        kinds: interactions that the examples are about; empty means all. A model is compared on those that it was taught.
        examples: how many of each task.
        example_seed: which ones; seeds: of the contestants' draws.
        batch: answers at a time.
        retrieval_clips: at most so many training clips are looked at by "retrieval".
    """

    name: str = "evaluate"
    corpus: Path = Path("corpora/scripted")
    split: str = "test"
    model: str | None = None
    tokenizer: Path | None = None
    contestants: tuple[str, ...] = CONTESTANTS
    tasks: tuple[str, ...] = TASKS
    kinds: tuple[str, ...] = ()
    examples: int = Field(default=318, gt=0)
    example_seed: int = 20_250
    seeds: tuple[int, ...] = (0, 1, 2)
    batch: int = Field(default=16, gt=0)
    retrieval_clips: int = Field(default=100_000, gt=0)


def evaluate(recipe: EvaluateRecipe, output: Path | None = None) -> dict[str, Any]:
    """Run the benchmarks, or what is left of them, and write the results.

    Raises:
        UserError: a contestant, task or corpus that is not there; or a folder with outcomes of other settings.
    """
    _check(recipe)
    folder = output or run_folder(recipe.name)
    store = open_store(vimotion_home() / recipe.corpus)
    contestants = [_contestant(name, recipe, store) for name in recipe.contestants]
    origin = _origin(recipe, store)
    outcomes = _Outcomes(folder, {"recipe": recipe.model_dump(mode="json"), **origin})
    for task in recipe.tasks:
        entered = [contestant for contestant in contestants if task in contestant.tasks]
        drawn_from = store, recipe.examples, recipe.example_seed, recipe.split, recipe.kinds
        examples = make_examples(task, *drawn_from) if entered else []
        for contestant in entered:
            # a model's words are the likeliest ones, whatever the seed
            drawn = contestant.seeded and task not in IN_WORDS
            for seed in recipe.seeds if drawn else recipe.seeds[:1]:
                _answer(contestant, examples, seed, recipe.batch, outcomes)
    results = {**outcomes.header, "summary": summarise(outcomes.lines), **_codec_errors(contestants, store, recipe)}
    with atomic_path(folder / TABLE) as path:
        path.write_text(table(results, recipe), encoding="utf-8")
    with atomic_path(folder / RESULTS) as path:
        path.write_text(json.dumps({**results, "outcomes": outcomes.lines}, indent=1) + "\n", encoding="utf-8")
    model = {"model": _model_folder(recipe)} if _needs_model(recipe) else {}
    write_manifest(folder, "evaluation", recipe.model_dump(mode="json"), recipe.example_seed, {"corpus": store.folder, **model})
    return {"folder": str(folder), **results}


def _answer(contestant: Contestant, examples: Sequence[Example], seed: int, batch: int, outcomes: _Outcomes) -> None:
    """Let a contestant answer what it has not answered yet, and judge it."""
    left = [example for example in examples if not outcomes.has(contestant.name, example.id, seed)]
    for done in range(0, len(left), batch):
        part = left[done : done + batch]
        for example, answer in zip(part, contestant.answers(part, seed), strict=True):
            outcomes.add(contestant.name, example, seed, _judged(example, answer))
        finished = len(examples) - len(left) + done + len(part)
        print(f"{contestant.name}, {part[0].task}, seed {seed}: {finished} of {len(examples)}", file=sys.stderr, flush=True)


def _judged(example: Example, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Exception):
        return failed(answer)
    try:
        return score(example, answer)
    except ValueError as error:  # an answer without the form that the task needs
        return failed(error)


class _Outcomes:
    """The lines of outcomes.jsonl, read at the start and added to."""

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self.header = header
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / OUTCOMES
        self.lines: list[dict[str, Any]] = []
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()
        if self._path.exists():
            first, *lines = _complete_lines(self._path)
            if first != {"settings": digest}:
                raise UserError(f"{folder} holds outcomes of other settings, model or corpus; choose a new folder (--output).")
            self.lines = lines
        else:
            self._write({"settings": digest})
        self._known = {(line["contestant"], line["example"], line["seed"]) for line in self.lines}

    def has(self, contestant: str, example: str, seed: int) -> bool:
        return (contestant, example, seed) in self._known

    def add(self, contestant: str, example: Example, seed: int, outcome: dict[str, Any]) -> None:
        line = {
            "contestant": contestant, "task": example.task, "kind": example.kind, "example": example.id, "seed": seed,
            "text": example.text, **({"detail": example.detail} if example.detail else {}), **outcome,
        }  # fmt: skip
        self._write(line)
        self.lines.append(line)

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _complete_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; one cut off by an interruption is removed from it."""
    content = path.read_text(encoding="utf-8")
    whole = content[: content.rfind("\n") + 1]
    if whole != content:
        with atomic_path(path) as temporary:
            temporary.write_text(whole, encoding="utf-8")
    lines = whole.splitlines()
    if not lines:
        raise UserError(f"{path} is empty; remove it.")
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise UserError(f"{path} is damaged; choose a new folder (--output).") from None


def _contestant(name: str, recipe: EvaluateRecipe, store: Store) -> Contestant:
    if name == "scripted":
        return Scripted()
    if name == "standstill":
        return Standstill()
    if name == "retrieval":
        return Retrieval(store, recipe.retrieval_clips)
    if name == "reconstruction" and recipe.tokenizer is not None:
        from vimotion.tokenizer import MotionTokenizer

        return Reconstruction(MotionTokenizer.load(vimotion_home() / recipe.tokenizer))
    from vimotion.chat import load_model

    model = load_model(recipe.model)
    return ModelContestant(model) if name == "model" else Reconstruction(model.codec)


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
    named = (recipe.contestants, CONTESTANTS, "contestant"), (recipe.tasks, TASKS, "benchmark"), (recipe.kinds, KINDS, "kind")
    for chosen, known, what in named:
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise UserError(f"There is no {what} {unknown[0]!r}; choose {', '.join(known)}.")
    if not recipe.seeds:
        raise UserError("At least one seed is needed.")


def _origin(recipe: EvaluateRecipe, store: Store) -> dict[str, Any]:
    """Hashes of what is measured on, of what is measured, and of the code that judges."""
    origin = {"corpus": {"folder": store.folder.name, **store.info, "sha256": _info_hash(store)}, "judge": _judge_hash()}
    if recipe.tokenizer is not None:
        origin["tokenizer"] = fingerprint(vimotion_home() / recipe.tokenizer)
    if _needs_model(recipe):
        folder = _model_folder(recipe)
        origin["model"] = {"folder": folder.name, "sha256": fingerprint(folder)}
    return origin


def _needs_model(recipe: EvaluateRecipe) -> bool:
    return "model" in recipe.contestants or ("reconstruction" in recipe.contestants and recipe.tokenizer is None)


def _model_folder(recipe: EvaluateRecipe) -> Path:
    """Where `chat.load_model` finds the model."""
    from vimotion.chat.model import SHIPPED

    if recipe.model is None:
        return SHIPPED
    folder = Path(recipe.model).expanduser()
    return folder if folder.is_dir() else run_folder(recipe.model)


def _judge_hash() -> str:
    """Of everything in this room, so that no outcomes of two judges are ever mixed."""
    files = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".yaml"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _info_hash(store: Store) -> str:
    return hashlib.sha256(b"".join((store.folder / name).read_bytes() for name in ("info.json", "stats.json"))).hexdigest()
