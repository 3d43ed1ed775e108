"""The last stage: what passed becomes a prepared store of the new motions, and the conversations beside them.

    conversations-000000.parquet  see `conversations`
    clips-000000.parquet          the new motions that they show, see `corpora.store`
    info.json, stats.json         of a prepared store, with counts of the conversations
    README.md                     the data card

Splits are those of the clips that are talked about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import Field

from vimotion.artifacts import atomic_path, source_commit
from vimotion.config import Config
from vimotion.corpora.store import SPLITS, Record, finish_store, info_hash, prepared_info, read_info, read_records, write_clips
from vimotion.errors import UserError
from vimotion.inter_mt2.card import card
from vimotion.inter_mt2.conversations import (
    ConversationStore,
    Dialogue,
    Motion,
    Provenance,
    open_conversations,
    write_conversations,
)
from vimotion.inter_mt2.duplicates import near_duplicates
from vimotion.inter_mt2.lines import line_files, read_lines, write_lines
from vimotion.inter_mt2.rendered import CHOREOGRAPHY, CORPUS
from vimotion.inter_mt2.schema import SOURCE, Bracket, Line, Seed, pieces
from vimotion.inter_mt2.store_check import check_store
from vimotion.inter_mt2.validator import Checked, Problem, shown_frames
from vimotion.motion import FPS
from vimotion.tasks import Conversation, Message, MotionPart, TextPart

NAME = "inter-mt2"
DUPLICATES = "duplicates.jsonl"
# On what terms our own parts are used.
TERMS = {
    "embedded": "sentences from the templates of VIMotion, Apache-2.0",
    CHOREOGRAPHY: "motion scripted by VIMotion, no motion of third parties is in it, Apache-2.0",
}


class Origin(Config):
    """What a set was made from, and on what terms.

    Attributes:
        corpus: name of the corpus that the seeds were taken from.
        corpus_sha256: tells its versions apart, see `info_hash`.
        corpus_licence: its terms.
        terms: of each author and generator by name: what it is or was trained with, and how its output may be used.
        licence: of the whole, as the Hugging Face hub names it.
        code: commit of the code that the set was begun with.
        recipe: of the set, but for its name and how many seeds lie in a file.
        generator_sha256: of the generator's folder, where there is one.
    """

    corpus: str
    corpus_sha256: str
    corpus_licence: str
    terms: dict[str, str] = TERMS
    licence: str = "other"
    code: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)
    generator_sha256: str = ""


@dataclass
class _Written:
    """What was written so far: counts for the card, and the file of each new clip, with its split and source."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    clips: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def origin_of(corpus: Path, terms: Mapping[str, str], licence: str = "other", corpus_licence: str = "") -> Origin:
    """The origin of a set whose seeds are clips of the prepared corpus in a folder.

    Args:
        terms: of authors and generators that are not ours.
        licence: of the whole set.
        corpus_licence: the corpus' terms, where its info.json does not say them.

    Raises:
        UserError: the corpus is not prepared, or nobody says its licence.
    """
    info = prepared_info(corpus)
    if not (corpus_licence := corpus_licence or info.get("licence", "")):
        raise UserError(f"Nobody says on what terms {corpus} may be used; set `corpus_licence` in the recipe.")
    return Origin(
        corpus=info["corpus"],
        corpus_sha256=info_hash(corpus),
        corpus_licence=corpus_licence,
        terms={**TERMS, **terms},
        licence=licence,
        code=source_commit() or "",
    )


def check_beforehand(output: Path, origin: Origin, makers: Iterable[str]) -> None:
    """Find what would stop `write_store` before the conversations are made, and paid for.

    Args:
        makers: names of the authors and generators that are going to work.

    Raises:
        UserError: `output` holds something else, or somebody's terms are not told.
    """
    _check_replaceable(output)
    _check_terms(origin, makers)


def write_store(
    made: Path, output: Path, origin: Origin, similarity: float = 0.9, corpus: Path | None = None
) -> ConversationStore:
    """Write the store of everything that passed and repeats nothing; an earlier store in its place is replaced.

    The same lines give the same conversations, however they are spread over files. What repeats another conversation is
    listed in `duplicates.jsonl` in `made`.

    Args:
        made: the folder of the stages: `seeds.jsonl`, `checked/*.jsonl`, `motions/clips-*.parquet`.
        output: the folder to make.
        similarity: see `ValidatorConfig`.
        corpus: folder of the corpus; with it every row is looked at before the store takes its place, see `check_store`.

    Raises:
        UserError: a stage is missing, a motion is missing, somebody's terms are not told, a row is not as it has to be, or
            `output` holds something else.
    """
    _check_replaceable(output)
    seeds = {seed.id: seed.model_copy(update={"facts": {}}) for seed in read_lines(made / "seeds.jsonl", Seed)}
    files = line_files(made / "checked")
    repeats = near_duplicates(_texts(files), similarity)
    written = _Written()
    with atomic_path(output) as folder:
        folder.mkdir()
        for path in files:
            passed = [one for one in read_lines(path, Checked) if one.draft.id not in repeats]
            dialogues = [_dialogue(one, seeds, origin, f"clips-{path.stem}.parquet") for one in passed]
            _count(dialogues, origin, written)
            if dialogues:
                write_conversations(dialogues, folder / f"conversations-{path.stem}.parquet")
        _copy_clips(made / "motions", folder, written)
        finish_store(folder, _info(written, origin), card)
        if corpus and (wrong := check_store(folder, corpus)):
            raise UserError(f"{output} would have {len(wrong)} faults, such as: {wrong[0]}")
    write_lines(_repeated(files, repeats), made / DUPLICATES)
    return open_conversations(output)


