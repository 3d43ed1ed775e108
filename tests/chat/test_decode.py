import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from vimotion.chat import Model, Sampling
from vimotion.chat.causal_lm import AnyCausalLM, SlottedLM, attends_to_all
from vimotion.chat.decode import Decoder, Network, Request
from vimotion.chat.legal import Rules
from vimotion.chat.llama import Llama, Rows8, is_plain_llama
from vimotion.errors import UserError
from vimotion.language.model_folder import ModelFolder
from vimotion.language.rendering import parse_answer

GREEDY = Sampling(temperature=0.0)
WILD = Sampling(temperature=3.0, top_p=1.0)


def requests(model: Model, sampling: Sampling, count: int = 12) -> list[Request]:
    kinds = ("must", "any", "no")
    people = (("ab",), ("ab", "a", "b"), ("b",))
    return [
        Request(
            model.tokenizer("what happens" + "?" * (7 * i % 23))["input_ids"],
            Rules(kinds[i % 3], people[i % 3], max_steps=4, max_text=10),
            seed=i, motion=sampling, words=sampling,
        )
        for i in range(count)
    ]  # fmt: skip


@pytest.fixture(scope="module", params=["int8", "float32", "any"])
def decoder(request: pytest.FixtureRequest, folder: ModelFolder, model: Model) -> Decoder:
    if request.param == "int8":
        return model.decoder
    decoder = Decoder(folder.model, model.decoder.legal, int8=False)
    if request.param == "any":
        decoder.network = AnyCausalLM(folder.model)
    return decoder


@pytest.mark.parametrize("sampling", [GREEDY, WILD], ids=["greedy", "sampled"])
def test_an_answer_does_not_depend_on_its_neighbours(decoder: Decoder, model: Model, sampling: Sampling) -> None:
    asked = requests(model, sampling)
    alone = [list(decoder.stream(one)) for one in asked]
    assert decoder.answers(asked, slots=5) == alone
    assert decoder.answers(asked[::-1], slots=3) == alone[::-1]
    for tokens in alone:
        parse_answer(tokens, model.tokenizer, model.layout)


def test_the_seed_decides(decoder: Decoder, model: Model) -> None:
    one = Request([5, 6, 7], Rules("must", ("ab",), 4, max_text=9), motion=WILD)
    again = Request([5, 6, 7], Rules("must", ("ab",), 4, max_text=9), motion=WILD)
    other = Request([5, 6, 7], Rules("must", ("ab",), 4, max_text=9), seed=1, motion=WILD)
    assert list(decoder.stream(one)) == list(decoder.stream(again)) != list(decoder.stream(other))


@pytest.mark.parametrize("network", [Llama, SlottedLM, AnyCausalLM])
def test_guidance_goes_beyond_what_the_words_change(model: Model, folder: ModelFolder, network: type) -> None:
    decoder = Decoder(folder.model, model.decoder.legal, int8=False)
    decoder.network = decoder.network if network is Llama else network(folder.model)
    rules = Rules("must", ("ab",), max_steps=3, max_text=4, max_motions=2)
    asked = Request([5, 6, 7, 8], rules, motion=Sampling(0.0, guidance=2.5), unsaid=[5, 8])
    tokens = list(decoder.stream(asked))
    start = tokens.index(model.layout.start)
    draft = model.decoder.legal.begin(rules)
    guided = differ = 0
    for place, token in enumerate(tokens):
        ids = model.decoder.legal.ids(*draft.at)
        if place > start and draft.place.kind != "text" and len(ids) > 1:
            with torch.inference_mode():
                told = folder.model(torch.tensor([[*asked.prompt, *tokens[:place]]])).logits[0, -1, ids]
                untold = folder.model(torch.tensor([[*asked.unsaid, *tokens[start:place]]])).logits[0, -1, ids]
            assert token == int(ids[(untold + 2.5 * (told - untold)).argmax()])
            guided += 1
            differ += token != int(ids[told.argmax()])
        draft.push(token)
    assert guided > 6 and differ


def test_all_networks_give_the_same_greedy_answers(model: Model, folder: ModelFolder) -> None:
    asked = requests(model, GREEDY, 6)
    ours = Decoder(folder.model, model.decoder.legal, int8=False)
    assert isinstance(ours.network, Llama)
    for network in (SlottedLM, AnyCausalLM):
        theirs = Decoder(folder.model, model.decoder.legal, int8=False)
        theirs.network = network(folder.model)
        assert ours.answers(asked) == theirs.answers(asked)


SIZE = {
    "vocab_size": 120, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip


def random_llama(**changes: object) -> LlamaForCausalLM:
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(**(SIZE | changes))).eval()
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    return model


