"""Text as numbers for the extractor's text tower: byte-pair tokens, learned from captions or CLIP's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

PAD, START, END = 0, 1, 2
_SPECIAL = ["<|pad|>", "<|start|>", "<|end|>"]


def learn_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE of lower-cased text: every text has tokens, and words that captions use often have one each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=_SPECIAL, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    start, end = _SPECIAL[START], _SPECIAL[END]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, START), (end, END)]
    )
    return tokenizer


class TextTokens:
    """Texts → rows of tokens: start, text, end, then zeros; a long text is cut and still ends in the end token.

    Args:
        tokenizer: one that puts a start and an end around each text.
        context: the longest row.
        padded: every row is that long; otherwise as long as the longest of its batch.
    """

    def __init__(self, tokenizer: Tokenizer, context: int, padded: bool) -> None:
        self._tokenizer, self._context, self._padded = tokenizer, context, padded
        tokenizer.enable_truncation(context)
        tokenizer.no_padding()
        # a text that spells the end token must not end there
        tokenizer.encode_special_tokens = True

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(N, n) int64."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        tokens = torch.full((len(rows), self._context if self._padded else max(map(len, rows))), PAD)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = torch.tensor(row)
        return tokens
