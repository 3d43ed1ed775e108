"""The report as a page: its figures as tables, and conversations drawn at random with pictures of their motions.

One folder that opens without a server and asks no other machine for anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.corpora import Store
from vimotion.corpora.store import write_json
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue, shown_words
from vimotion.inter_mt2.report import Report
from vimotion.motion import Interaction
from vimotion.tasks import MotionPart, TextPart

Picture = Callable[[Interaction, Path], None]
# Conversations that are shown.
_SAMPLES = 50
_STAGES = {
    "seeds": "given to an author",
    "drafts": "written",
    "passed": "passed the check",
    "written": "in the set, without repetitions",
}


def write_report(
    report: Report,
    folder: Path,
    conversations: ConversationStore,
    motions: Store,
    corpus: Store,
    picture: Picture | None = None,
    seed: int = 0,
) -> Path:
    """report.json in a folder, and `report/index.html` with its pictures; the path of the page. Earlier ones are replaced.

    `report/samples.jsonl` holds what the page shows without pictures, motions as their captions in brackets.

    Args:
        report: what `make_report` gave.
        motions: the prepared store of the new motions; corpus: that of the seeds.
        picture: draws a motion into a PNG file, as `formats.save_sheet` does; without it there are only texts.
        seed: of the drawing of samples.
    """
    write_json(folder / "report.json", report)
    drawn = np.random.default_rng(seed).permutation(len(conversations))[:_SAMPLES]
    with atomic_path(folder / "report") as page:
        page.mkdir()
        samples, lines = [], []
        for number, index in enumerate(sorted(drawn.tolist())):
            one = conversations[index]
            drawings = _Drawings(one, page, number, motions, corpus, picture)
            samples.append(_sample(one, drawings))
            lines.append(json.dumps(_line(one), ensure_ascii=False) + "\n")
        (page / "samples.jsonl").write_text("".join(lines), "utf-8")
        (page / "index.html").write_text(_page(report, samples), "utf-8", "xmlcharrefreplace")
    return folder / "report" / "index.html"


class _Drawings:
    """Pictures of the motions of one conversation, each part of a motion drawn once."""

    def __init__(self, one: Dialogue, page: Path, number: int, motions: Store, corpus: Store, picture: Picture | None) -> None:
        self._stores = {motion.id: corpus if motion.corpus else motions for motion in one.motions}
        self._page, self._number, self._picture = page, number, picture
        self._drawn: dict[MotionPart, str] = {}

    def of(self, part: MotionPart) -> str:
        """The file of a part's picture beside the page; "" where there are no pictures."""
        if self._picture is None:
            return ""
        if part not in self._drawn:
            motion = self._stores[part.motion].by_id(part.motion).interaction()
            motion = motion.frames(part.start, motion.num_frames if part.stop is None else part.stop)
            name = f"{self._number}-{len(self._drawn)}.png"
            self._picture(motion if part.people == "ab" else motion.person("ab".index(part.people)), self._page / name)
            self._drawn[part] = name
        return self._drawn[part]


def _page(report: Report, samples: Sequence[str]) -> str:
    template = (files("vimotion.inter_mt2") / "report.html").read_text("utf-8")
    return Template(template).substitute(
        policy=escape(_policy(template)),
        head=f"{report['stages']['written']:,} conversations about the motion of two people",
        figures="\n".join(_figures(report)),
        number=len(samples),
        samples="\n".join(samples),
    )


