"""Measures of texts against references: BLEU, ROUGE-L, METEOR, CIDEr-D, and the likeness of sentences.

All of them take answers and, for each, one or more references; words are those of `words`. An answer that failed is an empty
text, and scores nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import snowballstemmer

References = Sequence[Sequence[str]]

# METEOR's parameters as Lavie and Agarwal (2007) first set them, and as NLTK has them: weight of precision, power and weight of
# the penalty for scattered words.
_ALPHA, _BETA, _GAMMA = 0.9, 3.0, 0.5
METEOR_VARIANT = "exact and Snowball-stem matches, no synonyms; α 0.9, β 3, γ 0.5"
# CIDEr-D's tolerance for another length, in words, and its customary factor.
_SIGMA, _TEN = 6.0, 10.0
_ORDERS = (1, 2, 3, 4)
# Pairs of texts whose scores are kept: intervals score the same pairs again and again.
_PAIRS = 20_000

Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits: ROUGE's words."""
    return re.findall(r"[a-z0-9]+", text.lower())


def bleu(answers: Sequence[str], references: References, order: int = 4) -> float:
    """BLEU of the whole corpus (Papineni et al., 2002), unsmoothed, over n-grams up to `order`: 0 to 1.

    The brevity penalty takes the reference nearest in length, the shorter of two.
    """
    _check(answers, references)
    matched, total = np.zeros(order), np.zeros(order)
    length = reference_length = 0
    for answer, several in zip(answers, references, strict=True):
        said, meant = words(answer), [words(reference) for reference in several]
        length += len(said)
        reference_length += min((abs(len(one) - len(said)), len(one)) for one in meant)[1]
        for n in range(1, order + 1):
            grams = _grams(said, n)
            allowed: Counter[Gram] = Counter()
            for one in meant:
                allowed |= _grams(one, n)
            matched[n - 1] += (grams & allowed).total()
            total[n - 1] += grams.total()
    if not matched.all():
        return 0.0
    brevity = min(1.0, math.exp(1.0 - reference_length / length))
    return float(brevity * np.exp(np.log(matched / total).mean()))


def rouge_l(answers: Sequence[str], references: References) -> float:
    """Mean F₁ of the longest common subsequence of words with the best reference (Lin, 2004): 0 to 1."""
    return _mean_best(answers, references, _rouge_l)


def meteor(answers: Sequence[str], references: References) -> float:
    """Mean METEOR with the best reference (Banerjee and Lavie, 2005): 0 to 1. Variant: see `METEOR_VARIANT`."""
    return _mean_best(answers, references, _meteor)


def cider(answers: Sequence[str], references: References) -> float:
    """Mean CIDEr-D (Vedantam et al., 2015), 0 to 10; words count by how few of these references use them.

    At least two examples are needed: what is in the references of all of them weighs nothing.
    """
    _check(answers, references)
    if len(answers) < 2:
        raise ValueError("CIDEr weighs words over the examples, and needs at least two of them.")
    split = [[words(reference) for reference in several] for several in references]
    seen = Counter(gram for several in split for gram in {gram for one in several for n in _ORDERS for gram in _grams(one, n)})
    scores = []
    for answer, several in zip(answers, split, strict=True):
        said = words(answer)
        likeness = [_cider(said, one, seen, len(answers)) for one in several]
        scores.append(np.mean(likeness))
    return float(_TEN * np.mean(scores))


def sentence_likeness(answers: Sequence[str], references: References, embed: Callable[[Sequence[str]], np.ndarray]) -> float:
    """Mean cosine of an answer's embedding with that of the likest reference: −1 to 1; 0 for an empty answer.

    Args:
        embed: texts → unit vectors (N, D), such as `SentenceEncoder`.
    """
    _check(answers, references)
    said = embed(list(answers))
    meant = embed([reference for several in references for reference in several])
    scores, start = [], 0
    for answer, vector, several in zip(answers, said, references, strict=True):
        likeness = meant[start : start + len(several)] @ vector
        scores.append(float(likeness.max()) if answer.strip() else 0.0)
        start += len(several)
    return float(np.mean(scores))


