from pathlib import Path

import numpy as np
import pytest
from small_corpus import FIRST_FRAMES, SPEC

from vimotion.corpora.store import Store
from vimotion.motion import place, to_features
from vimotion.tasks import MotionPart
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.motion_codes import MotionCodes, prepare_codes


def test_codes_are_the_tokenizers_for_every_first_frame_and_first_person(home: Path, store: Store, codes: MotionCodes) -> None:
    tokenizer = MotionTokenizer.load(home / "runs" / "tiny-tokenizer")
    different = total = 0
    for index in range(0, len(store), 5):
        for variant, frame in enumerate(FIRST_FRAMES):
            for first in (0, 1):
                interaction = store[index].interaction().frames(frame, 10_000).people([first, 1 - first])
                # the last frame has no vector, so the last step's codes may differ
                expected = tokenizer.encode(to_features(place(interaction)).swapaxes(0, 1))[:, :-1]
                found = codes.codes(index, variant, first)[:, : expected.shape[1]]
                assert found.shape[0] == 2 and found.shape[2] == SPEC.levels
                different += int((found != expected).sum())
                total += expected.size
    assert different <= 0.03 * total, "the store rounds to float16, which may move a placement to the next bin"


def test_motion_parts_are_slices(codes: MotionCodes) -> None:
    record = codes.record(3, variant=1)
    whole = codes.codes(3, variant=1, first=1)
    assert np.array_equal(codes.codes_of(MotionPart(record.id), 1, 1), whole)
    assert np.array_equal(codes.codes_of(MotionPart(record.id, "b"), 1, 1), whole[1:])
    cut = 3 * SPEC.step_frames
    before, after = (codes.codes_of(MotionPart(record.id, "ab", *span), 1, 1) for span in ((0, cut), (cut, None)))
    assert before.shape[1] == SPEC.rows(cut) == 2 * SPEC.placement_rows + 3 and np.array_equal(
        np.concatenate([before, after], axis=1), whole
    )
    with pytest.raises(ValueError, match="between two steps"):
        codes.codes_of(MotionPart(record.id, stop=cut + 1))


def test_clips_keep_everything_but_their_vectors(store: Store, codes: MotionCodes) -> None:
    assert len(codes) == len(store)
    assert list(codes.split("val")) == store.split("val")
    for index in (0, len(store) - 1):
        made, kept = store[index], codes.record(index)
        for name in (
            "id",
            "split",
            "source",
            "captions",
            "held_out_captions",
            "facts",
            "edit_of",
            "edit",
            "num_frames",
            "people",
        ):
            assert getattr(made, name) == getattr(kept, name)
        assert codes.index_of(made.id) == index
        assert codes.record(index, variant=1).num_frames == made.num_frames - FIRST_FRAMES[1]


def test_codes_are_made_once(home: Path, store: Store, codes: MotionCodes) -> None:
    made = (codes.folder / "codes.parquet").stat().st_mtime_ns
    again = prepare_codes(store, home / "runs" / "tiny-tokenizer", FIRST_FRAMES)
    assert again.folder == codes.folder and (again.folder / "codes.parquet").stat().st_mtime_ns == made
    assert prepare_codes(store, home / "runs" / "tiny-tokenizer", (0,)).folder != codes.folder