def _policy(template: str) -> str:
    """A Content-Security-Policy that lets nothing in but the page's own style and pictures."""
    style = "".join(re.findall(r"<style>(.*?)</style>", template, re.DOTALL))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _figures(report: Report) -> Iterator[str]:
    found, stages, motions = report["conversations"], report["stages"], report["motions"]
    heads: tuple[str, ...] = ("", "conversations", "of the seeds", "")
    rows = [(_STAGES[name], f"{number:,}", *_share(number, stages["seeds"])) for name, number in stages.items()]
    yield _table("Conversations by stage", heads, rows)
    yield _table("By author", ("", "written", "passed", "in the set"), [
        (name, *(f"{entry[stage]:,}" for stage in ("drafts", "passed", "written"))) for name, entry in report["authors"].items()
    ])  # fmt: skip
    yield _counts("Seeds of which no draft came", "why", "seeds", report["refused"])
    yield _rejections(report["rejections"], stages["drafts"])
    yield _counts("Motions that captions stand for", "made by", "motions", motions["rendered"])
    yield _counts("Motions that could not be made", "why", "motions", motions["failed"])
    yield _table("Edited motions", ("made by", "made", "let pass"), [
        (name, f"{entry['rendered']:,}", f"{entry['passed']:,}") for name, entry in motions["edited"].items()
    ])  # fmt: skip
    yield _table("Motions that show the acts of their scene, as rendered", ("made by", "share", ""), [
        (name, f"{share:.1%}", share) for name, share in motions["shown"].items()
    ])  # fmt: skip
    for when, makers in report["retrieval"].items():
        yield _retrieval(when, makers)
    yield _counts("Kinds", "kind", "conversations", found.get("kinds", {}))
    yield _counts("Splits", "split", "conversations", found["splits"])
    yield _counts("User turns", "turns", "conversations", found.get("user_turns", {}))
    yield _counts("Motions in a conversation", "motions", "conversations", found.get("motions_each", {}))
    yield _counts("What users ask for", "", "turns", report["asked"])
    yield _table("Lengths", ("", "mean", "5 %", "median", "95 %", "longest"), [
        (name, *(f"{spread[key]:.1f}" for key in ("mean", "p5", "median", "p95", "longest")))
        for name, spread in found["lengths"].items()
    ])  # fmt: skip


def _rejections(rejections: Mapping[str, Any], drafts: int) -> str:
    heads = ("rule", "conversations", "for this alone", "of the drafts", "", "such as")
    rows = []
    for rule, entry in rejections.items():
        number, alone = entry["conversations"], entry["alone"]
        rows.append((rule, f"{number:,}", f"{alone:,}", *_share(number, drafts), " · ".join(entry["such_as"])))
    return _table("Why conversations were left out", heads, rows, "reasons")


def _retrieval(when: str, makers: Mapping[str, Any]) -> str:
    rows = [
        (name, f"{entry['motions']:,}", *(f"{share:.1%}" for share in entry["recall"]), entry["recall"][-1])
        for name, entry in makers.items()
    ]
    return _table(f"Motions that retrieve their caption, {when}", ("made by", "motions", "R@1", "R@2", "R@3", ""), rows)


def _counts(caption: str, what: str, unit: str, counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return _table(caption, (what, unit, "share", ""), [(name, f"{n:,}", *_share(n, total)) for name, n in counts.items()])


def _share(part: int, whole: int) -> tuple[str, float]:
    return f"{part / max(whole, 1):.1%}", part / max(whole, 1)


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str | float]], style: str = "") -> str:
    """A table; the first cell of a row is its head, a number becomes a bar. Nothing where there are no rows."""
    if not rows:
        return ""
    body = "".join(f"<tr>{''.join(_cell(cell, number) for number, cell in enumerate(row))}</tr>" for row in rows)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    inside = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<table class="{style}">{inside}</table>'


def _cell(cell: str | float, number: int) -> str:
    if isinstance(cell, float):
        return f'<td><meter value="{cell:.4f}" aria-hidden="true"></meter></td>'
    return f"<td>{escape(cell)}</td>" if number else f'<th scope="row">{escape(cell)}</th>'


def _line(one: Dialogue) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "split": one.split,
        "author": one.author,
        "messages": [{"role": role, "text": text} for role, text in one.texts()],
        "motions": [{"caption": motion.caption, "made_by": motion.made_by} for motion in one.motions],
    }


def _sample(one: Dialogue, drawings: _Drawings) -> str:
    captions = {motion.id: motion for motion in one.motions}
    lines = []
    for message in one.conversation.messages:
        said = "".join(
            f"<span>{escape(part.text)}</span>" if isinstance(part, TextPart) else _motion(part, captions, drawings)
            for part in message.parts
        )
        lines.append(f'<div class="{message.role}"><b>{message.role}</b><p dir="auto">{said}</p></div>')
    about = f"{one.kind}, {one.split}, by {one.author}, about {one.provenance.clip}"
    return f'<article><h3>{escape(one.id)}</h3><p class="faint">{escape(about)}</p>{"".join(lines)}</article>'


def _motion(part: MotionPart, motions: Mapping[str, Any], drawings: _Drawings) -> str:
    motion = motions[part.motion]
    words = f"{motion.caption}{shown_words(part)}"
    file = drawings.of(part)
    image = f'<img src="{escape(file)}" alt="{escape(words)}" loading="lazy">' if file else ""
    return f'<span class="motion">{image}<q>{escape(words)}</q> <i>{escape(motion.made_by)}</i></span>'
