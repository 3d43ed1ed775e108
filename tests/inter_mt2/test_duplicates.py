"""Near-duplicates: exactly those, and the same ones in every order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vimotion.inter_mt2.duplicates import near_duplicates

WORDS = [f"word{number}" for number in range(34)]


def likeness(first: str, second: str) -> float:
    """Share of five-word sequences in common, straight from the definition."""

    def sequences(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[at : at + 5]) for at in range(max(len(words) - 4, 1))}

    one, other = sequences(first), sequences(second)
    return len(one & other) / len(one | other)


texts = st.dictionaries(
    st.integers(0, 99).map(lambda number: f"{number:02d}"),
    st.lists(st.integers(0, 3), max_size=14).map(lambda numbers: " ".join(WORDS[number] for number in numbers)),
    max_size=14,
)


@settings(deadline=None)
@given(texts, st.sampled_from([0.3, 0.5, 0.9, 1.0]), st.randoms())
def test_what_stays_is_unlike_and_what_goes_is_like_something_smaller_that_stays(found, threshold, random):
    repeats = near_duplicates(found, threshold)
    kept = sorted(found.keys() - repeats.keys())
    pairs = [(one, other) for one in kept for other in kept if one < other]
    assert all(likeness(found[one], found[other]) < threshold for one, other in pairs)
    for repeat, other in repeats.items():
        assert other in kept and other < repeat and likeness(found[repeat], found[other]) >= threshold
    shuffled = list(found.items())
    random.shuffle(shuffled)
    assert near_duplicates(dict(shuffled), threshold) == repeats


def test_just_enough_is_enough():
    whole = " ".join(WORDS)  # 30 sequences
    shorter = " ".join(WORDS[:-3])  # 27 of them
    assert near_duplicates({"a": whole, "b": shorter}, 0.9) == {"b": "a"}
    assert near_duplicates({"a": whole, "b": " ".join(WORDS[:-4])}, 0.9) == {}
    # 14 of 25, and 0.56 · 25 is a little more than 14
    assert near_duplicates({"a": " ".join(WORDS[:29]), "b": " ".join(WORDS[:18])}, 0.56) == {"b": "a"}


def test_case_and_signs_do_not_matter():
    assert near_duplicates({"b": "They hug, slowly!", "a": "they hug slowly"}, 0.9) == {"b": "a"}
    assert near_duplicates({}, 0.9) == {}
