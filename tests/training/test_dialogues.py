"""Conversations of Inter-MT2 as training examples."""

from pathlib import Path

import numpy as np
import pytest

from vimotion.config import load_config
from vimotion.corpora.store import Store, open_store
from vimotion.errors import UserError
from vimotion.inter_mt2.conversations import ConversationStore, open_conversations
from vimotion.inter_mt2.pipeline import Synthesis, SynthesizeRecipe
from vimotion.language.backbone import tiny_backbone
from vimotion.language.layout import Layout
from vimotion.language.rendering import render
from vimotion.language.vocabulary import MotionVocabulary
from vimotion.motion import place, to_features
from vimotion.tasks import Conversation, Message, MotionPart, TextPart
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.align import texts_of
from vimotion.training.dialogues import INTER_MT2, Dialogues, _begun_anew, check_corpus
from vimotion.training.examples import Examples, ExamplesConfig
from vimotion.training.motion_codes import MotionCodes, encode_clip, prepare_codes


class Blind:
    """An extractor that tells nothing."""

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), 2))

    def embed_interactions(self, motions: list[object]) -> np.ndarray:
        return np.zeros((len(motions), 2))


@pytest.fixture(scope="module")
def conversations(store: Store) -> ConversationStore:
    settings = ["name=told", "corpus=corpora/tiny", "count=40", "corpus_licence=CC0"]
    made = Synthesis(load_config(SynthesizeRecipe, None, settings), lambda extractor: Blind()).run()
    assert made is not None
    return made


@pytest.fixture(scope="module")
def dialogues(conversations: ConversationStore, store: Store, codes: MotionCodes, home: Path) -> Dialogues:
    own, codec = open_store(conversations.folder), home / "runs" / "tiny-tokenizer"
    own_codes = prepare_codes(own, codec, codes.first_frames)
    return Dialogues(conversations, (codes, own_codes), (store, own), MotionTokenizer.load(codec))


def test_every_conversation_can_be_rendered(conversations: ConversationStore, dialogues: Dialogues, codes: MotionCodes) -> None:
    tokenizer = tiny_backbone()[1]
    layout = Layout(codes.spec, MotionVocabulary(codes.spec).add_to(tokenizer))
    cut = 0
    for index in range(len(conversations)):
        conversation, codes_of = dialogues.conversation(index)
        ids, labels = render(conversation, tokenizer, layout, codes_of)
        assert len(ids) == len(labels) and any(label >= layout.first_id for label in labels)
        for message in conversation.messages:
            for part, following in zip(message.parts, message.parts[1:], strict=False):
                if message.role == "assistant" and isinstance(part, TextPart) and isinstance(following, MotionPart):
                    assert part.text == part.text.rstrip()
            for part in message.parts:
                if isinstance(part, MotionPart):
                    cut += bool(part.start or part.stop)
                    assert codes_of(part).shape[0] == len(part.people) and codes_of(part).shape[1] > 0
    assert cut > 2


def test_what_was_cut_in_two_is_whole(dialogues: Dialogues, conversations: ConversationStore) -> None:
    """The end of a motion begins where its beginning ends."""
    halves = 0
    for index in range(len(conversations)):
        conversation, codes_of = dialogues.conversation(index)
        parts = [part for message in conversation.messages for part in message.parts if isinstance(part, MotionPart)]
        for first in parts:
            for second in parts:
                if first.motion == second.motion and first.stop and first.stop == second.start and first.start == 0:
                    whole = codes_of(MotionPart(first.motion))
                    np.testing.assert_array_equal(np.concatenate([codes_of(first), codes_of(second)], axis=1), whole)
                    halves += 1
    assert halves


def test_what_a_user_shows_begins_with_where_they_stand() -> None:
    """As chat writes it: only an answer goes on without saying where the people are, and not the answer to one person."""
    words, late, lone = TextPart("So."), MotionPart("clip", "ab", 16), MotionPart("clip", "a", 16, 48)
    told = (
        Message("user", (words, MotionPart("clip", "ab", 0, 16))), Message("assistant", (late,)),
        Message("user", (late,)), Message("assistant", (words,)), Message("user", (lone,)), Message("assistant", (words, late)),
        Message("user", (words,)), Message("assistant", (late,)),
    )  # fmt: skip
    found, later = _begun_anew(Conversation(told))
    assert [message.parts for message in found.messages[:2]] == [message.parts for message in told[:2]]
    assert found.messages[-1] == told[-1]
    whole, one = "clip from 16 to None", "clip from 16 to 48"
    assert found.messages[2].parts == (MotionPart(whole),) and found.messages[4].parts == (MotionPart(one, "a"),)
    assert found.messages[5].parts == (words, MotionPart(whole)) and later == {whole: late, one: lone}


def test_a_motion_within_a_clip_is_encoded_as_if_it_were_alone(dialogues: Dialogues, store: Store, codes: MotionCodes) -> None:
    record = store[0]
    np.testing.assert_array_equal(encode_clip(dialogues._codec, record.features), codes.codes(codes.index_of(record.id)))
    late = dialogues._anew(MotionPart(record.id, "b", 16), False)
    moved = record.interaction().frames(16, record.num_frames).moved(translation=[1.0, 0.0, -2.0])
    placed = place(moved)
    np.testing.assert_array_equal(late, dialogues._codec.encode(to_features(placed).swapaxes(0, 1))[1:])


def test_examples_draw_from_them(dialogues: Dialogues, codes: MotionCodes) -> None:
    tokenizer = tiny_backbone()[1]
    layout = Layout(codes.spec, MotionVocabulary(codes.spec).add_to(tokenizer))
    config = ExamplesConfig(
        tasks={INTER_MT2: 1.0, "caption": 1.0}, rows=2, row_tokens=4096, first_frames=tuple(codes.first_frames)
    )
    examples = Examples(codes, tokenizer, layout, config, seed=1, dialogues=dialogues)
    batch, again = examples(3), examples(3)
    assert all((batch[name] == again[name]).all() for name in batch)
    with pytest.raises(UserError, match="inter_mt2"):
        Examples(codes, tokenizer, layout, config, seed=1)


def test_conversations_about_another_corpus_are_refused(conversations: ConversationStore, home: Path) -> None:
    check_corpus(conversations, home / "corpora" / "tiny")
    with pytest.raises(UserError, match="another corpus"):
        check_corpus(open_conversations(conversations.folder), conversations.folder)


def test_the_words_of_the_training_conversations_stay_in_the_vocabulary(conversations: ConversationStore) -> None:
    texts = set(texts_of(conversations))
    told = {
        part.text
        for one in conversations
        for message in one.conversation.messages
        for part in message.parts
        if isinstance(part, TextPart) and one.split == "train"
    }
    assert texts == told and any("?" in text for text in texts)
