"""The gallery: one page of samples that a model made, each with its prompt and seed, and the motions beside it as GLB.

The page opens from the disk as well as from a web server, and asks no other machine for anything.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template

from vimotion.app.page.takes import human, picture, take
from vimotion.artifacts import atomic_path
from vimotion.chat import Answer, Model, Turn
from vimotion.chat.model import DESCRIBE, REACT
from vimotion.errors import UserError
from vimotion.formats import save_motion
from vimotion.formats.options import cleaned
from vimotion.motion import Interaction

_SECONDS = 4.0
SECTIONS = {
    "data": ("Data samples", "Scenes of the scripted corpus with their captions, from which the samples below begin."),
    "describe": ("Motion to text", "The model sees a motion and says what happens."),
    "make": (
        "Text to motion",
        "The model reads a sentence and makes the motion of two people. With its seed it makes the same again: "
        f"<code>vimotion generate PROMPT --duration {_SECONDS:g} --seed SEED</code>.",
    ),
    "react": ("Reaction", "The model sees person a (orange) alone and makes person b (blue)."),
    "edit": ("Editing", "The model changes a motion as it is told."),
    "reason": ("Reasoning", "The model is asked about what a motion does not show."),
}
SENTENCES = (
    "Two people walk up to each other and shake hands.",
    "Two friends hug each other.",
    "Two people bow to each other.",
    "The first person pushes the second person away with both hands.",
    "The first person throws a punch and the second person ducks.",
    "The first person waves at the second person with the right hand.",
)
EDITS = ("Make it slower.", "Make it more forceful.", "Make it faster.")
QUESTIONS = ("What happened before this?", "What will happen next?", "Why does the second person move like that?")
_TITLE = "<title>VIMotion: gallery</title>"
_PAGE = Path(__file__).parent / "page"


@dataclass(frozen=True, eq=False)
class Sample:
    """What was asked and what came.

    Attributes:
        name: of its file.
        about: the name of the sample whose motion was asked about; of a reaction its person a.
        motion: as it is exported by default, cleaned where the model made it.
        seed: None where no motion was drawn.
    """

    section: str
    name: str
    prompt: str
    text: str = ""
    about: str = ""
    motion: Interaction | None = None
    seed: int | None = None


@dataclass
class _Asked:
    """Turns and what they become, so that all are answered together."""

    model: Model
    turns: list[Turn] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def add(self, section: str, turn: Turn, prompt: str, about: str = "") -> None:
        self.turns.append(turn)
        name = f"{section}-{sum(sample.section == section for sample in self.samples) + 1}"
        self.samples.append(Sample(section, name, prompt, about=about))

    def answers(self) -> list[Sample]:
        return [_answered(sample, answer) for sample, answer in zip(self.samples, self.model.answers(self.turns), strict=True)]


def _answered(sample: Sample, answer: Answer) -> Sample:
    if not answer.motions:
        return replace(sample, text=answer.text)
    made = answer.motions[0]
    return replace(sample, text=answer.text, motion=cleaned(made.interaction, made.given), seed=answer.seed)


def make_samples(model: Model, data: Sequence[tuple[str, Interaction]], seed: int = 0) -> list[Sample]:
    """A sample of each kind for each prompt; what is asked about are the clips of `data`, (caption, motion)."""
    asked = _Asked(model)
    for number, sentence in enumerate(SENTENCES):
        asked.add("make", model.turn_to_generate(sentence, _SECONDS, seed + number), sentence)
    shown = [Sample("data", f"data-{number}", words, motion=motion) for number, (words, motion) in enumerate(data, 1)]
    for number, (about, (_, motion)) in enumerate(zip((sample.name for sample in shown), data, strict=True)):
        asked.add("describe", model.turn_to_describe(motion), DESCRIBE, about)
        asked.add("react", model.turn_to_react(motion, seed + number), REACT, about)
        question = QUESTIONS[number % len(QUESTIONS)]
        asked.add("reason", model.turn_to_ask(motion, question), question, about)
        edit = EDITS[number % len(EDITS)]
        asked.add("edit", model.turn_to_edit(motion, edit, seed=seed + number), edit, about)
    return [*shown, *asked.answers()]


def check_folder(folder: Path) -> None:
    """
    Raises:
        UserError: something else than a gallery is there, which would be lost.
    """
    page = folder / "index.html"
    known = page.is_file() and _TITLE in page.read_text("utf-8", "replace")
    if folder.exists() and not known and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} holds something else than a gallery; name a new folder.")


def write_gallery(samples: Sequence[Sample], folder: Path, model: str) -> Path:
    """`index.html` and the GLBs in a folder; the path of the page. An earlier gallery is replaced.

    Raises:
        UserError: something else is there.
    """
    check_folder(folder)
    takes, pictures = dict[str, dict](), dict[str, str]()
    with atomic_path(folder) as partial:
        partial.mkdir()
        for sample in samples:
            if sample.motion:
                takes[sample.name], pictures[sample.name] = take(sample.motion), picture(sample.motion)
                save_motion(sample.motion, partial / f"{sample.name}.glb")
        (partial / "index.html").write_text(_page(samples, takes, pictures, model), encoding="utf-8")
    return folder / "index.html"


def _page(samples: Sequence[Sample], takes: Mapping[str, dict], pictures: Mapping[str, str], model: str) -> str:
    scene = find_spec("nicegui")
    if scene is None or scene.origin is None:
        raise ModuleNotFoundError("nicegui brings three.js", name="nicegui")
    three = Path(scene.origin).parent / "elements" / "scene" / "dist" / "index.js"
    modules = {f"vimotion-stage/{path.name}": path for path in sorted((_PAGE / "stage").glob("*.js"))}
    modules |= {"nicegui-scene": three, "vimotion-stage": modules.pop("vimotion-stage/index.js")}
    return Template((Path(__file__).parent / "gallery.html").read_text("utf-8")).substitute(
        style="".join((_PAGE / "static" / name).read_text("utf-8") for name in ("look.css", "stage.css")),
        imports=json.dumps({"imports": {name: _data("text/javascript", path.read_bytes()) for name, path in modules.items()}}),
        model="the model that comes with VIMotion" if model == "default" else f"the model “{escape(model)}”",
        human=_inside(human()),
        takes=_inside(takes),
        content="\n".join(_section(key, [s for s in samples if s.section == key], pictures) for key in SECTIONS),
    )


def _section(key: str, samples: Iterable[Sample], pictures: Mapping[str, str]) -> str:
    title, about = SECTIONS[key]
    cards = "\n".join(_card(sample, pictures) for sample in samples)
    return f'<section id="{key}"><h2>{title}</h2><p class="faint">{about}</p>\n<ul class="cards">{cards}</ul></section>'


def _card(sample: Sample, pictures: Mapping[str, str]) -> str:
    shown = [name for name in (sample.name, sample.about) if name in pictures]
    image = _data("image/svg+xml", pictures[shown[0]].encode())
    made = "" if sample.seed is None else f'<p class="faint">seed {sample.seed}</p>'
    text = f'<p class="answer">{escape(sample.text)}</p>' if sample.text else ""
    words = escape(sample.prompt, quote=True)
    play = [f'<button type="button" data-show="{shown[0]}" data-words="{words}" aria-label="Show: {words}">Show</button>']
    if len(shown) == 2:
        both = " ".join(shown)
        play.append(f'<button type="button" data-show="{both}" data-words="{words}">Compare with the given</button>')
    files = " ".join(f'<a href="{name}.glb" download>{name}.glb</a>' for name in shown)
    return (
        f'<li><img src="{image}" alt="" width="120" height="90"><div><p class="prompt">{words}</p>{text}{made}'
        f"<p>{' '.join(play)}</p><p>{files}</p></div></li>"
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _inside(content: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
