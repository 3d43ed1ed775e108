"""Names of the two people in captions."""

import numpy as np
import pytest

from vimotion.choreography import KINDS
from vimotion.choreography.captions import captions_for
from vimotion.choreography.sampling import sample_parameters
from vimotion.tasks.naming import names_people, renamed_caption


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("Person A bows to person B.", "Person B bows to person A."),
        ("First, the first person sits; the second one waits.", "First, the second person sits; the first one waits."),
        ("Person one lifts person two.", "Person two lifts person one."),
        ("PERSON 1's hand", "PERSON 2's hand"),
        ("The second individual follows.", "The first individual follows."),
        ("One gives the other person a push.", "One gives the other person a push."),
        ("They bow for the first time.", None),
        ("The first person bows first.", None),
        ("One of them waits a second.", None),
    ],
)
def test_names_are_exchanged_where_it_is_clear_what_they_are(caption: str, other: str | None) -> None:
    assert renamed_caption(caption) == other
    if other is not None:
        assert renamed_caption(other) == caption


def test_captions_of_scenes_name_who_they_are_made_to_name() -> None:
    random = np.random.default_rng(0)
    renamed = 0
    for kind in KINDS:
        captions, _ = captions_for(sample_parameters(random, kind), KINDS, random)
        assert [names_people(caption) for caption in captions] == [False, True] * 3
        others = [renamed_caption(caption) for caption in captions]
        assert all(renamed_caption(other) == caption for caption, other in zip(captions, others, strict=True) if other)
        renamed += sum(other is not None for other in others)
    assert renamed > 0.9 * 6 * len(KINDS)