def _check_replaceable(output: Path) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / "info.json").is_file() or read_info(output).get("corpus") != NAME:
        raise UserError(f"{output} holds something else; choose a new folder for the conversations.")


def _check_terms(origin: Origin, makers: Iterable[str]) -> None:
    for name in makers:
        if name not in origin.terms:
            raise UserError(f"It is not told on what terms the output of {name!r} may be used; name them under `terms`.")


def _texts(files: list[Path]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in files:
        for one in read_lines(path, Checked):
            if one.draft.id in texts:
                raise UserError(f"{one.draft.id} passed the check twice, also in {path}; delete one of the two files.")
            texts[one.draft.id] = "\n".join(line.text for line in one.draft.messages)
    return texts


def _repeated(files: list[Path], repeats: Mapping[str, str]) -> Iterator[Checked]:
    for path in files:
        for one in read_lines(path, Checked):
            if other := repeats.get(one.draft.id):
                problem = Problem(rule="duplicate", sentence=f"It says nearly the same as {other}.")
                yield one.model_copy(update={"problems": (problem,)})


def _dialogue(checked: Checked, seeds: Mapping[str, Seed], origin: Origin, file: str) -> Dialogue:
    draft = checked.draft
    if draft.id not in seeds:
        raise UserError(f"{draft.id} was written from no seed of seeds.jsonl; make the later stages again.")
    seed = seeds[draft.id]
    clips = {SOURCE: seed.clip, **{motion.caption: motion.clip for motion in checked.motions}}
    frames = round(seed.seconds * FPS)
    motions = {seed.clip: Motion(seed.clip, origin.corpus, "", seed.captions[0] if seed.captions else "", CORPUS, frames)}
    for new in checked.motions:
        corpus, where = (origin.corpus, "") if new.made_by == CORPUS else ("", file)
        motions.setdefault(new.clip, Motion(new.clip, corpus, where, new.caption, new.made_by, new.num_frames))
    return Dialogue(
        id=draft.id,
        split=seed.split,
        source=seed.source,
        kind=draft.kind,
        author=draft.author,
        conversation=Conversation(tuple(_message(line, clips) for line in draft.messages), draft.kind),
        motions=tuple(motions.values()),
        provenance=Provenance(seed.clip, origin.corpus, origin.corpus_sha256, origin.code),
    )


def _message(line: Line, clips: Mapping[str, str]) -> Message:
    return Message(line.role, tuple(_part(piece, clips) for piece in pieces(line.text)))


def _part(piece: str | Bracket, clips: Mapping[str, str]) -> TextPart | MotionPart:
    if isinstance(piece, str):
        return TextPart(piece)
    return MotionPart(clips[piece.name], piece.people, *shown_frames(piece))


def _count(dialogues: list[Dialogue], origin: Origin, written: _Written) -> None:
    counts = written.counts
    for one in dialogues:
        counts["splits"][one.split] += 1
        counts["kinds"][one.kind] += 1
        counts["authors"][one.author] += 1
        counts["user_turns"][str(sum(message.role == "user" for message in one.conversation.messages))] += 1
        counts["motions"].update(motion.made_by for motion in one.motions)
        written.examples.setdefault(one.kind, one.texts())
        written.clips.update({motion.id: (motion.file, one.split, one.source) for motion in one.motions if motion.file})
        _check_terms(origin, [one.author, *(motion.made_by for motion in one.motions if motion.made_by != CORPUS)])


def _copy_clips(motions: Path, folder: Path, written: _Written) -> None:
    """The new motions that are shown, in files of the same names."""
    left = dict(written.clips)

    def shown() -> Iterator[tuple[str, Record]]:
        for record in read_records(motions):
            if record.id in left:
                file, split, source = left.pop(record.id)
                yield file, replace(record, split=split, source=source)

    for file, group in groupby(shown(), key=lambda pair: pair[0]):
        if (folder / file).exists():
            raise UserError(f"Motions of {file} lie in several files of {motions}; render them again.")
        write_clips((record for _, record in group), folder / file)
    if left:
        raise UserError(f"{motions} lacks {len(left)} motions that were rendered, such as {min(left)}; render them again.")
    if not any(split == "train" for _, split, _ in written.clips.values()):
        raise UserError("No conversation of the training split with a new motion passed the check; write more drafts.")


def _info(written: _Written, origin: Origin) -> dict[str, Any]:
    counts = {name: dict(sorted(counter.items())) for name, counter in written.counts.items()}
    counts["splits"] = {split: written.counts["splits"][split] for split in SPLITS}
    return {
        "corpus": NAME,
        "licence": origin.licence,
        "origin": origin.model_dump(),
        "conversations": {"number": written.counts["kinds"].total(), **counts},
        "examples": dict(sorted(written.examples.items())),
    }
