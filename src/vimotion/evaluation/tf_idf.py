"""Nearest text by bag of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np


class TfIdf:
    """Texts by their words, each word weighted by how rare it is; likeness is the cosine."""

    def __init__(self, texts: Sequence[str]) -> None:
        words = [Counter(_words(text)) for text in texts]
        self._index = {word: number for number, word in enumerate(sorted(set().union(*words)))}
        seen = Counter(word for text in words for word in text)
        self._weights = np.array([1.0 + np.log(len(texts) / seen[word]) for word in self._index], dtype=np.float32)
        self._vectors = np.stack([self._vector(text) for text in words])

    def nearest(self, text: str) -> int:
        """Index of the likest text; the first of equals."""
        return int(np.argmax(self._vectors @ self._vector(Counter(_words(text)))))

    def _vector(self, words: Counter[str]) -> np.ndarray:
        vector = np.zeros(len(self._index), dtype=np.float32)
        for word, count in words.items():
            if word in self._index:
                vector[self._index[word]] = count
        vector *= self._weights
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
