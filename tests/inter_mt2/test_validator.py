"""The validator: a sound draft passes, and one thing broken is found by exactly the rule that is about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from poses import random_interaction

from vimotion.inter_mt2.rendered import Rendered
from vimotion.inter_mt2.retrieval import Captioned, caption_ranks, recall
from vimotion.inter_mt2.schema import Draft, Line, Planned, Seed
from vimotion.inter_mt2.sides import contradictions, open_sides
from vimotion.inter_mt2.validator import RULES, ValidatorConfig, check, markup
from vimotion.language.vocabulary import MotionVocabulary
from vimotion.tokenizer import CodecSpec

CONFIG = ValidatorConfig()
SECONDS = 4.0


@dataclass(frozen=True)
class Sound:
    """A draft with everything that belongs to it."""

    draft: Draft
    seed: Seed
    rendered: tuple[Rendered, ...]
    ranks: dict[str, int]

    def problems(self) -> list[str]:
        return [problem.rule for problem in check(self.draft, self.seed, self.rendered, self.ranks, CONFIG)]

    def drafted(self, **changes: object) -> "Sound":
        return replace(self, draft=self.draft.model_copy(update=changes))

    def said(self, number: int, change: Callable[[str], str]) -> "Sound":
        """With the text of a message changed; −1 is the last, an answer."""
        messages = list(self.draft.messages)
        messages[number] = messages[number].model_copy(update={"text": change(messages[number].text)})
        return self.drafted(messages=tuple(messages))

    def made(self, **changes: object) -> "Sound":
        """With the first of the rendered motions, which a generator made, changed."""
        return replace(self, rendered=(self.rendered[0].model_copy(update=changes), *self.rendered[1:]))


people = st.sampled_from(["", " | a", " | b, until 2 s", " | from 1 s", " | from 0.5 s, until 3.4 s"])
hands = st.sampled_from(["with the left hand", "with the right foot", "slowly", "with both hands"])


@st.composite
def sound(draw: st.DrawFn) -> Sound:
    turns = draw(st.integers(CONFIG.fewest_turns, CONFIG.most_turns))
    captions = [f"Person {number} waves at the other {draw(hands)}." for number in range(turns)]
    messages = [Line(role="system", text="You know how people move.")] if draw(st.booleans()) else []
    for number, caption in enumerate(captions):
        asked = f"Look at [source{draw(people)}]." if number == 0 else draw(st.sampled_from(["And now?", "Go on [source]."]))
        messages.append(Line(role="user", text=asked))
        messages.append(Line(role="assistant", text=f"{draw(st.sampled_from(['', 'Here it is. ']))}[{caption}{draw(people)}]"))
    draft = Draft(
        id="one.story", kind="story", author="embedded", messages=messages, motions=[Planned(caption=one) for one in captions]
    )
    makers = ["intergen", *(draw(st.sampled_from(["intergen", "choreography", "corpus"])) for _ in captions[1:])]
    rendered = tuple(
        Rendered(draft=draft.id, caption=caption, clip=f"clip-{number}", made_by=maker, num_frames=draw(st.integers(102, 300)))
        for number, (caption, maker) in enumerate(zip(captions, makers, strict=True))
    )
    ranks = {one.caption: draw(st.integers(1, CONFIG.retrieved)) for one in rendered if one.made_by == "intergen"}
    seed = Seed(id=draft.id, kind="story", clip="c", source="s", split="train", captions=["They meet."], seconds=SECONDS)
    return Sound(draft, seed, rendered, ranks)


def first(one: Sound) -> str:
    return one.rendered[0].caption


def said_more(one: Sound, *lines: Line) -> Sound:
    return one.drafted(messages=(*one.draft.messages, *lines))


def without_source(line: Line) -> Line:
    return line.model_copy(update={"text": re.sub(r"\[source[^\]]*\]", "them", line.text)})


BREAKS: dict[str, dict[str, Callable[[Sound], Sound]]] = {
    "seed": {
        "of another seed": lambda one: one.drafted(id="other.story"),
        "of another kind": lambda one: replace(one, seed=one.seed.model_copy(update={"kind": "role"})),
    },
    "turns": {
        "the user has the last word": lambda one: said_more(one, Line(role="user", text="Thanks.")),
        "twice in a row": lambda one: said_more(one, Line(role="assistant", text="Well.")),
        "a late system message": lambda one: said_more(one, Line(role="system", text="Stop.")),
        "too many": lambda one: said_more(one, *[Line(role="user", text="Why?"), Line(role="assistant", text="So.")] * 3),
    },
    "brackets": {
        "open": lambda one: one.said(-2, lambda text: f"Well [ {text.replace('[source]', '')}"),
        "an unknown option": lambda one: one.said(-2, lambda text: f"{text} [source | backwards]"),
        "empty": lambda one: one.said(-2, lambda text: f"{text} []"),
    },
    "planned": {
        "no plan": lambda one: one.said(-1, lambda text: f"{text} [A third one jumps.]"),
        "never shown": lambda one: replace(
            one.drafted(motions=(*one.draft.motions, Planned(caption="They bow."))),
            rendered=(*one.rendered, one.rendered[0].model_copy(update={"caption": "They bow.", "made_by": "corpus"})),
        ),
        "twice": lambda one: one.drafted(motions=(*one.draft.motions, one.draft.motions[0])),
    },
    "rendered": {
        "failed": lambda one: one.made(failure="no scene"),
        "missing": lambda one: replace(one, rendered=one.rendered[1:]),
        "without a length": lambda one: one.made(num_frames=0),
    },
    "source": {
        "not shown": lambda one: one.drafted(messages=tuple(map(without_source, one.draft.messages)))
    },
    "parts": {
        "beyond the end": lambda one: one.said(-1, lambda text: f"{text} [source | until 4.1 s]"),
        "too short an end": lambda one: one.said(-1, lambda text: f"{text} [source | from 3.8 s]"),
        "nothing": lambda one: one.said(-1, lambda text: f"{text} [source | from 2 s, until 1 s]"),
        "a new motion of few frames": lambda one: one.said(-1, lambda text: f"{text} [{first(one)} | until 0.2 s]"),
    },
    "motion_length": {
        "a long source": lambda one: replace(one, seed=one.seed.model_copy(update={"seconds": 14.1})).said(
            -1, lambda text: f"{text} [source | from 4 s]"
        ),
    },
    "text_length": {
        "long": lambda one: one.said(-1, lambda text: text + " word" * 130),
        "empty": lambda one: one.said(-2, lambda text: " ").said(-3, lambda text: f"{text} [source]"),
    },
    "spellings": {
        name: lambda one, spelled=spelled: one.said(-1, lambda text: f"{text} {spelled} so")
        for name, spelled in {
            "start": "<|motion_start|>", "chat": "<|im_end|>", "half": "motion|>", "tag": "</s>", "code": "m0_12",
            "who": "<|ab|>", "llama": "<|eot_id|>",
        }.items()
    },
    "sides": {
        "open": lambda one: recaptioned(one, "They wave with the left or right hand."),
        "other than asked": lambda one: recaptioned(one, "They wave with the right hand.").said(
            [line.role for line in one.draft.messages].index("user"), lambda text: f"{text} Wave with the left hand."
        ),
        "other than said": lambda one: recaptioned(one, "They wave with the right hands.").said(
            [line.role for line in one.draft.messages].index("assistant"), lambda text: f"{text} It is the left hand."
        ),
    },
    "retrieval": {
        "not among the first": lambda one: replace(one, ranks={**one.ranks, first(one): CONFIG.retrieved + 1}),
        "not measured": lambda one: replace(one, ranks={}),
    },
    "acts": {
        "not seen": lambda one: one.made(shown=False),
    },
}  # fmt: skip


def recaptioned(one: Sound, caption: str) -> Sound:
    """With another caption for the first motion, everywhere."""
    old = first(one)
    changed = one.made(caption=caption)
    messages = [line.model_copy(update={"text": line.text.replace(old, caption)}) for line in one.draft.messages]
    motions = (one.draft.motions[0].model_copy(update={"caption": caption}), *one.draft.motions[1:])
    ranks = {caption if name == old else name: rank for name, rank in one.ranks.items()}
    return replace(changed.drafted(messages=tuple(messages), motions=motions), ranks=ranks)


@settings(max_examples=40, deadline=None)
@given(sound())
def test_a_sound_draft_passes(one):
    assert one.problems() == []


@pytest.mark.parametrize(("rule", "how"), [(rule, how) for rule, ways in BREAKS.items() for how in ways])
@settings(max_examples=20, deadline=None)
@given(one=sound())
def test_one_thing_broken_is_found_by_its_rule_alone(rule, how, one):
    assert set(BREAKS[rule][how](one).problems()) == {rule}


@settings(max_examples=10, deadline=None)
@given(sound())
def test_acts_that_are_seen_or_not_looked_for_are_well(one):
    assert not one.made(shown=True).problems() and not one.made(shown=None).problems()


def test_every_rule_is_broken_above():
    assert set(BREAKS) == set(RULES)


@settings(max_examples=40, deadline=None)
@given(sound(), st.integers(0, 4))
def test_length_of_a_caption(one, more):
    words = " ".join(["word"] * (CONFIG.caption_words - 1 + more))
    assert set(recaptioned(one, words).problems()) == ({"text_length"} if more > 1 else set())


@settings(max_examples=40, deadline=None)
@given(sound())
def test_makers_whose_captions_are_true_by_construction_need_no_rank(one):
    trusted = replace(one, rendered=tuple(motion.model_copy(update={"made_by": "choreography"}) for motion in one.rendered))
    assert replace(trusted, ranks={}).problems() == []


def test_spellings_of_the_language_are_all_known():
    vocabulary = MotionVocabulary(CodecSpec(step_frames=8, levels=2, codebook_size=16))
    assert all(markup(f"a{token}b") for token in vocabulary.tokens)
    assert not markup("They walk < 2 m | fast, a -> b, 3 > 2: m0 and n1. [source | a]")


@pytest.mark.parametrize(
    ("said", "caption", "wrong"),
    [
        ("Use the left hand.", "They wave with the right hand.", ["left hand"]),
        ("Wave with your LEFT HANDS", "A right-hand wave", ["left hand"]),
        ("Kick with the right foot", "They kick with their left feet.", ["right foot"]),
        ("Use the left hand.", "They wave with the left hand.", []),
        ("Use the left hand.", "They wave.", []),
        ("Use the left hand.", "They wave with the right arm.", []),
        ("Use the left hand.", "He lifts the left hand, she the right hand.", []),
        ("Point with the left hand.", "He hits her with the right hand. She raises her left arm and points.", []),
        ("Lay the right arm on top.", "He hits with the left arm. They hug, the right one higher.", []),
        ("Use the left and right hands.", "They wave with the right hand.", []),
        ("Use the other hand, not the left hand.", "They wave with the right hand.", []),
        ("What if it isn't the left hand?", "They wave with the right hand.", []),
        ("Switch from the left hand.", "They wave with the right hand.", []),
        ("What happened before he raised his left hand?", "They wave with the right hand.", []),
        ("Do it right away on the left.", "They wave with the right hand.", []),
        ("Tap her from behind with the left hand.", "He taps her shoulder with the right hand.", ["left hand"]),
    ],
)
def test_sides_contradict_only_where_it_is_plain(said, caption, wrong):
    assert contradictions(said, caption) == wrong


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("the left or right hand", ["left or right hand"]),
        ("her left/right arm", ["left/right arm"]),
        ("his left right hand", ["left right hand"]),
        ("both the left and right hand", []),
        ("left, right, left: hands", []),
    ],
)
def test_sides_left_open(caption, found):
    assert open_sides(caption) == found


# -- retrieval


class Numbers:
    """An extractor of made-up captions and motions that are told apart by the number they begin with."""

    def __init__(self, wrong: float = 0.0) -> None:
        self.wrong = wrong

    def embed_texts(self, texts):
        return np.array([[float(text.split()[0]), 0.0] for text in texts])

    def embed_interactions(self, motions):
        return np.array([[round(float(motion.root_positions[0, 0, 0]), 3) + self.wrong, 0.0] for motion in motions])


def captioned(number: int) -> Captioned:
    motion = random_interaction(number, frames=2)
    return Captioned(
        f"m{number}", f"{number} people", motion.moved(translation=[number - motion.root_positions[0, 0, 0], 0, 0])
    )


MOTIONS = [captioned(number) for number in range(40)]


def test_a_motion_that_is_nearest_to_its_caption_comes_first():
    assert caption_ranks(Numbers(), MOTIONS) == [1] * 40
    assert recall([1] * 40) == {"motions": 40, "recall": [1.0, 1.0, 1.0]}


def test_one_that_tells_nothing_apart_finds_nothing():
    assert set(caption_ranks(Numbers(wrong=float("nan")), MOTIONS)) == {32}
    assert caption_ranks(Numbers(wrong=1e9), MOTIONS[:1], [f"{n} people" for n in range(99)])[0] == 32


def test_a_rank_follows_from_the_motion_and_the_captions_alone():
    ranks = caption_ranks(Numbers(wrong=3.0), MOTIONS, pool=8)
    assert set(ranks) > {1} and caption_ranks(Numbers(wrong=3.0), MOTIONS[::-1], pool=8) == ranks[::-1]
    others = [one.caption for one in MOTIONS]
    assert caption_ranks(Numbers(wrong=3.0), MOTIONS[5:6], others, pool=8) == ranks[5:6]
    assert caption_ranks(Numbers(wrong=3.0), MOTIONS, pool=8, salt="other") != ranks


def test_a_pool_needs_captions():
    with pytest.raises(ValueError, match="as many different captions, not 5"):
        caption_ranks(Numbers(), MOTIONS[:5])
    assert caption_ranks(Numbers(), []) == [] and recall([]) == {"motions": 0, "recall": []}
    assert recall([1, 2, 4, 3]) == {"motions": 4, "recall": [0.25, 0.5, 0.75]}
