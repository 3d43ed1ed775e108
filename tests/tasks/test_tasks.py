"""Tasks: templates that parse and fit, conversations that are legal, answers that are right."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

import vimotion.tasks
from vimotion.choreography.captions import captions_for
from vimotion.choreography.parameters import KINDS, SceneParameters, possible_edits, sample_parameters
from vimotion.errors import UserError
from vimotion.tasks import TASKS, MotionPart, TextPart, ask, length_sentence, possible_tasks, questions, sample_conversation
from vimotion.tasks.templates import MOTION, account, caption_values, grammar, message, template_names, vocabulary, with_length

TEMPLATES = Path(vimotion.tasks.__file__).parent / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES).with_suffix("")) for path in TEMPLATES.rglob("*.txt"))
FACTS = {"left", "right", "1", "2", "3", "4", "slow", "normal", "fast", "gentle", "neutral", "forceful", "near", "far"}
FACTS |= {"a", "b", "ordinals", "letters", *KINDS}
VALUES = {
    "text_to_motion": {"caption", "sentence", "clause", "bare", "phrase"},
    "reaction": {"caption", "sentence", "clause"},
    "prediction": {"caption", "sentence"},
    "editing_prompt": {"instruction"},
    "length": {"length", "number"},
}
EDITS = {"faster", "slower", "more_forceful", "gentler", "more_often", "less_often", "other_hand", "other_person"}
EDITS |= {"start_far", "start_near"}


@dataclass
class FakeRecord:
    id: str
    facts: dict
    captions: tuple[str, ...] = ()
    held_out_captions: tuple[str, ...] = ()
    num_frames: int = 120
    people: int = 2
    edit: str = ""
    edit_of: str = ""


def record(parameters: SceneParameters, random, identifier="scene", **more) -> FakeRecord:
    training, held_out = captions_for(parameters, random)
    facts = {"parameters": asdict(parameters), "events": [{"name": "secret-event"}]}
    return FakeRecord(identifier, facts, tuple(training), tuple(held_out), int(random.integers(60, 280)), **more)


def pair(random, kind=None) -> tuple[FakeRecord, FakeRecord]:
    parameters = sample_parameters(random, kind)
    edits = possible_edits(parameters)
    edit = edits[int(random.integers(len(edits)))]
    return (
        record(parameters, random),
        record(edit.parameters, random, "scene-edit", edit=edit.name, edit_of="scene"),
    )


def text_of(message_) -> str:
    return "".join(part.text if isinstance(part, TextPart) else "<motion>" for part in message_.parts)


# -- templates


@pytest.mark.parametrize("name", NAMES)
def test_templates_parse_and_know_their_slots(name):
    rules = grammar(name) if name != "kinds" else grammar("describe")
    assert rules.slots() <= VALUES.get(name, set())
    assert rules.facts() <= FACTS
    capitals = re.findall(r"\{[A-Z][^}]*\}", (TEMPLATES / f"{name}.txt").read_text())
    assert set(capitals) <= {MOTION}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("kinds", "describe", "account")])
def test_enough_wordings_and_none_in_both_parts(name):
    rules = grammar(name).rules
    training = [*rules["training"], *rules.get("training-told", ())]
    held_out = [*rules["held-out"], *rules.get("held-out-told", ())]
    least = {"length": 12, "editing_prompt": 12, "caption": 12, "text_to_motion": 30}.get(
        name, 12 if name.startswith("questions") else 25
    )
    assert len(set(training)) >= least
    assert len(set(held_out)) >= 4
    assert not set(training) & set(held_out)


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_one_account_and_it_tells_scenes_apart(kind):
    accounts = {}
    for seed in range(300):
        parameters = asdict(sampled(kind, seed)) | {"seed": 0}
        words = {str(value) for name, value in parameters.items() if name != "seed"} | {"ordinals"}
        assert grammar("account").count("account", words) == 1
        told = account(FakeRecord("scene", {"parameters": parameters}), np.random.default_rng(seed))
        assert told and accounts.setdefault(told, parameters) == parameters
    assert account(FakeRecord("scene", {}), np.random.default_rng(0)) == ""


def test_motions_are_told_before_they_are_made():
    random = np.random.default_rng(0)
    for task in ("text_to_motion", "reaction", "prediction", "editing"):
        source, edited = pair(random)
        answer = sample_conversation(task, edited, random, source=source).messages[-1]
        assert text_of(answer) == account(edited, random) + "<motion>"


def test_every_edit_has_its_templates():
    names = {edit.name for kind in KINDS for seed in range(12) for edit in possible_edits(sampled(kind, seed))}
    assert names == EDITS == set(template_names("editing"))


def sampled(kind: str, seed: int) -> SceneParameters:
    return sample_parameters(np.random.default_rng(seed), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_edit_of_every_kind_can_be_asked_for_in_many_ways(kind):
    for seed in range(12):
        for edit in possible_edits(sampled(kind, seed)):
            words = {str(value) for name, value in asdict(edit.parameters).items() if name != "seed"} | {"ordinals"}
            for rule, least in (("training", 20), ("held-out", 3)):
                assert grammar(f"editing/{edit.name}").count(rule, words) >= least, (edit.name, rule)


@pytest.mark.parametrize("kind", KINDS)
def test_every_question_that_can_be_asked_can_be_asked_in_many_ways(kind):
    for seed in range(12):
        parameters = sampled(kind, seed)
        words = {str(value) for name, value in asdict(parameters).items() if name != "seed"} | {"ordinals"}
        for question in questions(FakeRecord("scene", {"parameters": asdict(parameters)})):
            assert grammar(f"questions/{question}").count("training", words) >= 12, question
            assert grammar(f"questions/{question}").count("held-out", words) >= 3, question


def test_which_questions_a_kind_allows():
    asked = {kind: set(questions(FakeRecord("scene", {"parameters": asdict(sampled(kind, 0))}))) for kind in KINDS}
    everywhere = {"who", "speed", "manner", "how", "first", "kind"}
    assert all(everywhere <= names for names in asked.values())
    assert {kind for kind in KINDS if "side" in asked[kind]} == {kind for kind in KINDS if KINDS[kind].sided}
    assert {kind for kind in KINDS if "count" in asked[kind]} == {kind for kind in KINDS if len(KINDS[kind].counts) > 1}
    assert {kind for kind in KINDS if "why" in asked[kind]} == {"push", "punch_dodge", "chase"}
    assert "distance" not in asked["walk_together"] | asked["pass_by"]


# -- conversations


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_conversations_are_legal(task, held_out):
    random = np.random.default_rng(0)
    for _ in range(60):
        source, edited = pair(random)
        conversation = sample_conversation(task, edited, random, source=source, step_frames=8, held_out=held_out)
        assert conversation.task == task
        roles = [message.role for message in conversation.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2) and roles
        assert (len(roles) in (4, 6)) == (task == "conversation")
        for turn in conversation.messages:
            check_message(turn, {source.id: source.num_frames, edited.id: edited.num_frames})


def check_message(turn, frames):
    text = text_of(turn)
    motions = [part for part in turn.parts if isinstance(part, MotionPart)]
    assert len(motions) <= 1 and turn.parts
    for part in motions:
        assert part.start % 8 == 0 and (part.stop is None or part.stop % 8 == 0)
        assert 0 <= part.start < (part.stop or frames[part.motion]) <= frames[part.motion]
    # nothing of the facts but natural words, no slot left open
    assert not re.search(r"[{}|]|seed|secret|parameters|punch_dodge|pat_back|rock_paper|neutral,|\bNone\b", text), text
    assert not re.search(r"  | [.,;!?]|\.\.|\?\.", text), text
    assert text[0].isupper() or text[0] in "<(" or turn.role == "user", text
    if turn.role == "assistant" and not motions:
        assert text[0].isupper() and text.endswith(".") and len(text.split()) <= 26, text
    if turn.role == "assistant" and motions:
        assert len(turn.parts) == 2 and isinstance(turn.parts[0], TextPart)


@pytest.mark.parametrize(
    ("task", "asked", "answered"),
    [
        ("text_to_motion", None, ("scene-edit", "ab")),
        ("motion_to_text", ("scene-edit", "ab/a"), None),
        ("reaction", ("scene-edit", "a"), ("scene-edit", "ab")),
        ("prediction", ("scene-edit", "ab"), ("scene-edit", "ab")),
        ("editing", ("scene", "ab"), ("scene-edit", "ab")),
        ("question", ("scene-edit", "ab"), None),
        ("caption", ("scene-edit", "ab"), None),
    ],
)
def test_which_motion_is_asked_and_which_answered(task, asked, answered):
    random = np.random.default_rng(1)
    shown = {0: set(), 1: set()}
    for _ in range(60):
        for number, message_ in enumerate(sample_conversation(task, pair(random)[1], random).messages):
            motions = [(part.motion, part.people) for part in message_.parts if isinstance(part, MotionPart)]
            assert len(motions) <= 1
            shown[number].update(motions)
    # a description is now and then asked for of one person alone
    for number, expected in enumerate((asked, answered)):
        assert shown[number] == ({(expected[0], people) for people in expected[1].split("/")} if expected else set())


def test_a_prediction_goes_on_where_the_motion_stops():
    random = np.random.default_rng(2)
    for step in (4, 8, 16):
        for _ in range(50):
            scene = pair(random)[0]
            user, assistant = sample_conversation("prediction", scene, random, step_frames=step).messages
            seen = next(part for part in user.parts if isinstance(part, MotionPart))
            _, rest = assistant.parts
            assert seen.stop == rest.start and rest.stop is None and seen.stop % step == 0
            assert 0 < seen.stop < scene.num_frames


@pytest.mark.parametrize("task", ["text_to_motion", "reaction", "prediction"])
def test_half_of_the_prompts_say_the_right_length(task):
    random = np.random.default_rng(3)
    told = 0
    for _ in range(200):
        scene = pair(random)[0]
        user, assistant = sample_conversation(task, scene, random).messages
        frames = scene.num_frames - assistant.parts[-1].start
        length = re.search(r"(\d+(\.\d)?) ?(s\b|seconds?)", text_of(user))
        if length:
            told += 1
            assert abs(float(length[1]) - frames / 30) <= 0.051
    assert 0.4 < told / 200 < 0.6


def test_length_sentence_is_a_training_template():
    assert length_sentence(4) == "Make it 4 seconds long."
    assert length_sentence(3.52) == "Make it 3.5 seconds long."
    assert length_sentence(1.0) == "Make it 1 second long."
    random = np.random.default_rng(0)
    assert "They hug. Make it 4 seconds long." in {with_length("They hug", 120, random, False) for _ in range(100)}


def test_descriptions_name_the_interaction_and_who_acts():
    stems = {
        "handshake": "shake|handshake", "hug": "hug", "high_five": "high", "bow": "bow", "wave": "wave", "push": "push",
        "punch_dodge": "punch", "pat_back": "pat", "walk_together": "walk", "pass_by": "pass|walk", "chase": "chase",
        "rock_paper_scissors": "rock|game|play",
    }  # fmt: skip
    named = re.compile(r"\b[Tt]he (first|second)\b|\b[Pp]erson ([AB12]|one|two)\b")
    random = np.random.default_rng(4)
    for kind in KINDS:
        naming = []
        for _ in range(60):
            text = text_of(sample_conversation("motion_to_text", pair(random, kind)[0], random).messages[1])
            assert re.search(stems[kind], text, re.IGNORECASE), (kind, text)
            naming.append(bool(named.search(text)))
        assert np.mean(naming) == 1.0


def test_answers_are_right():
    """Each answer holds the word for the fact that was asked, and never the word for another value."""
    words = {
        "who": {"a": r"\bfirst person|\bperson A\b", "b": r"\bsecond person|\bperson B\b"},
        "side": {"left": r"\bleft\b", "right": r"\bright\b"},
        "count": {1: r"\b(once|one)\b", 2: r"\b(twice|two)\b", 3: r"\bthree\b", 4: r"\bfour\b"},
        "speed": {
            "slow": r"^(slowly|it is slow|they move slowly|they take)",
            "normal": "normal|neither",
            "fast": r"^(quickly|it is fast|they move quickly|they are in a hurry)",
        },
        "manner": {
            "gentle": r"^(gently|it is gentle|they are gentle|with little)",
            "neutral": "neutral|neither|normal",
            "forceful": r"^(forcefully|it is forceful|they are forceful|with a lot)",
        },
    }
    parameter = {"who": "actor"}
    random = np.random.default_rng(5)
    for kind in KINDS:
        for _ in range(30):
            scene = record(sample_parameters(random, kind), random)
            for question in words.keys() & set(questions(scene)):
                user, assistant = ask(scene, question, random)
                value = scene.facts["parameters"][parameter.get(question, question)]
                answer = text_of(assistant).split(" pushes")[0].split(" punches")[0].split(" pats")[0].split(" chases")[0]
                for other, pattern in words[question].items():
                    found = bool(re.search(pattern, answer, re.IGNORECASE))
                    assert found == (other == value), (kind, question, text_of(user), text_of(assistant))


def test_multi_turn_conversations_show_each_motion_once():
    random = np.random.default_rng(6)
    for _ in range(100):
        source, edited = pair(random)
        conversation = sample_conversation("conversation", edited, random, source=source)
        motions = [part.motion for turn in conversation.messages for part in turn.parts if isinstance(part, MotionPart)]
        assert motions in (["scene"], ["scene", "scene-edit"])


def test_held_out_captions_and_templates_stay_held_out():
    random = np.random.default_rng(7)
    for _ in range(100):
        scene = pair(random)[0]
        text = text_of(sample_conversation("text_to_motion", scene, random, held_out=True).messages[0]).lower()
        assert any(caption.lower().rstrip(".")[2:] in text for caption in scene.held_out_captions)


# -- parts and errors


def test_caption_forms():
    random = np.random.default_rng(0)
    values = caption_values("Two people shake hands slowly.", True, random)
    assert values["clause"] == values["bare"] == "two people shake hands slowly"
    assert values["sentence"] == "Two people shake hands slowly."
    assert set(caption_values("A slow hug", True, random)) == {"caption", "phrase"}
    assert caption_values("Person A bows.", True, random)["clause"] == "Person A bows"
    assert "clause" not in caption_values("A bow. They go on.", True, random)
    assert caption_values("two people dance", False, random)["sentence"] == "two people dance."


def test_a_message_needs_the_motion_that_it_speaks_of():
    with pytest.raises(ValueError, match="needs a motion"):
        message("user", "What is {MOTION}?")
    parts = message("user", "What is {MOTION}?", MotionPart("x")).parts
    assert parts == (TextPart("What is "), MotionPart("x"), TextPart("?"))


def test_a_real_clip_without_facts_has_the_basic_tasks():
    clip = FakeRecord("real", {}, ("two people dance a waltz",))
    assert possible_tasks(clip) == ["text_to_motion", "motion_to_text", "reaction", "prediction", "caption"]
    random = np.random.default_rng(0)
    for task in possible_tasks(clip):
        for _ in range(30):
            answer = sample_conversation(task, clip, random).messages[-1]
            # nothing is told of what is not known
            assert text_of(answer) == ("<motion>" if task in ("text_to_motion", "reaction", "prediction") else clip.captions[0])
    for task in ("editing", "question", "conversation"):
        with pytest.raises(UserError, match="does not fit"):
            sample_conversation(task, clip, random)


def test_what_cannot_be_made_is_said_in_words():
    random = np.random.default_rng(0)
    source, edited = pair(random)
    with pytest.raises(UserError, match="no task"):
        sample_conversation("dancing", source, random)
    with pytest.raises(UserError, match="needs its source"):
        sample_conversation("conversation", edited, random)
    with pytest.raises(UserError, match="does not fit"):
        sample_conversation("prediction", FakeRecord("short", {}, ("a",), num_frames=12), random)
    assert possible_tasks(FakeRecord("single", {}, ("a person walks",), people=1)) == []


def test_the_same_random_state_gives_the_same_conversation():
    scene = pair(np.random.default_rng(8))[0]
    one, other = (sample_conversation("question", scene, np.random.default_rng(9)) for _ in range(2))
    assert one == other


def test_vocabulary_report():
    words = vocabulary()
    print(f"\nThe templates use {len(words)} different words.")
    assert 300 < len(words) < 1500
