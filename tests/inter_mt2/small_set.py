"""A tiny corpus, and a tiny folder of stages about it, as the stages before the check leave them."""

from pathlib import Path

from poses import random_interaction

from vimotion.corpora import Record
from vimotion.corpora.store import finish_store, record_features, write_clips
from vimotion.inter_mt2.lines import write_lines
from vimotion.inter_mt2.rendered import Rendered
from vimotion.inter_mt2.schema import Draft, Line, Planned, Seed
from vimotion.inter_mt2.validator import Checked, Problem
from vimotion.motion import FPS

FRAMES = 60
SPLITS = ("train", "train", "val", "test")
_DEEDS = ("hug", "wave", "push", "kick", "bow", "chase", "dance", "slap")


def clip(identifier: str, split: str, source: str, number: int) -> Record:
    """A clip of `FRAMES` frames."""
    features = record_features(random_interaction(number, frames=FRAMES + 1, bend=0.2))
    return Record(identifier, split, source, features, (f"Two people {_DEEDS[number % 8]}.",))


def make_corpus(folder: Path) -> Path:
    """Four clips, each of a source of its own, and a second clip of the first source."""
    records = [clip(f"clip-{number}", split, f"clip-{number}", number) for number, split in enumerate(SPLITS)]
    records.append(clip("clip-0-edit", "train", "clip-0", 7))
    write_clips(records, folder / "clips-000000.parquet")
    finish_store(folder, {"corpus": "tiny", "licence": "CC0"})
    return folder


def seed(number: int, kind: str = "editing") -> Seed:
    return Seed(
        id=f"clip-{number}.{kind}", kind=kind, clip=f"clip-{number}", source=f"clip-{number}", split=SPLITS[number],
        captions=(f"Two people {_DEEDS[number]}.",), seconds=FRAMES / FPS,
    )  # fmt: skip


def draft(number: int, kind: str = "editing", author: str = "embedded") -> Draft:
    """One that holds a new motion, and of clip 0 also another clip of the corpus."""
    deed = _DEEDS[number]
    new = Planned(caption=f"Two people {deed} {kind} quickly.", edited=True)
    known = (Planned(caption="The edited one.", clip="clip-0-edit"),) if number == 0 else ()
    messages = (
        Line(role="user", text=f"Look at [source | a] where they {deed}. What if the two {deed} quickly, {kind}?"),
        Line(role="assistant", text=f"Now they {deed}. [{new.caption}]"),
        Line(role="user", text=f"And how did the {deed} look before, in this {kind}?"),
        Line(
            role="assistant", text="".join([f"[source | until 1 s] Like this, {deed}.", *(f"[{one.caption}]" for one in known)])
        ),
    )
    return Draft(
        id=f"clip-{number}.{kind}",
        kind=kind,
        author=author,
        messages=messages,
        motions=(new, *known),
        asked=("faster", "before"),
    )


def rendered(one: Draft) -> tuple[Rendered, ...]:
    """The first new motion by a generator."""
    return tuple(
        Rendered(
            draft=one.id, caption=motion.caption, clip=motion.clip or f"{one.id}.{place}",
            made_by="corpus" if motion.clip else "intergen", num_frames=FRAMES,
        )
        for place, motion in enumerate(one.motions)
    )  # fmt: skip


def checked(one: Draft, *problems: Problem) -> Checked:
    ranks = {motion.caption: 1 for motion in rendered(one) if motion.made_by != "corpus"}
    return Checked(draft=one, motions=rendered(one), ranks=ranks, problems=problems)


def make_stages(folder: Path, drafts: dict[str, list[Draft]], failed: list[Draft] = ()) -> Path:
    """The folder of the stages, from the drafts that pass in each block, and those of block 000000 that do not."""
    every = [one for block in drafts.values() for one in block] + list(failed)
    seeds = [seed(int(one.id[5]), one.kind) for one in every]
    write_lines(seeds, folder / "seeds.jsonl")
    splits = {one.id: (one.split, one.source) for one in seeds}
    for block, passing in drafts.items():
        failing = list(failed) if block == "000000" else []
        both = passing + failing
        write_lines(both, folder / "drafts" / f"{block}.jsonl")
        write_lines([motion for one in both for motion in rendered(one)], folder / "motions" / f"{block}.jsonl")
        new = [motion for one in both for motion in rendered(one) if motion.made_by != "corpus"]
        write_clips(
            [clip(motion.clip, *splits[motion.draft], 20 + number) for number, motion in enumerate(new)],
            folder / "motions" / f"clips-{block}.parquet",
        )
        write_lines(map(checked, passing), folder / "checked" / f"{block}.jsonl")
        problem = Problem(rule="sides", sentence="The <b>left</b> hand & the right one.")
        write_lines([checked(one, problem) for one in failing], folder / "rejected" / f"{block}.jsonl")
    return folder
