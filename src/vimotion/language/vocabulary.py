"""The words for motion: how they are spelled, how they join a tokenizer and a model, and how typed ones are disarmed."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import torch
from tokenizers import AddedToken
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.tasks.messages import People
from vimotion.tokenizer.spec import PLACEMENT, CodecSpec

START, END = "<|motion_start|>", "<|motion_end|>"
WHO: dict[People, str] = {"ab": "<|ab|>", "a": "<|a|>", "b": "<|b|>"}
_ANY_MOTION_TOKEN = rf"<\|(?:motion_start|motion_end|ab|a|b|[mn]\d+_\d+|(?:{'|'.join(PLACEMENT)})_\d+)\|>"
# How codes of the first and of the second person are spelled. Each person has tokens of their own: with the same ones for both
# the model would have to count from the start of a span to know whose code it reads, and did not learn it (LOG.md).
CODES: dict[People, str] = {"a": "m", "b": "n"}
# Waves over the bins of a placement's number that its rows start from, so that neighbours start alike.
_WAVES = 7
# How far new rows lie from the mean of the old ones, in lengths of the usual old row. Around zero and at full length they begin
# with a loss of 29, like this with 12 (LOG.md).
_SPREAD = 0.3


class MotionVocabulary:
    """The motion tokens of a codec, in the order of their ids: start, end, who, the numbers of placements, all codes of the
    first person level by level, and those of the second."""

    def __init__(self, spec: CodecSpec) -> None:
        frame = [START, END, *WHO.values()]
        places = [f"<|{name}_{code}|>" for name in PLACEMENT for code in range(spec.placement_bins)]
        codes = [
            f"<|{letter}{level}_{code}|>"
            for letter in CODES.values()
            for level in range(spec.levels)
            for code in range(spec.codebook_size)
        ]
        self.spec = spec
        self.tokens = (*frame, *places, *codes)
        self.first_place = len(frame)
        self.first_code = len(frame) + len(places)

    def __len__(self) -> int:
        return len(self.tokens)

    def index(self, token: str) -> int:
        return self.tokens.index(token)

    def add_to(self, tokenizer: PreTrainedTokenizerFast) -> int:
        """Append the tokens to a tokenizer and return the id of the first.

        They are no "special" tokens: those vanish from decoded text, here and in servers.
        """
        first = len(tokenizer)
        new = [AddedToken(token, special=False, normalized=False) for token in self.tokens]
        if tokenizer.add_tokens(new) != len(self):
            raise UserError("The tokenizer already has motion tokens; start from a backbone that has none.")
        return first

    def find_in(self, tokenizer: PreTrainedTokenizerFast) -> int:
        """Id of the first motion token of a tokenizer that has them all.

        Raises:
            UserError: some are missing or out of order.
        """
        vocabulary = tokenizer.get_vocab()
        first = vocabulary.get(START)
        found = {token: i for token, i in vocabulary.items() if re.fullmatch(_ANY_MOTION_TOKEN, token)}
        if first is None or found != {token: first + i for i, token in enumerate(self.tokens)}:
            raise UserError(
                f"The tokenizer lacks the motion tokens of this codec ({self.spec}); was it made for another codec?"
            )
        return int(first)


def add_motion_rows(
    model: PreTrainedModel, vocabulary: MotionVocabulary, first_id: int, codebook: Tensor, seed: int = 0
) -> None:
    """Give a model one row for each motion token, in the embedding and, if it is not tied, in the head.

    The row of a code is its codebook vector's direction, turned into the model's width by a random orthogonal map, plus a
    vector of its person and level, so that codes that look alike start alike; a placement's number is told by waves over its
    bins, plus a vector of what it tells. All lie around the mean of the old rows.

    Args:
        model: changed in place; has `first_id` rows.
        codebook: (codebook size, code width), the codec's.
    """
    spec = vocabulary.spec
    old = tables_of(model)[0]
    if old.shape[0] < first_id or codebook.shape[0] != spec.codebook_size:
        raise ValueError(f"{old.shape[0]} rows and {codebook.shape[0]} codes do not fit {first_id} and {spec.codebook_size}.")
    generator = torch.Generator().manual_seed(seed)
    width = old.shape[1]
    codebook = codebook.detach().float()
    angles = torch.arange(spec.placement_bins)[:, None] * 2.0 ** torch.arange(_WAVES) * (2 * torch.pi / spec.placement_bins)
    frame = torch.randn(vocabulary.first_place, width, generator=generator)
    places = _turned_with_kinds(torch.cat([angles.cos(), angles.sin()], dim=1), len(PLACEMENT), width, generator)
    codes = _turned_with_kinds(codebook - codebook.mean(0), len(CODES) * spec.levels, width, generator)
    rows = torch.nn.functional.normalize(torch.cat([frame, places, codes]), dim=1)
    old_rows = [table[:first_id].detach().clone() for table in tables_of(model)]
    model.resize_token_embeddings(first_id + len(vocabulary), mean_resizing=False)
    with torch.no_grad():
        for table, kept in zip(tables_of(model), old_rows, strict=True):
            table[first_id:] = kept.mean(0) + _SPREAD * kept.norm(dim=1).median() * rows.to(kept)


def _turned_with_kinds(vectors: Tensor, kinds: int, width: int, generator: torch.Generator) -> Tensor:
    """Directions of vectors (n, d) in `width` dimensions, each plus the vector of a kind: (kinds · n, width), kind by kind."""
    turned = torch.nn.functional.normalize(vectors, dim=1) @ _orthogonal(vectors.shape[1], width, generator)
    kind = torch.nn.functional.normalize(torch.randn(kinds, width, generator=generator), dim=1)
    return (turned[None] + kind[:, None]).reshape(-1, width)


def tables_of(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """The weights of embedding and head, (tokens, width) each; one and the same tensor where they are tied."""
    embedding, head = (table.weight for table in (model.get_input_embeddings(), model.get_output_embeddings()))
    assert isinstance(embedding, Tensor) and isinstance(head, Tensor)
    return embedding, head


def neutralize(text: str, tokenizer: PreTrainedTokenizerFast) -> str:
    """The text with every spelling of a motion token or a control token broken by a space, so that it stays text.

    Without this a user could type the tokens that end their turn, speak as the model, or stand for a motion.
    """
    pattern = _spellings(tokenizer, len(tokenizer))
    # Again until nothing is left: spellings can overlap.
    while pattern.search(text):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


@lru_cache(maxsize=16)
def _spellings(tokenizer: PreTrainedTokenizerFast, _: int) -> re.Pattern[str]:
    """Every added token longer than a character that is not white space alone.

    The number of tokens is an argument so that a grown tokenizer is read again.
    """
    motion = re.compile(_ANY_MOTION_TOKEN)
    added = [token for token in tokenizer.get_added_vocab() if len(token) > 1 and token.strip()]
    others = [token for token in added if not motion.fullmatch(token)]
    return re.compile("|".join([_ANY_MOTION_TOKEN, *map(re.escape, others)]))


def _orthogonal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """(rows, columns) with orthonormal rows, or orthonormal columns where there are more rows."""
    gaussian = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
    basis = torch.from_numpy(np.linalg.qr(gaussian.numpy())[0]).float()
    return basis if rows >= columns else basis.T