def caption_scores(
    answers: Sequence[str], references: References, embed: Callable[[Sequence[str]], np.ndarray] | None = None
) -> dict[str, float]:
    """All measures by name: `bleu_1`, `bleu_4`, `rouge_l`, `meteor`, `cider`, and `sentence_likeness` with an encoder."""
    scores = {
        "bleu_1": bleu(answers, references, 1),
        "bleu_4": bleu(answers, references, 4),
        "rouge_l": rouge_l(answers, references),
        "meteor": meteor(answers, references),
        "cider": cider(answers, references),
    }
    return scores | ({"sentence_likeness": sentence_likeness(answers, references, embed)} if embed else {})


def _grams(sentence: Sequence[str], n: int) -> Counter[Gram]:
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))


@lru_cache(_PAIRS)
def _rouge_l(answer: str, reference: str) -> float:
    said, meant = words(answer), words(reference)
    common = _common_subsequence(said, meant)
    return 2 * common / (len(said) + len(meant)) if common else 0.0


def _common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest one, row by row."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for i, other in enumerate(second, start=1):
            before, row[i] = row[i], before + 1 if word == other else max(row[i], row[i - 1])
    return row[-1]


@lru_cache(_PAIRS)
def _meteor(answer: str, reference: str) -> float:
    said, meant = words(answer), words(reference)
    pairs = _aligned(said, meant)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(said), len(pairs) / len(meant)
    mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
    follows = [after == (before[0] + 1, before[1] + 1) for before, after in pairwise(pairs)]
    chunks = 1 + follows.count(False)
    return mean * (1 - _GAMMA * (chunks / len(pairs)) ** _BETA)


def _aligned(said: Sequence[str], meant: Sequence[str]) -> list[tuple[int, int]]:
    """Positions of the words that answer each other: equal ones first, then those of one stem; last words first, as in NLTK."""
    pairs: list[tuple[int, int]] = []
    here, there = list(range(len(said)))[::-1], list(range(len(meant)))[::-1]
    for form in (str, _stem):
        for i in list(here):
            found = next((j for j in there if form(said[i]) == form(meant[j])), None)
            if found is not None:
                pairs.append((i, found))
                here.remove(i)
                there.remove(found)
    return sorted(pairs)


@cache
def _stem(word: str) -> str:
    stem: str = snowballstemmer.stemmer("english").stemWord(word)
    return stem


def _cider(said: Sequence[str], meant: Sequence[str], seen: Counter[Gram], examples: int) -> float:
    likeness = []
    for n in _ORDERS:
        mine, theirs = (_weighted(_grams(each, n), seen, examples) for each in (said, meant))
        norm = math.sqrt(sum(w * w for w in mine.values())) * math.sqrt(sum(w * w for w in theirs.values()))
        # an n-gram that is said too often counts no more often than in the reference
        overlap = sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in mine.items() if gram in theirs)
        likeness.append(overlap / norm if norm else 0.0)
    return float(np.mean(likeness)) * math.exp(-((len(said) - len(meant)) ** 2) / (2 * _SIGMA**2))


def _weighted(grams: Counter[Gram], seen: Counter[Gram], examples: int) -> dict[Gram, float]:
    return {gram: count * math.log(examples / max(seen[gram], 1)) for gram, count in grams.items()}


def _mean_best(answers: Sequence[str], references: References, score: Callable[[str, str], float]) -> float:
    _check(answers, references)
    best = [max(score(answer, reference) for reference in several) for answer, several in zip(answers, references, strict=True)]
    return float(np.mean(best))


def _check(answers: Sequence[str], references: References) -> None:
    if not answers or len(answers) != len(references) or not all(references):
        raise ValueError(f"{len(answers)} answers and {len(references)} lists of references: each answer needs at least one.")
