"""Role-play: which conversations are asked, and when person b moves as the role does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_extractor import save_small_extractor
from tiny_model import tiny_model

from vimotion.chat import Model
from vimotion.choreography import make_scene
from vimotion.choreography.parameters import Act, SceneParameters
from vimotion.corpora import Record, Store
from vimotion.corpora.store import finish_store, info_hash, write_clips
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Real, Standstill
from vimotion.evaluation.evaluate import EvaluateRecipe, evaluate
from vimotion.evaluation.examples import Example, make_examples
from vimotion.evaluation.language_contestants import VIMotion
from vimotion.evaluation.manners import READABLE, moves_in
from vimotion.evaluation.roles import role_examples
from vimotion.evaluation.scoring import complete, score
from vimotion.inter_mt2.conversations import (
    ConversationStore,
    Dialogue,
    Motion,
    Provenance,
    open_conversations,
    write_conversations,
)
from vimotion.motion import Interaction
from vimotion.tasks import Conversation, Message, MotionPart, TextPart

WORDS = {"aggressive": "furious", "elderly": "frail"}  # of the two manners of person b that the scenes of the corpus have


def dialogue(record: Record, store: Store, role: str, shown: str = "a", system: bool = True) -> Dialogue:
    """The role in a system message or in what the user says."""
    given = Message("system", (TextPart(f"You are the {role}."),))
    said = (TextPart("Look: " if system else f"You are the {role}. Look: "), MotionPart(record.id, shown))  # type: ignore[arg-type]
    answer = Message("assistant", (TextPart("Like this."), MotionPart(record.id)))
    more = (Message("user", (TextPart("Why?"),)), Message("assistant", (TextPart("So."),)))
    messages = (*([given] if system else []), Message("user", said), answer, *more)
    motion = Motion(record.id, "scripted", "", "", "corpus", record.num_frames)
    origin = Provenance(record.id, "scripted", info_hash(store.folder), "")
    name = f"{record.id}.{role.replace(' ', '-')}.{shown}"
    return Dialogue(name, record.split, record.source, "role", "embedded", Conversation(messages, "role"), (motion,), origin)


@pytest.fixture(scope="module")
def conversations(store: Store, tmp_path_factory: pytest.TempPathFactory) -> ConversationStore:
    """About every test clip one whose role is told, one whose role has no manner, and one that shows person b."""
    dialogues = []
    for number, record in enumerate(store[index] for index in store.split("test")):
        assert record.facts
        told = WORDS.get(record.facts["parameters"]["manners"][1], "shy")
        dialogues += [
            dialogue(record, store, f"{told} guest", system=number % 2 == 0), dialogue(record, store, "guest"),
            dialogue(record, store, f"{told} guest", shown="b"),
        ]  # fmt: skip
    folder = tmp_path_factory.mktemp("conversations")
    write_conversations(dialogues, folder / "conversations-000000.parquet")
    write_clips([store[index] for index in store.split("train")], folder / "clips-000000.parquet")
    finish_store(folder, {"corpus": "inter-mt2"})
    return open_conversations(folder)


@pytest.fixture(scope="module")
def examples(conversations: ConversationStore, store: Store) -> list[Example]:
    return role_examples(conversations, store, 4, seed=1)


def test_only_roles_whose_manner_is_told_and_can_be_read_are_asked(
    examples: list[Example], conversations: ConversationStore, store: Store
) -> None:
    assert [example.detail for example in examples] == ["aggressive", "elderly"] * 2  # spread evenly
    assert {bool(example.system) for example in examples} == {True, False}
    for example in examples:
        assert f"You are the {WORDS[example.detail]} guest." in example.asked and "{motion.a}" in example.text
        assert example.given is not None and example.given.num_people == 1 and isinstance(example.truth, Interaction)
    again = role_examples(conversations, store, 2, seed=1)
    assert [(example.id, example.asked) for example in again] == [(example.id, example.asked) for example in examples[:2]]
    with pytest.raises(UserError, match="has 4 role-plays"):
        role_examples(conversations, store, 5, seed=1)
    with pytest.raises(UserError, match="has 2 role-plays"):
        role_examples(conversations, store, 4, seed=1, kinds=["hit"])
    with pytest.raises(UserError, match="drawn from conversations"):
        make_examples("role", store, 1, seed=1)


def test_conversations_about_another_corpus_are_refused(
    store: Store, scenes: list[tuple[Record, Record]], tmp_path: Path
) -> None:
    record = next(store[index] for index in store.split("test"))
    strange = dialogue(record, store, "shy guest")
    strange = replace(strange, provenance=replace(strange.provenance, corpus_sha256="0"))
    write_conversations([strange], tmp_path / "conversations-000000.parquet")
    write_clips([store[store.split("train")[0]]], tmp_path / "clips-000000.parquet")
    finish_store(tmp_path, {"corpus": "inter-mt2"})
    with pytest.raises(UserError, match="another corpus"):
        role_examples(open_conversations(tmp_path), store, 1, seed=1)


@pytest.mark.parametrize("manner", READABLE)
def test_a_manner_is_read_against_nobody_s(manner: str) -> None:
    act = Act("handshake", "a", "right", 2)
    neutral = make_scene(SceneParameters((act,), distance="far", seed=3)).interaction
    mannered = make_scene(SceneParameters((act,), ("neutral", manner), distance="far", seed=4)).interaction
    assert moves_in(neutral, mannered, 1, manner)
    assert not moves_in(neutral, mannered, 0, manner) and not moves_in(neutral, neutral, 1, manner)
    opposite = "confident" if manner in ("shy", "tired", "sad", "elderly", "respectful") else "elderly"
    assert not moves_in(neutral, mannered, 1, opposite)
    # nothing is read from how long it lasts
    assert moves_in(neutral, mannered, 1, manner) == moves_in(neutral.frames(0, neutral.num_frames - 20), mannered, 1, manner)


def test_the_manner_counts_and_the_interaction_stands_beside_it(examples: list[Example]) -> None:
    for example, answer in zip(examples, Real().answers(examples, 0), strict=True):
        assert isinstance(answer, Interaction)
        outcome = score(example, complete(example, answer))
        assert outcome["success"] and outcome["plausible"] and outcome["recognised"] and outcome["mpjpe"] == 0
        asked = replace(example, detail="confident")
        assert score(asked, complete(asked, answer))["reason"] == "not the manner"
        alone = replace(example, kinds=("hug",))  # another interaction in the right manner
        outcome = score(alone, complete(alone, answer))
        assert outcome["success"] and not outcome["recognised"]
    for example, answer in zip(examples, Standstill().answers(examples, 0), strict=True):
        assert isinstance(answer, Interaction) and not score(example, complete(example, answer))["success"]


def test_who_stands_still_stands_before_the_other_and_is_turned_to_it(examples: list[Example]) -> None:
    [answer] = Standstill().answers(examples[:1], 0)
    assert isinstance(answer, Interaction) and examples[0].given is not None
    np.testing.assert_array_equal(answer.person(0).joint_positions, examples[0].given.joint_positions)
    apart = answer.root_positions[0, 1] - answer.root_positions[0, 0]
    facing = answer.facing()[0]
    np.testing.assert_allclose(apart[[0, 2]], 1.5 * facing[0, [0, 2]], atol=1e-9)
    np.testing.assert_allclose(facing[0], -facing[1], atol=1e-9)
    assert np.ptp(answer.joint_positions[:, 1], axis=0).max() == 0


def test_a_model_is_told_the_role_as_the_conversation_tells_it(examples: list[Example]) -> None:
    model, systems = Model(tiny_model(), "tiny"), []
    chat = model.chat
    model.chat = lambda system="": systems.append(system) or chat(system)  # type: ignore[method-assign, func-returns-value]
    answers = VIMotion("vimotion", [lambda: model]).answers(examples, 0)
    assert all(isinstance(answer, Interaction) and answer.num_people == 2 for answer in answers)
    assert systems == [example.system for example in examples]


def test_a_run_asks_roles_where_the_recipe_names_conversations(
    conversations: ConversationStore, store: Store, tmp_path: Path
) -> None:
    settings = {
        "corpus": store.folder, "examples": 4, "seeds": (0,), "tasks": ("role",), "samples": 1,
        "contestants": ("real", "retrieval", "standstill"), "extractor": save_small_extractor(tmp_path / "extractor"),
    }  # fmt: skip
    with pytest.raises(UserError, match="conversations"):
        evaluate(EvaluateRecipe.model_validate(settings), tmp_path / "none")
    recipe = EvaluateRecipe.model_validate({**settings, "conversations": conversations.folder})
    results = evaluate(recipe, tmp_path / "run")
    real = results["summary"]["role"]["real"]
    assert real["measures"]["success"]["mean"] == real["measures"]["recognised"]["mean"] == 1
    assert real["details"] == {"aggressive": 1, "elderly": 1}
    assert set(results["summary"]["role"]) == {"real", "retrieval", "standstill"} and results["conversations"]["sha256"]
    assert "| edit, question or manner | role |" in (tmp_path / "run" / "results.md").read_text()
    assert "You are the" in (tmp_path / "run" / "page" / "index.html").read_text()
