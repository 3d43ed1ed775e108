"""The text half of CLIP (Radford et al. 2021), frozen: what the official checkpoint reads captions with."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTokenizer

from vimotion.artifacts import atomic_path
from vimotion.intergen.text import Spelled, TextFeatures
from vimotion.wheels import Wheel

# OpenAI's vocabulary (MIT) ships with open_clip.
VOCABULARY = Wheel(
    "open-clip-torch==3.3.0", "open_clip_torch-3.3.0-py3-none-any.whl",
    "c549ad5ed6bfc119cc11105033c0a2b9d7a2a4afeb40a58a09aab3da1a0043ce",
)  # fmt: skip
_VOCABULARY_FILE = "open_clip/bpe_simple_vocab_16e6.txt.gz"
_START, _END = "<|startoftext|>", "<|endoftext|>"
_WEIGHTS, _TOKENIZER = "clip.safetensors", "tokenizer.json"
# The networks of ViT-L/14@336px; width and layers are read off the weights.
_HEAD_WIDTH = 64


class ClipBlock(nn.Module):
    """Causal self-attention and a feed-forward layer, norms first, with CLIP's own approximation of the GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inputs, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        parts = self.inputs(self.attention_norm(tokens)).chunk(3, dim=-1)
        queries, keys, values = (part.unflatten(-1, (-1, _HEAD_WIDTH)).transpose(1, 2) for part in parts)
        answer = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        tokens = tokens + self.output(answer.transpose(1, 2).flatten(-2))
        inner = self.inner(self.inner_norm(tokens))
        return tokens + self.outer(inner * torch.sigmoid(1.702 * inner))


class ClipNetwork(nn.Module):
    """Token ids (B, L) → features (B, L, width)."""

    def __init__(self, vocabulary: int, length: int, width: int, layers: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.Sequential(*(ClipBlock(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        features: Tensor = self.norm(self.blocks(self.tokens(ids) + self.places[: ids.shape[1]]))
        return features


class ClipText:
    """CLIP's features of all its 77 tokens; what follows a caption's end is read too, as the official model does."""

    def __init__(self, network: ClipNetwork, tokenizer: Tokenizer) -> None:
        self.network = network.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self._length = len(network.places)
        tokenizer.enable_truncation(self._length)
        tokenizer.no_padding()

    @property
    def width(self) -> int:
        return self.network.places.shape[1]

    def __call__(self, captions: Sequence[str]) -> TextFeatures:
        return self.read(self.spell(captions))

    def spell(self, captions: Sequence[str]) -> Spelled:
        ids = torch.zeros(len(captions), self._length, dtype=torch.int64)
        encodings = self._tokenizer.encode_batch(list(captions))
        for row, encoding in zip(ids, encodings, strict=True):
            row[: len(encoding.ids)] = torch.tensor(encoding.ids)
        end = torch.tensor([len(encoding.ids) - 1 for encoding in encodings])
        return Spelled(ids, torch.ones_like(ids, dtype=torch.bool), end)

    @torch.no_grad()
    def read(self, spelled: Spelled) -> TextFeatures:
        return TextFeatures(self.network.to(spelled.ids.device)(spelled.ids), spelled.mask, spelled.end)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(str(folder / _TOKENIZER))
        with atomic_path(folder / _WEIGHTS) as temporary:
            save_file(self.network.state_dict(), temporary)

    @staticmethod
    def load(folder: Path) -> ClipText:
        state = load_file(folder / _WEIGHTS)
        return ClipText(network_of(state), Tokenizer.from_file(str(folder / _TOKENIZER)))


def network_of(state: dict[str, Tensor]) -> ClipNetwork:
    """The network whose weights these are."""
    (vocabulary, width), length = state["tokens.weight"].shape, len(state["places"])
    layers = len({name.split(".")[1] for name in state if name.startswith("blocks.")})
    with torch.device("meta"):
        network = ClipNetwork(vocabulary, length, width, layers)
    network.load_state_dict(state, assign=True)
    return network


def clip_tokenizer(vocabulary: bytes | None = None, tokens: int = 49_408) -> Tokenizer:
    """CLIP's byte-pair tokenizer, which puts a start and an end around each text.

    Args:
        vocabulary: gzipped merges, the most frequent first, after a line of heading; default: OpenAI's, fetched at first use.
        tokens: size of the vocabulary: bytes, bytes that end a word, merges, start and end.
    """
    lines = gzip.decompress(vocabulary or VOCABULARY.read(_VOCABULARY_FILE)).decode("utf-8").splitlines()
    letters = _byte_letters()
    ends = [letter + "</w>" for letter in letters]
    merges = [tuple(line.split()) for line in lines[1 : 1 + tokens - 2 - 2 * len(letters)]]
    words = [*letters, *ends, *("".join(pair) for pair in merges), _START, _END]
    tokenizer = CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=merges)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer.save_pretrained(scratch)
        return Tokenizer.from_file(str(Path(scratch) / _TOKENIZER))


def _byte_letters() -> list[str]:
    """A printable letter for each byte: those that are printable first, then the others, as letters above 255."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(others)]
