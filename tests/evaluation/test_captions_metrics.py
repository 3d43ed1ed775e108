"""Measures of texts: by hand, and against sacrebleu, rouge-score, NLTK and a second formula."""

import math
from collections import Counter

import numpy as np
import pytest
import sacrebleu
from nltk.stem.snowball import SnowballStemmer
from nltk.translate.meteor_score import meteor_score
from rouge_score.rouge_scorer import RougeScorer

from vimotion.evaluation.captions import bleu, caption_scores, cider, meteor, rouge_l, sentence_likeness, words

ANSWERS = [
    "Two people shake hands, then they wave.",
    "One person hugs the other person, and the other hugs back!",
    "The first one waved three times, waving at the second",
    "They walk",
    "the the the the",
    "A man kicks a woman's leg",
    "",
]
REFERENCES = [
    ["Two people shake hands and then wave to each other", "They shake hands."],
    ["The two hug each other.", "One person hugs the other", "A hug"],
    ["One person waves three times at the other", "The first person waves to the second three times."],
    ["They walk together side by side", "They walk off"],
    ["The cat sat on the mat", "there is the one"],
    ["A man kicked the leg of a woman", "A woman is kicked by a man"],
    ["Nothing happens", "They stand"],
]


def _drawn(seed: int) -> tuple[list[str], list[list[str]]]:
    """Sentences drawn from few words, so that repetitions and crossings come up often."""
    random = np.random.default_rng(seed)
    vocabulary = ["wave", "waves", "waving", "person", "persons", "the", "other", "hugged", "hugs", "to"]

    def sentence() -> str:
        return " ".join(random.choice(vocabulary, random.integers(2, 12)))

    return [sentence() for _ in range(30)], [[sentence() for _ in range(random.integers(1, 4))] for _ in range(30)]


CASES = [(ANSWERS, REFERENCES), _drawn(1), _drawn(2)]


def test_words_are_those_of_rouge() -> None:
    assert words("A man's 2nd hand, half-raised!") == ["a", "man", "s", "2nd", "hand", "half", "raised"]


def test_bleu_by_hand() -> None:
    # of "a b c d" three words and one pair of words are in the reference, whose length is the same
    assert bleu(["a b c d"], [["a b x d"]], 1) == pytest.approx(0.75)
    assert bleu(["a b c d"], [["a b x d"]], 2) == pytest.approx(math.sqrt(0.75 / 3))
    assert bleu(["a b"], [["a b c d"]], 1) == pytest.approx(math.exp(-1))
    assert bleu(["the the the"], [["the cat sat"]], 1) == pytest.approx(1 / 3)
    assert bleu(["a b c d"], [["a b x d"]], 4) == 0.0


@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("order", [1, 2, 4])
def test_bleu_agrees_with_sacrebleu(case: int, order: int) -> None:
    answers, references = CASES[case]
    longest = max(map(len, references))
    # sacrebleu wants as many references for each; a repeated one changes nothing
    padded = [[" ".join(words(several[min(i, len(several) - 1)])) for several in references] for i in range(longest)]
    metric = sacrebleu.BLEU(smooth_method="none", tokenize="none", max_ngram_order=order)
    expected = metric.corpus_score([" ".join(words(answer)) for answer in answers], padded).score
    assert bleu(answers, references, order) == pytest.approx(expected / 100, abs=1e-9)


def test_rouge_by_hand() -> None:
    # common: a b d; precision 3/4, recall 3/5
    assert rouge_l(["a b c d"], [["a x b y d"]]) == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert rouge_l(["a"], [["b"]]) == 0.0 and rouge_l([""], [["b"]]) == 0.0


@pytest.mark.parametrize("case", range(3))
def test_rouge_agrees_with_rouge_score(case: int) -> None:
    answers, references = CASES[case]
    scorer = RougeScorer(["rougeL"])
    expected = [
        scorer.score_multi(several, answer)["rougeL"].fmeasure for answer, several in zip(answers, references, strict=True)
    ]
    assert rouge_l(answers, references) == pytest.approx(np.mean(expected), abs=1e-12)


def test_meteor_by_hand() -> None:
    # all three words match in one chunk of the reference's four
    mean = 1 * 0.75 / (0.9 * 1 + 0.1 * 0.75)
    assert meteor(["the cat sat"], [["the cat sat down"]]) == pytest.approx(mean * (1 - 0.5 / 27))
    # a stem counts as a word does, and what is scattered is worth less
    assert meteor(["they waved"], [["they waves"]]) == pytest.approx(1 - 0.5 * (1 / 2) ** 3)
    assert meteor(["b a"], [["a b"]]) == pytest.approx(1 - 0.5 * (2 / 2) ** 3)
    assert meteor(["hug"], [["embrace"]]) == 0.0


