"""What came of a set: what each stage kept and why, what the conversations are like, whether motions show their captions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.corpora import Store
from vimotion.corpora.store import SPLITS
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue
from vimotion.inter_mt2.lines import read_lines, read_stage
from vimotion.inter_mt2.llm_author import Refused
from vimotion.inter_mt2.rendered import Rendered
from vimotion.inter_mt2.retrieval import Captioned, Extractor, caption_ranks, recall
from vimotion.inter_mt2.schema import Draft, Seed
from vimotion.inter_mt2.validator import Checked
from vimotion.inter_mt2.writer import DUPLICATES
from vimotion.motion import FPS
from vimotion.tasks import MotionPart, TextPart

Report = dict[str, Any]
# Motions of a maker that look for their captions.
_LOOKING = 1000
# Sentences that show what a rule turned away; reasons why nothing was made of an author's replies.
_SENTENCES, _REASONS = 3, 10


def make_report(made: Path, conversations: ConversationStore, retrieval: Mapping[str, Any] | None = None) -> Report:
    """All figures of a set, as they stand in report.json.

    Args:
        made: the folder of the stages.
        conversations: what was written.
        retrieval: what `measure_retrieval` gave.
    """
    drafts, planned = Counter[str](), 0
    for draft in read_stage(made / "drafts", Draft):
        drafts[draft.author] += 1
        planned += len(draft.motions)
    rendered, failed = Counter[str](), Counter[str]()
    for motion in read_stage(made / "motions", Rendered):
        counter, name = (failed, motion.failure) if motion.failure else (rendered, motion.made_by)
        counter[name] += 1
    refused = Counter(one.reason for one in read_stage(made / "refused", Refused))
    checks = _checks(made)
    found = _Found()
    for one in conversations:
        found.add(one)
    return {
        "stages": {
            "seeds": sum(1 for _ in read_lines(made / "seeds.jsonl", Seed)),
            "drafts": drafts.total(),
            "passed": checks.passed.total(),
            "written": len(conversations),
        },
        "authors": {
            author: {"drafts": number, "passed": checks.passed[author], "written": found.counts["authors"][author]}
            for author, number in sorted(drafts.items())
        },
        "motions": {"planned": planned, "rendered": _sorted(rendered), "failed": _sorted(failed), **checks.motions()},
        "refused": dict(refused.most_common(_REASONS)),
        "rejections": checks.rejections(),
        "conversations": found.summary(),
        "asked": _sorted(checks.asked),
        "retrieval": {
            "as rendered": {maker: recall(ranks) for maker, ranks in sorted(checks.ranks.items())},
            **(retrieval or {}),
        },
    }


def measure_retrieval(
    conversations: ConversationStore, motions: Store, corpus: Store, extractor: Extractor, pool: int = 32, seed: int = 0
) -> Report:
    """How often a motion of the set retrieves its caption, by who made it; "corpus" are clips of the seeds' corpus.

    The motions of a maker look among captions of that maker's motions; a maker with fewer captions than a pool is left out.
    The other captions of a pool are not those by which the validator let a motion pass. Where it filtered, the figures are
    better than the maker is all the same: how good it is say those "as rendered".

    Args:
        motions: the prepared store of the new motions; corpus: that of the seeds.
    """
    random = np.random.default_rng(seed)
    found: defaultdict[str, dict[str, tuple[str, Store]]] = defaultdict(dict)
    for one in conversations:
        for motion in one.motions:
            found[motion.made_by][motion.id] = (motion.caption, corpus if motion.corpus else motions)
    measured = {}
    for maker, clips in sorted(found.items()):
        chosen = sorted(random.choice(sorted(clips), min(len(clips), _LOOKING), replace=False).tolist())
        looking = [Captioned(clip, clips[clip][0], clips[clip][1].by_id(clip).interaction()) for clip in chosen]
        if len({one.caption for one in looking}) >= pool:
            measured[maker] = recall(caption_ranks(extractor, looking, pool=pool, salt=f"report {seed}"))
    return {"in the set": measured}


@dataclass
class _Checks:
    """What the validator found, of all drafts."""

    passed: Counter[str] = field(default_factory=Counter)  # by author
    asked: Counter[str] = field(default_factory=Counter)
    edited: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by maker
    shown: defaultdict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))  # by maker
    ranks: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by maker
    broken: Counter[str] = field(default_factory=Counter)  # drafts by rule
    broken_alone: Counter[str] = field(default_factory=Counter)
    sentences: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def let_pass(self, one: Checked) -> None:
        self.passed[one.draft.author] += 1
        self.asked.update(one.draft.asked)
        for motion in _edited(one):
            self.edited[motion.made_by]["passed"] += 1

    def look_at(self, one: Checked) -> None:
        for motion in one.motions:
            if motion.caption in one.ranks:
                self.ranks[motion.made_by].append(one.ranks[motion.caption])
            if motion.shown is not None:
                self.shown[motion.made_by].append(motion.shown)
        for motion in _edited(one):
            self.edited[motion.made_by]["rendered"] += 1

    def reject(self, one: Checked) -> None:
        rules = {problem.rule for problem in one.problems}
        self.broken.update(rules)
        if len(rules) == 1:
            self.broken_alone.update(rules)
        for problem in one.problems:
            if len(said := self.sentences[problem.rule]) < _SENTENCES and problem.sentence not in said:
                said.append(problem.sentence)

    def motions(self) -> Report:
        """Of edited ones who made how many, and of those that were looked at the share that shows its scene."""
        edited = {
            maker: {name: counts[name] for name in ("rendered", "passed")} for maker, counts in sorted(self.edited.items())
        }
        return {"edited": edited, "shown": {maker: float(np.mean(shown)) for maker, shown in sorted(self.shown.items())}}

    def rejections(self) -> Report:
        return {
            rule: {"conversations": number, "alone": self.broken_alone[rule], "such_as": self.sentences[rule]}
            for rule, number in _sorted(self.broken).items()
        }


def _checks(made: Path) -> _Checks:
    checks = _Checks()
    for one in read_stage(made / "checked", Checked):
        checks.let_pass(one)
        checks.look_at(one)
    for one in read_stage(made / "rejected", Checked):
        checks.reject(one)
        checks.look_at(one)
    for one in read_lines(made / DUPLICATES, Checked):
        checks.reject(one)
    return checks


def _edited(one: Checked) -> list[Rendered]:
    """The motions that are changed versions of others."""
    captions = {planned.caption for planned in one.draft.motions if planned.edited}
    return [motion for motion in one.motions if motion.caption in captions and motion.made_by]


@dataclass
class _Found:
    """What the conversations that were written are like."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lengths: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, one: Dialogue) -> None:
        roles = Counter(message.role for message in one.conversation.messages)
        for name, value in (
            ("kinds", one.kind),
            ("authors", one.author),
            ("splits", one.split),
            ("user_turns", str(roles["user"])),
        ):
            self.counts[name][value] += 1
        self.counts["motions"].update(motion.made_by for motion in one.motions)
        self.counts["motions_each"][str(len(one.motions))] += 1
        frames = {motion.id: motion.num_frames for motion in one.motions}
        for message in one.conversation.messages:
            words = sum(len(part.text.split()) for part in message.parts if isinstance(part, TextPart))
            self.lengths[f"words of a message, {message.role}"].append(words)
            for part in message.parts:
                if isinstance(part, MotionPart):
                    stop = frames[part.motion] if part.stop is None else part.stop
                    self.lengths["seconds of a motion, as shown"].append((stop - part.start) / FPS)
        self.lengths["words of a caption"] += [len(motion.caption.split()) for motion in one.motions]
        self.lengths["words of a conversation"].append(sum(len(text.split()) for text in _said(one)))

    def summary(self) -> Report:
        counts: Report = {name: dict(sorted(counter.items())) for name, counter in self.counts.items()}
        counts["splits"] = {split: self.counts["splits"][split] for split in SPLITS}
        return {**counts, "lengths": {name: _spread(values) for name, values in sorted(self.lengths.items())}}


def _said(one: Dialogue) -> Iterable[str]:
    return (part.text for message in one.conversation.messages for part in message.parts if isinstance(part, TextPart))


def _spread(values: Sequence[float]) -> dict[str, float]:
    shown = {"p5": 5, "median": 50, "p95": 95, "longest": 100}
    return {"mean": float(np.mean(values)), **{name: float(np.percentile(values, share)) for name, share in shown.items()}}


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
