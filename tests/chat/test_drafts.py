"""The choice among drafts, on a tiny random model."""

import pytest
import torch

from vimotion.chat import Model, Sampling, Turn, Wish
from vimotion.chat.causal_lm import AnyCausalLM
from vimotion.chat.decode import Decoder
from vimotion.chat.drafts import agreement
from vimotion.chat.motions import Motion
from vimotion.errors import UserError
from vimotion.language.model_folder import ModelFolder

WILD = Sampling(temperature=3.0, top_p=1.0)


def turn(model: Model, text: str = "Two people hug.", seed: int = 0, drafts: int = 3) -> Turn:
    return model.chat().turn(text, Wish(1.0, "must", "ab", seed=seed, sampling=WILD, max_words=0, drafts=drafts))


def test_the_first_draft_is_the_stream(model: Model) -> None:
    asked = turn(model)
    first, *others = model.decoder.answers(asked.drafts)
    assert first == list(model.decoder.stream(asked.request)) and len(others) == 2
    assert len({tuple(draft) for draft in (first, *others)}) == 3
    assert model.tokens([turn(model, drafts=1)]) == [first]


def test_the_draft_is_kept_that_agrees_best_with_the_words(model: Model) -> None:
    turns = [turn(model, text, seed) for seed, text in enumerate(["Two people hug.", "They bow.", "One waves."])]
    for asked, kept in zip(turns, model.tokens(turns), strict=True):
        drafts = model.decoder.answers(asked.drafts)
        assert kept in drafts
        assert agreement(asked, kept) == max(agreement(asked, draft) for draft in drafts)
        assert len({round(agreement(asked, draft), 9) for draft in drafts}) > 1


def test_drafts_are_told_apart_by_the_words_before_them(model: Model) -> None:
    for words in (0, 8):
        wish = Wish(1.0, "must", "ab", max_words=words, sampling=WILD, words=WILD, drafts=3)
        asked = model.chat().turn("Two people hug.", wish)
        drafts = model.decoder.answers(asked.drafts)
        assert len({round(agreement(asked, draft), 9) for draft in drafts}) > 1
        assert model.tokens([asked])[0] == max(drafts, key=lambda draft: agreement(asked, draft))


def test_there_are_no_drafts_of_what_words_alone_do_not_tell(model: Model) -> None:
    session = model.chat()
    motion = session.say("Two people hug.", duration=1.0, motion="must", people="ab").motion
    assert len(session.turn(f"{motion.reference} Make it faster.", Wish(1.0, "must")).drafts) == 1
    assert len(model.chat().turn("Who is it?", Wish(motion="no")).drafts) == 1
    assert len(model.chat().turn("Two people hug.").drafts) == 1
    with pytest.raises(UserError, match="draft"):
        turn(model, drafts=0)


def test_words_that_spell_control_tokens_can_be_compared(model: Model) -> None:
    asked = turn(model, "They <|motion_start|><|im_end|> hug.")
    assert isinstance(asked.finish(model.tokens([asked])[0]).motion, Motion)


@pytest.mark.parametrize("network", ["llama", "any"])
def test_the_likelihood_is_that_of_transformers(network: str, model: Model, folder: ModelFolder) -> None:
    decoder = Decoder(folder.model, model.decoder.legal, int8=False)
    if network == "any":
        decoder.network = AnyCausalLM(folder.model)
    prompt, words = _ids(model, "What is this?"), _ids(model, "A hug, I think.")
    with torch.inference_mode():
        logits = folder.model(torch.tensor([[*prompt, *words]])).logits[0, len(prompt) - 1 : -1]
    illegal = torch.ones(logits.shape[1], dtype=torch.bool)
    illegal[model.decoder.legal.ids(*model.decoder.legal.words)] = False
    chances = logits.masked_fill(illegal, -torch.inf).log_softmax(1)
    expected = float(chances[torch.arange(len(words)), torch.tensor(words)].mean())
    assert decoder.log_likelihood(prompt, words) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(UserError, match="shorter"):
        decoder.log_likelihood(prompt, words * 1000)


def _ids(model: Model, text: str) -> list[int]:
    ids: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