class _NoSynonyms:
    def synsets(self, word: str) -> list[str]:
        return []


@pytest.mark.parametrize("case", range(3))
def test_meteor_agrees_with_nltk(case: int) -> None:
    answers, references = CASES[case]
    stemmer = SnowballStemmer("english")
    expected = [
        meteor_score([words(one) for one in several], words(answer), stemmer=stemmer, wordnet=_NoSynonyms())
        for answer, several in zip(answers, references, strict=True)
    ]
    assert meteor(answers, references) == pytest.approx(np.mean(expected), abs=1e-12)


def test_cider_by_hand() -> None:
    # one word each, in one of the two examples' references: the cosine of unigrams is 1, longer n-grams there are none
    assert cider(["wave", "hug"], [["wave"], ["hug"]]) == pytest.approx(10 * 1 / 4)
    assert cider(["hug", "wave"], [["wave"], ["hug"]]) == 0.0
    # what all references say weighs nothing
    assert cider(["they", "they"], [["they"], ["they"]]) == 0.0
    with pytest.raises(ValueError, match="two of them"):
        cider(["wave"], [["wave"]])


@pytest.mark.parametrize("case", range(3))
def test_cider_agrees_with_a_second_formula(case: int) -> None:
    """Dense vectors over all n-grams, as the paper writes it."""
    answers, references = CASES[case]
    expected = 0.0
    for n in (1, 2, 3, 4):

        def grams(text: str, n: int = n) -> list[str]:
            split = words(text)
            return ["~".join(split[i : i + n]) for i in range(len(split) - n + 1)]

        texts = [*answers, *(one for several in references for one in several)]
        axis = {gram: i for i, gram in enumerate(sorted({gram for text in texts for gram in grams(text)}))}
        documents = Counter(gram for several in references for gram in {g for one in several for g in grams(one)})
        weights = np.array([math.log(len(answers) / max(1, documents[gram])) for gram in axis])

        def vector(text: str, axis=axis, weights=weights, grams=grams):  # type: ignore[no-untyped-def]
            counts = np.zeros(len(axis))
            for gram in grams(text):
                counts[axis[gram]] += 1
            return counts * weights

        for answer, several in zip(answers, references, strict=True):
            for one in several:
                mine, theirs = vector(answer), vector(one)
                norms = np.sqrt(mine @ mine) * np.sqrt(theirs @ theirs)
                cosine = np.minimum(mine, theirs) @ theirs / norms if norms else 0.0
                penalty = np.exp(-((len(words(answer)) - len(words(one))) ** 2) / 72)
                expected += 10 * cosine * penalty / (4 * len(several) * len(answers))
    assert cider(answers, references) == pytest.approx(expected, abs=1e-12)


def _embed(texts) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Unit vectors by the first letter."""
    return np.array([[1.0, 0.0] if text.startswith("a") else [0.6, 0.8] for text in texts])


def test_sentence_likeness_takes_the_likest_reference() -> None:
    assert sentence_likeness(["a", "b"], [["b", "a"], ["a"]], _embed) == pytest.approx((1 + 0.6) / 2)
    assert sentence_likeness(["a", " "], [["a"], ["b"]], _embed) == pytest.approx(0.5)


def test_the_true_captions_score_best_and_failures_nothing() -> None:
    truth = [several[0] for several in REFERENCES]
    best, real = caption_scores(truth, REFERENCES), caption_scores(ANSWERS, REFERENCES, _embed)
    assert all(best[name] > real[name] for name in best) and best["bleu_4"] == 1.0
    assert set(real) == {"bleu_1", "bleu_4", "rouge_l", "meteor", "cider", "sentence_likeness"}
    half = [answer if i % 2 else "" for i, answer in enumerate(truth)]
    assert all(caption_scores(half, REFERENCES)[name] < best[name] for name in best)
    assert set(caption_scores([""] * len(truth), REFERENCES).values()) == {0.0}


def test_answers_need_references() -> None:
    for answers, references in ((["a"], []), (["a"], [[]]), ([], [])):
        with pytest.raises(ValueError, match="at least one"):
            rouge_l(answers, references)
