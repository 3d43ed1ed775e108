"""The card of a model folder: README.md in the form of the Hugging Face hub, from the folder and its manifest alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from vimotion.artifacts import MANIFEST, read_manifest, vimotion_home
from vimotion.language.backbone import SMOLLM2, TINY
from vimotion.language.model_folder import ModelFolder
from vimotion.language.rendering import SYSTEM

_TEXT = Path(__file__).parent / "card.txt"
_FREE = "apache-2.0"
_UNKNOWN = "not recorded: find out before you pass the model on"
# Language models by the name that a recipe has for them: their name on the hub, and their licence.
_BASES = {
    SMOLLM2: ("HuggingFaceTB/SmolLM2-135M-Instruct", _FREE),
    TINY: ("random weights", _FREE),
    "meta-llama/Llama-3.1-8B": ("meta-llama/Llama-3.1-8B", "llama3.1"),
    "meta-llama/Llama-3.1-8B-Instruct": ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1"),
}
# Of a corpus that is not on this machine: by the name of its folder.
_CORPORA = {"scripted": f"{_FREE} (made by VIMotion's own program)"}


# What the card says of a codec with segments.
_RETOLD = (
    "\nAfter every $segment steps it is told anew where each person is (`<|x_…|> <|z_…|> <|yaw_…|>`), and of two where the "
    "first sees the second, by the same three tokens; what follows is told from there. The codec finds these places in the "
    "codes before them, so nobody has to draw them."
)


@dataclass(frozen=True)
class Part:
    """Something that a model was made from; `licence` is what was found of it."""

    role: str
    name: str
    licence: str


def card(built: ModelFolder, manifest: Mapping[str, Any], dtype: str, name: str, base: str | None = None) -> str:
    """The text of the card.

    Args:
        manifest: of the model; empty where it has none.
        dtype: of the weights.
        name: of the model's folder.
        base: the language model underneath, where no manifest tells it.
    """
    parts, spec = lineage(manifest, base), built.codec.spec
    free = all(part.licence.lower().startswith(_FREE) for part in parts)
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", parts[0].name)
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        licence=f"license: {_FREE}" if free else "license: other\nlicense_name: see-the-table-of-licences",
        base=f"base_model: {parts[0].name}\n" if on_hub else "",
        name=name,
        millions=f"{built.model.num_parameters() / 1e6:,.0f}",
        dtype=dtype,
        tokens=f"{len(built.layout.vocabulary):,}",
        steps=f"{spec.steps_per_second:g}",
        frames=spec.step_frames,
        levels=spec.levels,
        retold=Template(_RETOLD).substitute(segment=spec.segment_steps) if spec.segment_steps else "",
        codes=spec.codebook_size,
        system=SYSTEM,
        stage=manifest.get("kind", "unknown"),
        commit=manifest.get("commit") or "unknown",
        parts="\n".join(f"| {part.role} | {part.name} | {part.licence} |" for part in parts),
    )


def lineage(manifest: Mapping[str, Any], base: str | None = None) -> list[Part]:
    """What a model was made from, as far as manifests and corpora on this machine tell; the language model first."""
    chain = list(_chain(manifest))
    backbone = next((str(found["backbone"]) for found in chain if found.get("backbone")), base)
    name, licence = _BASES.get(backbone or "", (backbone or "unknown", _UNKNOWN))
    stores = [found[key] for found in chain for key in ("corpus", "conversations") if found.get(key)]
    return [Part("language model", name, licence), *dict.fromkeys(_data(Path(store)) for store in stores)]


def _chain(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The settings of a model, and of the models and the codec it was made from, as long as these are here."""
    waiting, seen = [manifest], set[Path]()
    while waiting:
        config = waiting.pop(0).get("config", {})
        yield config
        for key in ("aligned", "tokenizer", "start_from"):
            folder = vimotion_home() / str(config.get(key) or "")
            if config.get(key) and folder not in seen and (folder / MANIFEST).is_file():
                seen.add(folder)
                waiting.append(read_manifest(folder))


def _data(store: Path) -> Part:
    try:
        licence = json.loads((vimotion_home() / store / "info.json").read_text(encoding="utf-8")).get("licence")
    except (OSError, ValueError):  # it is not on this machine
        licence = None
    return Part("data", store.name, " ".join(str(licence or _CORPORA.get(store.name, _UNKNOWN)).split()).replace("|", "/"))