ROPES = {
    "default": {},
    "untied, one key head": {"tie_word_embeddings": False, "num_key_value_heads": 1},
    "llama3": {
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("changes", ROPES.values(), ids=list(ROPES))
@torch.inference_mode()
def test_the_cache_gives_what_the_whole_forward_gives(changes: dict) -> None:
    reference = random_llama(**changes)
    assert is_plain_llama(reference)
    check_cache(Llama(reference, int8=False), reference)


OTHERS = {
    "llama": LlamaConfig(**SIZE),
    "eager": LlamaConfig(**SIZE, attn_implementation="eager"),
    "qwen3": Qwen3Config(**SIZE, head_dim=8),
    "gpt2": GPT2Config(vocab_size=120, n_embd=32, n_layer=2, n_head=2, n_positions=256),
}


@pytest.mark.parametrize("config", OTHERS.values(), ids=list(OTHERS))
@torch.inference_mode()
def test_many_slots_of_any_model_give_what_the_whole_forward_gives(config: PreTrainedConfig) -> None:
    torch.manual_seed(1)
    reference = AutoModelForCausalLM.from_config(config).eval()
    assert attends_to_all(reference)
    check_cache(SlottedLM(reference), reference)


def test_a_sliding_window_is_stepped_slot_by_slot(model: Model) -> None:
    short = MistralConfig(**SIZE | {"vocab_size": len(model.tokenizer)}, sliding_window=8)
    decoder = Decoder(AutoModelForCausalLM.from_config(short).eval(), model.decoder.legal)
    assert isinstance(decoder.network, AnyCausalLM)
    parse_answer(list(decoder.stream(Request([5] * 20, Rules("must", ("a",), 3), motion=WILD))), model.tokenizer, model.layout)


def check_cache(network: Network, reference: PreTrainedModel) -> None:
    """Three texts of different lengths, in slots, against the whole of each read at once."""
    ids = torch.randint(0, 120, (3, 90))
    whole = reference(ids).logits
    head = network.head(torch.arange(120))
    cache = network.new_cache(3, 90)
    starts = [40, 17, 1]
    for slot, start in enumerate(starts):
        state = network.prefill(cache, slot, ids[slot, :start])
        torch.testing.assert_close(head(state)[0], whole[slot, start - 1], atol=2e-5, rtol=1e-4)
    slots = torch.arange(3)
    lengths = torch.tensor(starts)
    for _ in range(40):
        states = network.step(cache, slots, lengths, ids[slots, lengths])
        torch.testing.assert_close(head(states), whole[slots, lengths], atol=2e-5, rtol=1e-4)
        lengths += 1
    # and some of the slots, in a larger cache
    cache = network.new_cache(4, 120, cache)
    some = torch.tensor([0, 2])
    states = network.step(cache, some, lengths[some], ids[some, lengths[some]])
    torch.testing.assert_close(head(states), whole[some, lengths[some]], atol=2e-5, rtol=1e-4)


@torch.inference_mode()
def test_eight_bits_keep_what_the_model_says() -> None:
    reference = random_llama()
    ids = torch.randint(0, 120, (60,))
    expected = reference(ids[None]).logits[0, -1].log_softmax(0)
    network = Llama(reference)
    found = network.head(torch.arange(120))(network.prefill(network.new_cache(1, 60), 0, ids))[0].log_softmax(0)
    assert float((expected.exp() * (expected - found)).sum()) < 1e-3


@torch.inference_mode()
def test_a_row_of_eight_bits_is_exact_and_does_not_see_the_others() -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(70, 50), torch.randn(9, 50) * torch.logspace(-3, 3, 9)[:, None]
    x[4, 7] = 1e4  # an outlier, as in a Llama's activations
    rows = Rows8(weight)
    rounded = (rows.weight.float() * rows.scale).T
    together = rows(x)
    torch.testing.assert_close(together, x @ rounded.T, rtol=1e-3, atol=float(x[4].abs().max()) * 1e-3)
    for one, expected in zip(x, together, strict=True):
        assert torch.equal(rows(one[None])[0], expected)


def test_a_model_that_is_no_llama_decodes_as_well(model: Model) -> None:
    size = len(model.tokenizer)
    other = GPT2LMHeadModel(
        GPT2Config(vocab_size=size, n_embd=32, n_layer=1, n_head=2, n_positions=512, bos_token_id=1, eos_token_id=2)
    ).eval()
    assert not is_plain_llama(other)
    decoder = Decoder(other, model.decoder.legal)
    asked = Request([5, 6, 7], Rules("must", ("a",), 3), motion=WILD)
    parse_answer(list(decoder.stream(asked)), model.tokenizer, model.layout)
    with pytest.raises(ValueError, match="Llama"):
        Decoder(other, model.decoder.legal, int8=True)


def test_too_long_a_conversation_is_refused_before_it_begins(model: Model) -> None:
    with pytest.raises(UserError, match="undo"):
        next(model.decoder.stream(Request([5] * 4000, Rules("no", max_text=100))))


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"temperature": float("nan")}, {"top_p": 0}, {"top_p": 1.1}, {"top_k": 0}]
)
def test_sampling_that_makes_no_sense_is_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match="temperature"):
        Sampling(**wrong)


def test_the_tail_is_cut_and_the_rest_keeps_its_shares() -> None:
    logits = torch.tensor([0.1, 0.2, 0.3, 0.4]).log()
    generator = torch.Generator().manual_seed(0)

    def drawn(sampling: Sampling) -> list[float]:
        picks = [sampling.pick(logits, generator) for _ in range(4000)]
        return [picks.count(i) / 4000 for i in range(4)]

    assert drawn(Sampling(1.0, top_p=1.0)) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.03)
    assert drawn(Sampling(1.0, top_p=0.6)) == pytest.approx([0, 0, 3 / 7, 4 / 7], abs=0.03)
    assert drawn(Sampling(1.0, top_k=1)) == [0, 0, 0, 1]
    assert drawn(Sampling(0.0)) == [0, 0, 0, 1]
