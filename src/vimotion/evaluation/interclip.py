"""Import of InterGen's official evaluator, `interclip.ckpt` (tr3e/InterGen, CC BY-NC-SA 4.0; never part of VIMotion)."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor

from vimotion.artifacts import write_manifest
from vimotion.errors import UserError
from vimotion.evaluation.extractor import OFFICIAL, Extractor, ExtractorConfig, InterCLIP
from vimotion.intergen.clip import clip_tokenizer
from vimotion.intergen.official import read_checkpoint
from vimotion.intergen.text import sinusoid
from vimotion.weights import differing

# Of InterGen's two networks only this one has a learned length of its embeddings.
MARK = "latent_scale"
# The official file keeps the positions that we compute.
_POSITIONS, _MOST_FRAMES = "motion_encoder.sequence_pos_encoder.pe", 2000
# What only we keep: InterCLIP reads raw numbers.
_OURS = ("mean", "std")
# float32 sines of angles up to 2,000 radians differ by this much between machines.
_CLOSE = 1e-3


def convert_interclip(source: Path | str, output: Path | str) -> Extractor:
    """An extractor folder from `interclip.ckpt`. Only weights are read from the file, never code.

    Raises:
        UserError: not such a file, a weight is missing, superfluous or of another shape, or CLIP's vocabulary is out of reach.
    """
    state = read_checkpoint(Path(source))
    extractor = from_interclip(state, OFFICIAL, clip_tokenizer())
    extractor.save(output)
    config = {"source": Path(source).name} | OFFICIAL.model_dump(mode="json")
    write_manifest(Path(output), "extractor", config, seed=0, metrics={"hash": extractor.hash})
    return extractor


def from_interclip(state: dict[str, Tensor], config: ExtractorConfig, tokenizer: Tokenizer) -> Extractor:
    """The extractor whose weights these are, by their official names without "model.".

    Raises:
        UserError: a weight is missing, superfluous or of another shape, or frames are counted by other numbers.
    """
    model = InterCLIP(config)
    own = model.state_dict()
    expected = {name: tensor for name, tensor in own.items() if name not in _OURS}
    expected[_POSITIONS] = sinusoid(_MOST_FRAMES, config.motion.width)
    if wrong := differing(expected, state):
        raise UserError(f"This is no InterCLIP checkpoint: {_account(wrong, expected, state)}.")
    if (state[_POSITIONS].float() - expected[_POSITIONS]).abs().max() > _CLOSE:
        raise UserError(f"{_POSITIONS!r} of the checkpoint is not the table of positions that InterCLIP was published with.")
    weights = {name: tensor.float() for name, tensor in state.items() if name != _POSITIONS}
    model.load_state_dict(weights | {name: own[name] for name in _OURS})
    return Extractor(model, tokenizer)


def _account(wrong: list[str], expected: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    """What is wrong with the first of the names, and how many there are."""
    first = wrong[0]
    if first not in found:
        what = "is missing"
    elif first not in expected:
        what = "does not belong to it"
    else:
        what = f"has the shape {list(found[first].shape)} instead of {list(expected[first].shape)}"
    return f"{first!r} {what}" + (f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else "")
