"""A page to look at: the figures of every benchmark, and what each contestant answered to the same questions, side by side.

One folder that opens without a server and asks no other machine for anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from PIL import Image

from vimotion.artifacts import atomic_path
from vimotion.evaluation.clips import SIZE, draw_clips
from vimotion.evaluation.examples import GIVEN, GIVEN_A, IN_WORDS
from vimotion.evaluation.plots import PIXELS, entered, look, title
from vimotion.evaluation.report import MEASURES, PARTS, cell
from vimotion.evaluation.samples import INDEX, SAMPLES, Sample
from vimotion.formats import load_motion
from vimotion.motion import Interaction

_ABOUT = {
    "text_to_motion": "A sentence is given; the motion of two people that it describes is wanted.",
    "free_text": "A sentence that a person wrote freely is given; the motion that it describes is wanted.",
    "motion_to_text": "A motion is given; a description in words is wanted.",
    "reaction": "The motion of the first person (orange) is given; the second person's (blue) is wanted.",
    "prediction": "The beginning of a motion is given; how it goes on is wanted. The bar below a motion is grey as long as it "
    "shows the given part.",
    "editing": "A motion and an instruction are given; the changed motion is wanted.",
    "reasoning": "A motion and a question about it are given; the answer in words is wanted.",
    "explanation": "A motion and a question why, what was before or what comes next are given. The answer is right where it is "
    "nearer to a true one than to those of three other scenes.",
    "role": "The assistant is given a role, and the motion of the user, who is the first person (orange). The second person "
    "(blue) is wanted, and is right in the manner of the role.",
}
_PLOTS = {
    "success": "Right answers by benchmark and contestant; the numbers stand in the tables below.",
    "quality": "Text-to-motion: R-precision@3 against FID; the numbers stand in its table below.",
    "kinds": "Right answers by kind of interaction, benchmark and contestant, in per cent.",
}
_PARTS = {GIVEN: "the motion", GIVEN_A: "the motion of the first person"}


def write_page(folder: Path, results: Mapping[str, Any]) -> Path:
    """`page/index.html` in a run's folder and its pictures beside it; the path of the page. An earlier page is replaced.

    Args:
        folder: of the run; `samples/` (see `evaluate.py`) and `plots/` in it are shown where they are there.
        results: what stands in results.json.
    """
    listed = folder / SAMPLES / INDEX
    samples = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else []
    with atomic_path(folder / "page") as page:
        page.mkdir()
        plots = [name for name in _PLOTS if (folder / "plots" / f"{name}.png").exists()]
        for name in plots:
            shutil.copyfile(folder / "plots" / f"{name}.png", page / f"{name}.png")
        (page / "index.html").write_text(_page(results, samples, plots, page, listed.parent), "utf-8", "xmlcharrefreplace")
    return folder / "page" / "index.html"


def _page(results: Mapping[str, Any], samples: Sequence[Sample], plots: Iterable[str], page: Path, folder: Path) -> str:
    template = (files("vimotion.evaluation") / "page.html").read_text("utf-8")
    summary, recipe = results["summary"], results["recipe"]
    sections = [_overview(plots, page)] if plots else []
    for task, found in summary.items():
        examples = [_example(sample, page, folder) for sample in samples if sample["task"] == task]
        sections.append(_section(task, [_p(_ABOUT.get(task, "")), *_tables(found), *examples]))
    choices = {"all": "All", **({"overview": "Overview"} if plots else {}), **{task: title(task) for task in summary}}
    return Template(template).substitute(
        policy=escape(_policy(template)),
        title=escape(recipe["name"]),
        head=_head(results),
        choices="\n".join(_choice(value, words) for value, words in choices.items()),
        content="\n".join(sections),
        foot="All motions of one example are drawn by one lens and at one scale, and begin at the same moment.",
    )


def _policy(template: str) -> str:
    """A Content-Security-Policy that lets nothing in but the page's own script, style and pictures."""
    allowed = {}
    for name in ("script", "style"):
        own = "".join(re.findall(rf"<{name}>(.*?)</{name}>", template, re.DOTALL))
        allowed[name] = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src 'self' file:; script-src 'sha256-{allowed['script']}'; "
        f"style-src 'sha256-{allowed['style']}'; base-uri 'none'; form-action 'none'"
    )


def _head(results: Mapping[str, Any]) -> str:
    recipe, corpus = results["recipe"], results.get("corpus", {})
    told = [
        f"{recipe['examples']} examples a benchmark",
        f"from the split “{recipe['split']}” of {corpus['folder']}" if "folder" in corpus else "",
        f"extractor {results['extractor']}" if results.get("extractor") else "",
        f"judged by rules {str(results['judge'])[:12]}" if results.get("judge") else "",
    ]
    return (
        f"<h1>VIMotion’s benchmarks: {escape(recipe['name'])}</h1>\n"
        + _p(
            "Every contestant answers the same questions about the motion of two people. A failed answer counts as wrong. Of "
            "several seeds the mean is told, and in parentheses the lowest and the highest."
        )
        + _p("; ".join(filter(None, told)) + ". Figures by another extractor or judge must not stand beside these.", "faint")
    )


def _choice(value: str, words: str) -> str:
    checked = " checked" if value == "all" else ""
    return f'<label><input type="radio" name="task" value="{escape(value)}"{checked}><span>{escape(words)}</span></label>'


