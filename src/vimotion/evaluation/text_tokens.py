"""Text as numbers for the extractor's text tower: a byte-level BPE learned from captions, or CLIP's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from vimotion.errors import UserError

PAD, START, END = 0, 1, 2
_SPECIAL = ["<|pad|>", "<|start|>", "<|end|>"]


def learn_tokens(texts: Iterable[str], vocabulary: int, context: int) -> TextTokens:
    """A byte-level BPE of lower-cased text: every text has tokens, and words that captions use often have one each."""
    core = Tokenizer(models.BPE())
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=_SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )  # fmt: skip
    return TextTokens(context, core.to_str())


class TextTokens:
    """Texts → token rows: start, text, end, then zeros; a long text is cut and still ends in the end token.

    Args:
        context: the longest row.
        learned: the JSON of a tokenizer that `learn_tokens` made; None for CLIP's.
    """

    def __init__(self, context: int, learned: str | None) -> None:
        self.context = context
        self._learned = learned
        self._core: Any = Tokenizer.from_str(learned) if learned is not None else None

    def to_json(self) -> str:
        """The learned tokenizer; "clip" for CLIP's."""
        return self._learned if self._learned is not None else "clip"

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(N, n) int64, n the longest row of these texts; of CLIP's tokenizer always `context`."""
        if self._core is None:
            return torch.from_numpy(_clip().tokenize_batch(list(texts), context_length=self.context).astype("int64"))
        # a text may not spell the tokens that mark its ends
        rows = [encoding.ids[: self.context - 2] for encoding in self._core.encode_batch([_plain(text) for text in texts])]
        tokens = torch.full((len(rows), max(map(len, rows), default=0) + 2), PAD)
        for number, row in enumerate(rows):
            tokens[number, : len(row) + 2] = torch.tensor([START, *row, END])
        return tokens


def _plain(text: str) -> str:
    for mark in _SPECIAL:
        text = text.replace(mark, " ")
    return text


def _clip() -> Any:
    try:
        from instant_clip_tokenizer import Tokenizer as ClipTokenizer
    except ImportError:
        raise UserError("CLIP's tokenizer is missing: pip install instant-clip-tokenizer.") from None
    return ClipTokenizer()
