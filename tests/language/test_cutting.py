import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.cutting import cut_depth, cut_vocabulary

SENTENCES = [
    "Two people walk up to each other and shake hands.",
    "The first person bows; the second one waves with the left hand.",
    "Somebody pushes their friend gently, who stumbles backwards and laughs.",
    "A tall dancer spins, jumps, lands and applauds the audience for 12 seconds!",
]
KEPT = SENTENCES[:2]


def backbone() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A tiny model whose tokenizer has learned merges, and lacks some bytes as SmolLM2's does."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = [c for c in pre_tokenizers.ByteLevel.alphabet() if c.isascii()]
    core.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=letters))
    model, tiny = tiny_backbone()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
        pad_token="<|im_end|>",
    )
    tokenizer.chat_template = tiny.chat_template
    torch.manual_seed(0)
    config = model.config
    config.vocab_size = len(tokenizer)
    return LlamaForCausalLM(config).eval(), tokenizer


@pytest.fixture(scope="module")
def cut() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    model, tokenizer = backbone()
    return model, cut_vocabulary(model, tokenizer, KEPT)


def test_the_texts_are_tokenised_as_before_and_mean_the_same(cut: tuple[PreTrainedModel, PreTrainedTokenizerFast]) -> None:
    smaller, tokenizer = cut
    model, before = backbone()
    assert len(tokenizer) == smaller.config.vocab_size == smaller.get_input_embeddings().weight.shape[0]
    # words apart as well: any text made of the same words
    for text in [*KEPT, " shake hands", "The second person waves with the left hand."]:
        assert tokenizer.tokenize(text) == before.tokenize(text)
    old, new = (t(KEPT[0], return_tensors="pt")["input_ids"] for t in (before, tokenizer))
    with torch.no_grad():
        expected, found = model(old).logits, smaller(new).logits
    kept = before.convert_tokens_to_ids([t for t in tokenizer.get_vocab() if t in before.get_vocab()])
    rows = tokenizer.convert_tokens_to_ids(before.convert_ids_to_tokens(kept))
    assert torch.allclose(found[..., rows], expected[..., kept], atol=1e-5)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        assert getattr(tokenizer, name) == getattr(smaller.config, name) == getattr(smaller.generation_config, name)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_still_tokenises(cut: tuple[PreTrainedModel, PreTrainedTokenizerFast], text: str) -> None:
    tokenizer = cut[1]
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_common_merges_stay(cut: tuple[PreTrainedModel, PreTrainedTokenizerFast]) -> None:
    model, tokenizer = backbone()
    assert len(cut_vocabulary(model, tokenizer, KEPT, common=60)) > len(cut[1])
    model, tokenizer = backbone()
    whole = cut_vocabulary(model, tokenizer, [], common=10_000)
    assert set(whole.get_vocab()) >= set(tokenizer.get_vocab())


def test_depth() -> None:
    model = LlamaForCausalLM(type(tiny_backbone()[0].config)(**{**tiny_backbone()[0].config.to_dict(), "num_hidden_layers": 5}))
    layers = list(model.model.layers)
    cut_depth(model, [0, 1, 4])
    assert [layer is layers[i] for layer, i in zip(model.model.layers, [0, 1, 4], strict=True)] == [True] * 3
    assert model.config.num_hidden_layers == 3
    ids = torch.arange(5)[None]
    model.eval()
    # the key-value cache finds the renumbered layers
    assert torch.allclose(
        model(ids[:, 4:], past_key_values=model(ids[:, :4]).past_key_values).logits[:, -1], model(ids).logits[:, -1], atol=1e-5
    )
    for wrong in ([], [0, 0], [7], [-1]):
        with pytest.raises(UserError):
            cut_depth(model, wrong)
