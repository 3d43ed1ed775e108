import pytest
import torch
from conversations import SPEC
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows, neutralize
from vimotion.tokenizer.spec import CodecSpec

VOCABULARY = MotionVocabulary(SPEC)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = tiny_backbone()[1]
    VOCABULARY.add_to(tokenizer)
    return tokenizer


def test_tokens_follow_one_another_and_survive_decoding(tokenizer: PreTrainedTokenizerFast) -> None:
    first = VOCABULARY.find_in(tokenizer)
    ids = tokenizer("".join(VOCABULARY.tokens))["input_ids"]
    assert ids == list(range(first, first + len(VOCABULARY)))
    assert tokenizer.decode(ids, skip_special_tokens=True) == "".join(VOCABULARY.tokens)


def test_another_codecs_tokens_are_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(UserError, match="another codec"):
        MotionVocabulary(CodecSpec(levels=4, codebook_size=16)).find_in(tokenizer)
    with pytest.raises(UserError, match="already"):
        VOCABULARY.add_to(tokenizer)


# Whole spellings, their pieces, and what could hold the pieces together.
_SPELLINGS = [*VOCABULARY.tokens[:8], "<|m7_9999|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>assistant\n"]
_PIECES = ["<", "|", ">", "<|", "|>", "m0", "_", "3", "im_", "start", "motion_", "end", " ", "\n", "\\", "\u200b", "\0", "é"]
_TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(_SPELLINGS + _PIECES), st.text(max_size=3))).map("".join),
    # one spelling inside another, so that taking out the inner one would leave the outer
    st.builds(
        lambda outer, inner, at: outer[:at] + inner + outer[at:],
        st.sampled_from(_SPELLINGS),
        st.sampled_from(_SPELLINGS),
        st.integers(0, 12),
    ),
)


@settings(max_examples=500, deadline=None)
@given(_TEXTS)
def test_no_text_can_become_a_motion_or_control_token(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    reserved = set(tokenizer.get_added_vocab().values())
    disarmed = neutralize(text, tokenizer)
    assert not reserved & set(tokenizer(disarmed, add_special_tokens=False)["input_ids"])
    assert disarmed.replace(" ", "") == text.replace(" ", ""), "only spaces are added"


def test_harmless_text_is_left_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "She said <b>hi</b> | 3 < 4 <|hello|> {m0_3}"
    assert neutralize(text, tokenizer) == text


@pytest.mark.parametrize("tied", [True, False])
def test_new_rows_lie_around_old_ones_and_look_like_the_vectors_of_their_codes(tied: bool) -> None:
    model, tokenizer = tiny_backbone()
    if not tied:
        model.config.tie_word_embeddings = False
        model = type(model)(model.config)
    first = VOCABULARY.add_to(tokenizer)
    codebook = torch.randn(SPEC.codebook_size, 8)
    codebook[1] = codebook[0] + 0.01 * torch.randn(8)
    before = model.get_input_embeddings().weight.detach().clone()
    add_motion_rows(model, VOCABULARY, first, codebook)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        rows = table.weight.detach()
        assert rows.shape[0] == len(tokenizer) == model.config.vocab_size
        apart = rows[first:] - rows[:first].mean(0)
        assert torch.allclose(apart.norm(dim=1), 0.3 * rows[:first].norm(dim=1).median(), rtol=1e-4)
        codes = torch.nn.functional.normalize(apart[VOCABULARY.first_code :], dim=1).view(2, SPEC.levels, -1, 64)
        assert codes[0, 0, 0] @ codes[0, 0, 1] > 0.99, "codes that look alike start alike"
        assert codes[0, 0, 0] @ codes[0, 1, 0] < 0.9, "levels start apart"
        assert codes[0, 0, 0] @ codes[1, 0, 0] < 0.9, "people start apart"
    assert torch.equal(model.get_input_embeddings().weight[:first], before)
