"""All stages in order: seeds, drafts, motions, checks, and the store.

Every stage but the first works in blocks of so many seeds, each a file that is there whole or not at all; so a run that was
killed goes on where it stopped, and shards share a folder.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from pydantic import Field

from vimotion.artifacts import fingerprint, vimotion_home
from vimotion.config import Config, load_config, save_config
from vimotion.corpora import open_store
from vimotion.corpora.store import read_records, read_rows, write_clips
from vimotion.errors import UserError
from vimotion.inter_mt2 import embedded
from vimotion.inter_mt2.batch_files import keep_batches, write_batches
from vimotion.inter_mt2.conversations import ConversationStore
from vimotion.inter_mt2.estimate import Estimate, estimate
from vimotion.inter_mt2.lines import read_lines, write_lines
from vimotion.inter_mt2.llm_author import AuthorConfig, LLMAuthor, Refused
from vimotion.inter_mt2.motions import GeneratorRecipe, Judge, Renderer
from vimotion.inter_mt2.rendered import Rendered
from vimotion.inter_mt2.report import make_report, measure_retrieval
from vimotion.inter_mt2.report_page import Picture, write_report
from vimotion.inter_mt2.retrieval import Captioned, Extractor, caption_ranks
from vimotion.inter_mt2.schema import Draft, Kind, Seed
from vimotion.inter_mt2.seeds import SHARES, make_seeds
from vimotion.inter_mt2.validator import Checked, ValidatorConfig, check
from vimotion.inter_mt2.writer import Origin, check_beforehand, origin_of, write_store
from vimotion.intergen import find_generator
from vimotion.llm.budget import Budget

RECIPE, ORIGIN, SEEDS, REQUESTS = "recipe.yaml", "origin.json", "seeds.jsonl", "requests.jsonl"
_FREE = "The embedded author asks no server and costs nothing"
# Captions that are read anew for each block.
_OTHERS = 1024


class SynthesizeRecipe(Config):
    """How a set of conversations is made.

    Attributes:
        name: of the folder of the stages, under `inter_mt2/` in the VIMotion home, and of the store, under `corpora/`.
        corpus: prepared store of the clips that are talked about; a relative path lies under the VIMotion home.
        count: conversations that are begun.
        shares: of the kinds of conversations, relative to one another.
        seed: of which clips are talked about.
        block: seeds in one file of a stage.
        author: "embedded", which needs scripted clips, or a language model behind a server.
        generator: None leaves all motions to the choreography.
        extractor: what motions are searched by, its folder or the name of its run; None is the one that comes with VIMotion,
            which knows the scripted corpus alone.
        terms: on what terms the output of the author and of the generator may be used, by their names.
        corpus_licence: on what terms the corpus may be used, where its info.json does not say it.
        licence: of the whole set, as the Hugging Face hub names it.
    """

    name: str = "inter-mt2"
    corpus: Path = Path("corpora/scripted")
    count: int = Field(default=1000, gt=0)
    shares: dict[Kind, float] = Field(default_factory=lambda: dict(SHARES))
    seed: int = 0
    block: int = Field(default=200, gt=0)
    author: Literal["embedded"] | AuthorConfig = "embedded"
    generator: GeneratorRecipe | None = None
    extractor: Path | None = None
    validator: ValidatorConfig = ValidatorConfig()
    terms: dict[str, str] = Field(default_factory=dict)
    corpus_licence: str = ""
    licence: str = "other"


class Progress(Protocol):
    """Told a stage's name, how many of this shard's conversations are through it, and how many there are."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


