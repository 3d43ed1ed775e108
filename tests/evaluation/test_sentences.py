"""The sentence encoder, where its wheel is at hand."""

import numpy as np
import pytest
import torch

from vimotion.artifacts import vimotion_home
from vimotion.evaluation import sentences
from vimotion.evaluation.sentences import SentenceEncoder
from vimotion.intergen.text import MINILM


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    if not (vimotion_home() / "downloads" / MINILM.file).is_file():
        pytest.skip("all-MiniLM-L6-v2 has not been fetched")
    return SentenceEncoder()


def test_like_sentences_are_alike(encoder: SentenceEncoder) -> None:
    vectors = encoder(["Two people shake hands.", "They shake each other's hand.", "A dog sleeps in the sun."])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-6)
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > 0.7 > 0.3 > likeness[0, 2]


def test_company_and_batches_change_nothing(encoder: SentenceEncoder) -> None:
    texts = ["hug", "Two people walk up to each other, and then they hug for a long time.", "bow " * 300]
    alone = np.concatenate([encoder([text]) for text in texts])
    np.testing.assert_allclose(encoder(texts, batch=2), alone, atol=1e-6)


def test_the_mean_is_over_the_real_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor):  # type: ignore[no-untyped-def]
            features = torch.stack([input_ids.float() + 1, torch.full(input_ids.shape, 2.0)], dim=-1)
            return type("Output", (), {"last_hidden_state": features})

    encoder = object.__new__(sentences.SentenceEncoder)
    encoder._model = Model()  # type: ignore[assignment]
    vectors = encoder._mean([[2, 4], [6]])
    torch.testing.assert_close(vectors, torch.tensor([[4.0, 2.0], [7.0, 2.0]]) / torch.tensor([[20.0], [53.0]]).sqrt())