def _overview(plots: Iterable[str], page: Path) -> str:
    return _section("overview", [_plot(page / f"{name}.png") for name in plots])


def _plot(path: Path) -> str:
    with Image.open(path) as picture:
        width, height = (side // PIXELS for side in picture.size)
    image = f'<img src="{path.name}" width="{width}" height="{height}" alt="{escape(_PLOTS[path.stem])}" loading="lazy">'
    return f'<div class="scroll plot" tabindex="0" role="region" aria-label="Plot">{image}</div>'


def _section(name: str, content: Iterable[str]) -> str:
    return f'<section id="{escape(name)}">\n<h2>{escape(title(name).capitalize())}</h2>\n' + "\n".join(content) + "\n</section>"


def _tables(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tables of one benchmark as the Markdown has them: a row a contestant, a column a measure."""
    tables = []
    for part, caption in PARTS.items():
        names = [name for name, shown in MEASURES.items() if shown.part == part]
        names = [name for name in names if any(name in entry["measures"] for entry in found.values())]
        rows = [one for one in entered({"": found}) if any(name in found[one]["measures"] for name in names)]
        if not names:
            continue
        lines = ['<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table>']
        lines.append(f"<caption>{escape(caption)}</caption>" if caption else "")
        heads = "".join(f'<th scope="col">{escape(MEASURES[name].head)}</th>' for name in names)
        lines.append(f'<thead><tr><th scope="col"><span class="apart">Contestant</span></th>{heads}</tr></thead><tbody>')
        for one in rows:
            cells = "".join(f"<td>{escape(cell(name, found[one]['measures'].get(name)))}</td>" for name in names)
            lines.append(f'<tr><th scope="row">{escape(look(one).title)}</th>{cells}</tr>')
        tables.append("".join([*lines, "</tbody></table></div>"]))
    return tables


def _example(sample: Sample, page: Path, folder: Path) -> str:
    """One question and all answers; draws their motions."""
    task, number, answers = sample["task"], sample["number"], sample["answers"]
    given = load_motion(folder / sample["given"]) if sample["given"] else None
    motions = {name: load_motion(folder / answers[name]["file"]) for name in entered({"": answers}) if "file" in answers[name]}
    shown = {**({"given": given} if given else {}), **motions}
    if shown:
        begun = given.duration if given and task == "prediction" else 0.0
        draw_clips(shown, page / f"{task}-{number}", given is not None, begun)
    cards = [_motion_card(f"{task}-{number}/given", "Given", given, "given")] if given else []
    for name in entered({"": answers}):
        cards.append(_card(f"{task}-{number}/{name}", look(name).title, answers[name], motions.get(name)))
    kinds = ", then ".join(kind.replace("_", " ") for kind in sample["kinds"]) or sample["example"]
    wanted = sample["reference"]
    return "\n".join(
        [
            f'<article aria-label="{escape(kinds)}">',
            f'<h3>{escape(kinds)} <span class="faint">{escape(str(sample["example"]))}</span></h3>',
            f'<blockquote dir="auto">{_asked(sample["text"])}</blockquote>',
            *([_p(f"What truly happens: {wanted}", "faint")] if task not in IN_WORDS and wanted != sample["text"] else []),
            f'<div class="answers{" words" if task in IN_WORDS else ""}">',
            *cards,
            "</div>",
            "</article>",
        ]
    )


def _asked(text: str) -> str:
    """The question, with what stands for a motion in it set apart."""
    parts = re.split(f"({re.escape(GIVEN)}|{re.escape(GIVEN_A)})", text)
    return "".join(f'<span class="part">{_PARTS[part]}</span>' if part in _PARTS else escape(part) for part in parts)


def _card(file: str, who: str, answer: Mapping[str, Any], motion: Interaction | None) -> str:
    """One answer: what it is, whether it is right, and why not."""
    right = bool(answer.get("success"))
    verdict = "right" if right else "wrong"
    mark = f"<em>{verdict}{'' if right or not answer.get('reason') else escape(': ' + str(answer['reason']))}</em>"
    if motion is not None:
        return _motion_card(file, who, motion, verdict, mark)
    if "text" in answer:
        said = f'<p class="said" dir="auto">{escape(str(answer["text"]))}</p>'
    else:
        said, mark = '<p class="said none">No answer</p>', f"<em>failed: {escape(str(answer.get('reason', '')))}</em>"
    return f'<figure class="{verdict}"><figcaption><b>{escape(who)}</b>{mark}</figcaption>{said}</figure>'


def _motion_card(file: str, who: str, motion: Interaction, status: str, mark: str = "") -> str:
    """A still where less motion is wanted, else the animation."""
    alt = f"{who}: {motion.num_people} people in motion" if motion.num_people > 1 else f"{who}: one person in motion"
    return (
        f'<figure class="{status}"><picture>'
        f'<source srcset="{escape(file)}.still.webp" media="(prefers-reduced-motion: reduce)">'
        f'<img src="{escape(file)}.webp" width="{SIZE[0]}" height="{SIZE[1]}" alt="{escape(alt)}" loading="lazy"></picture>'
        f"<figcaption><b>{escape(who)}</b><span>{motion.duration:.1f} s</span>{mark}</figcaption></figure>"
    )


def _p(words: str, style: str = "") -> str:
    return f'<p class="{style}">{escape(words)}</p>' if style else f"<p>{escape(words)}</p>"