class Synthesis:
    """One set of conversations in the making."""

    def __init__(
        self,
        recipe: SynthesizeRecipe,
        load_extractor: Callable[[Path | None], Extractor],
        shard: tuple[int, int] = (1, 1),
        picture: Picture | None = None,
        judge: Judge | None = None,
    ) -> None:
        """Look at the work in the recipe's folder; `run` and `write_batches` begin it where there is none.

        Args:
            load_extractor: loads the recipe's extractor when it is needed.
            shard: (i, n) makes the i-th of n parts, i from 1 to n.
            picture: draws the motions of the report, see `write_report`.
            judge: looks whether motions show their scenes; needed where the recipe's generator has `draws`.

        Raises:
            UserError: the folder of this name holds another recipe's work, the corpus is not prepared, or it is not told on
                what terms the corpus or the output of the author or of the generator may be used.
        """
        if recipe.generator and recipe.generator.draws and judge is None:
            raise ValueError("Draws need a judge that looks at them.")
        self.recipe, self._load_extractor, self._picture, self._judge = recipe, load_extractor, picture, judge
        self.folder = vimotion_home() / "inter_mt2" / recipe.name
        self.output = vimotion_home() / "corpora" / recipe.name
        self.corpus = vimotion_home() / recipe.corpus
        self._check_folder()
        part, parts = shard
        self._blocks = range(0, len(self.seeds), recipe.block)
        self._mine = self._blocks[part - 1 :: parts]

    @cached_property
    def seeds(self) -> list[Seed]:
        """The first stage, kept once the work has begun; the same for every shard."""
        path, recipe = self.folder / SEEDS, self.recipe
        if path.is_file():
            return list(read_lines(path, Seed))
        fits = embedded.can_write if recipe.author == "embedded" else lambda facts: True
        return list(make_seeds(self.corpus, recipe.count, recipe.shares, recipe.seed, fits))

    def run(
        self,
        progress: Progress = lambda stage, done, total: None,
        max_requests: int | None = None,
        max_usd: float | None = None,
    ) -> ConversationStore | None:
        """Every stage that is not done; the store, or None while other shards have work to do (see `missing`).

        Args:
            max_requests, max_usd: of a language model that writes, see `Budget`.

        Raises:
            BudgetSpent, UserError: see `LLMAuthor.write_all`; what was done stays.
            UserError: there is no such generator or extractor; found before anything is asked for.
        """
        self._check_generator()
        self._check_extractor()
        self._begin()
        if self.recipe.author == "embedded":
            if max_requests is not None or max_usd is not None:
                raise UserError(f"{_FREE}; leave out what it may cost.")
            self._each_block("drafts", self._write_drafts, progress)
        else:
            asyncio.run(self._ask_for_drafts(progress, max_requests, max_usd))
        for stage, make in (("motions", self._render), ("checked", self._check)):
            self._each_block(stage, make, progress)
        return None if self.missing() else self._finish()

    def missing(self) -> int:
        """Conversations, of all shards, that are not through all stages."""
        return sum(len(self._seeds_of(block)) for block in self._blocks if not self._file("checked", block).is_file())

    def estimate(self) -> Estimate:
        """What the drafts of this shard are still going to cost."""
        author = self._author()
        return estimate((request for _, request in author.requests(self._undrafted())), author.config.prices)

    def write_batches(self, folder: Path) -> list[Path]:
        """The requests for the drafts of this shard as files of the Batch API; see `batch_files`.

        Raises:
            UserError: as `write_batches`; or there is no such generator.
        """
        self._check_generator()
        self._begin()
        return write_batches(self._author().requests(self._undrafted()), folder / REQUESTS)

    def read_batches(self, folder: Path) -> tuple[str, ...]:
        """Keep the replies that lie beside such files, in files of any other names; a sentence for each that cannot be read."""
        asked = sorted(folder.glob(f"{Path(REQUESTS).stem}-*.jsonl"))
        replies = [path for path in sorted(folder.glob("*.jsonl")) if path not in asked]
        if not asked or not replies:
            raise UserError(f"{folder} needs the files that --write-batches wrote and, beside them, those that came back.")
        return keep_batches(replies, asked, self._author().client.replies).problems

    # -- stages ------------------------------------------------------------------------------------------------------------

    def _check_folder(self) -> None:
        """Refuse a folder that was begun by others, and to begin one while something is lacking."""
        path, recipe, now = self.folder / RECIPE, self.recipe, self._origin
        if not path.is_file():
            author = recipe.author if recipe.author == "embedded" else recipe.author.model
            makers = [author, recipe.generator.model] if recipe.generator else [author]
            check_beforehand(self.output, now, makers)
            return
        if load_config(SynthesizeRecipe, path) != recipe:
            raise UserError(f"{self.folder} was begun with another recipe; give this one another name, or delete the folder.")
        begun = _read_origin(self.folder / ORIGIN)
        for what in ("corpus", "generator"):
            if getattr(begun, f"{what}_sha256") != getattr(now, f"{what}_sha256"):
                raise UserError(f"{self.folder} was begun with another {what}; take that one, or give the set another name.")

    def _begin(self) -> None:
        """Keep in the folder what the set is made from, the recipe, and the seeds."""
        if not (path := self.folder / RECIPE).is_file():
            write_lines([self._origin], self.folder / ORIGIN)
            save_config(self.recipe, path)
        if not (path := self.folder / SEEDS).is_file():
            write_lines(self.seeds, path)

    def _check_generator(self) -> None:
        if self.recipe.generator and not all(self._file("motions", block).is_file() for block in self._mine):
            self.recipe.generator.folder()

    def _check_extractor(self) -> None:
        if self.recipe.extractor and not all(self._file("checked", block).is_file() for block in self._mine):
            _ = self._extractor

    def _each_block(self, stage: str, make: Callable[[int], None], progress: Progress) -> None:
        total = self._seeds_in(len(self._mine))
        for number, block in enumerate(self._mine):
            if not self._file(stage, block).is_file():
                make(block)
            progress(stage, self._seeds_in(number + 1), total)

    def _write_drafts(self, block: int) -> None:
        write_lines(map(embedded.write, self._seeds_of(block)), self._file("drafts", block))

    async def _ask_for_drafts(self, progress: Progress, max_requests: int | None, max_usd: float | None) -> None:
        """All blocks at once; a block is written when its last seed is done."""
        undrafted, total = self._undrafted(), self._seeds_in(len(self._mine))
        place = {seed.id: number for number, seed in enumerate(self.seeds)}
        found: defaultdict[int, list[Draft | Refused]] = defaultdict(list)
        left = len(undrafted)

        def keep(one: Draft | Refused) -> None:
            nonlocal left
            block = place[one.id] // self.recipe.block * self.recipe.block
            found[block].append(one)
            if len(found[block]) == len(self._seeds_of(block)):
                self._keep_block(block, sorted(found.pop(block), key=lambda one: place[one.id]))
            left -= 1
            progress("drafts", total - left, total)

        author = self._author(max_requests, max_usd)
        async with author.client:
            await author.write_all(undrafted, keep)

    def _keep_block(self, block: int, found: Sequence[Draft | Refused]) -> None:
        # the drafts last: they say that the block is done
        write_lines((one for one in found if isinstance(one, Refused)), self._file("refused", block))
        write_lines((one for one in found if isinstance(one, Draft)), self._file("drafts", block))

    def _render(self, block: int) -> None:
        drafts, by_id = self._drafts(block), {seed.id: seed for seed in self._seeds_of(block)}
        rendered, records = self._renderer.render(drafts, [by_id[draft.id] for draft in drafts], self._lengths)
        write_clips(records, self._clips(block))
        write_lines(rendered, self._file("motions", block))

    def _check(self, block: int) -> None:
        seeds = {seed.id: seed for seed in self._seeds_of(block)}
        motions: defaultdict[str, list[Rendered]] = defaultdict(list)
        for motion in read_lines(self._file("motions", block), Rendered):
            motions[motion.draft].append(motion)
        ranks = self._ranks(block, [motion for found in motions.values() for motion in found])
        checked = []
        for draft in self._drafts(block):
            found = tuple(motions[draft.id])
            problems = check(draft, seeds[draft.id], found, ranks[draft.id], self.recipe.validator)
            checked.append(Checked(draft=draft, motions=found, ranks=ranks[draft.id], problems=tuple(problems)))
        write_lines((one for one in checked if one.problems), self._file("rejected", block))
        write_lines((one for one in checked if not one.problems), self._file("checked", block))

    def _ranks(self, block: int, motions: Sequence[Rendered]) -> defaultdict[str, dict[str, int]]:
        """Where the captions of motions that are not trusted come among others, by draft and caption."""
        wanted = {one.clip: one for one in motions if not one.failure and one.made_by not in self.recipe.validator.trusted}
        ranks: defaultdict[str, dict[str, int]] = defaultdict(dict)
        if not wanted:
            return ranks
        looking = [
            Captioned(record.id, wanted[record.id].caption, record.interaction())
            for record in read_records(self._clips(block))
            if record.id in wanted
        ]
        found = caption_ranks(self._extractor, looking, self._others, self.recipe.validator.pool)
        for one, rank in zip(looking, found, strict=True):
            ranks[wanted[one.id].draft][one.caption] = rank
        return ranks

    def _finish(self) -> ConversationStore:
        """The store and its report with a page.

        Raises:
            UserError: as `write_store`.
        """
        output = self.output
        origin = _read_origin(self.folder / ORIGIN)
        conversations = write_store(self.folder, output, origin, self.recipe.validator.similarity, self.corpus)
        motions, corpus = open_store(output), open_store(self.corpus)
        retrieval = measure_retrieval(conversations, motions, corpus, self._extractor)
        report = make_report(self.folder, conversations, retrieval)
        write_report(report, output, conversations, motions, corpus, self._picture)
        return conversations

    # -- what they work with -----------------------------------------------------------------------------------------------

    def _author(self, max_requests: int | None = None, max_usd: float | None = None) -> LLMAuthor:
        config = self.recipe.author
        if config == "embedded":
            raise UserError(f"{_FREE}; name a model under `author` in the recipe.")
        return LLMAuthor(config, Budget(config.prices, max_requests, max_usd))

    def _undrafted(self) -> list[Seed]:
        """Seeds of this shard whose block of drafts is not written."""
        return [seed for block in self._mine if not self._file("drafts", block).is_file() for seed in self._seeds_of(block)]

    @cached_property
    def _origin(self) -> Origin:
        """What a set that began now would be made from."""
        recipe = self.recipe
        origin = origin_of(self.corpus, recipe.terms, recipe.licence, recipe.corpus_licence)
        there = find_generator(recipe.generator.model) if recipe.generator else None
        made = recipe.model_dump(mode="json", exclude={"name", "block"})
        more = {"recipe": made, "generator_sha256": fingerprint(there) if there else ""}
        return origin.model_copy(update=more)

    @cached_property
    def _renderer(self) -> Renderer:
        wanted = self.recipe.generator
        if wanted is None:
            return Renderer()
        return Renderer(wanted.load(), wanted.model, wanted.diffused, wanted.draws, self._judge)

    @cached_property
    def _others(self) -> list[str]:
        """Captions of clips among which the motions of every block are looked for, whatever the block holds."""
        captions = sorted({caption for seed in self.seeds for caption in seed.captions})
        return [captions[number] for number in np.random.default_rng(0).permutation(len(captions))[:_OTHERS]]

    @cached_property
    def _extractor(self) -> Extractor:
        return self._load_extractor(self.recipe.extractor)

    @cached_property
    def _lengths(self) -> Mapping[str, int]:
        return {row["id"]: row["num_frames"] for row in read_rows(self.corpus, ["id", "num_frames"])}

    def _seeds_of(self, block: int) -> list[Seed]:
        return self.seeds[block : block + self.recipe.block]

    def _seeds_in(self, blocks: int) -> int:
        """Seeds of the first so many of this shard's blocks."""
        return sum(len(self._seeds_of(block)) for block in self._mine[:blocks])

    def _drafts(self, block: int) -> list[Draft]:
        return list(read_lines(self._file("drafts", block), Draft))

    def _file(self, stage: str, block: int) -> Path:
        return self.folder / stage / f"{block:06d}.jsonl"

    def _clips(self, block: int) -> Path:
        return self.folder / "motions" / f"clips-{block:06d}.parquet"


def _read_origin(path: Path) -> Origin:
    if not path.is_file():
        raise UserError(f"{path} is missing, which says what the set is made from; delete {path.parent} and make it anew.")
    return next(read_lines(path, Origin))
