import pytest
import torch
from conversations import SPEC

from vimotion.language.backbone import tiny_backbone
from vimotion.language.lora import add_lora, is_new_row, merge_lora
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows


@pytest.mark.parametrize("tied", [True, False])
def test_merging_changes_nothing_but_the_form(tied: bool, tmp_path: object) -> None:
    model, tokenizer = tiny_backbone()
    if not tied:
        model.config.tie_word_embeddings = False
        model = type(model)(model.config)
    vocabulary = MotionVocabulary(SPEC)
    first = vocabulary.add_to(tokenizer)
    add_motion_rows(model, vocabulary, first, torch.randn(SPEC.codebook_size, 8))
    frozen = model.get_input_embeddings().weight[:first].detach().clone()
    adapted = add_lora(model, rank=4, new_rows=range(first, len(tokenizer)))
    trainable = {name: p for name, p in adapted.named_parameters() if p.requires_grad}
    assert {name for name in trainable if not is_new_row(name)} == {name for name in trainable if ".lora_" in name}
    assert sum(is_new_row(name) for name in trainable) == (1 if tied else 2)

    optimizer = torch.optim.AdamW(trainable.values(), lr=1e-2)
    ids = torch.randint(0, len(tokenizer), (2, 24), generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(20):
        loss = adapted(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]

    with torch.no_grad():
        expected = adapted.eval()(input_ids=ids).logits
        merged = merge_lora(adapted).eval()
        assert (merged(input_ids=ids).logits - expected).abs().max() < 1e-5
    assert all(p.requires_grad for p in merged.parameters())
    assert not any("lora" in name or "token_adapter" in name for name, _ in merged.named_modules())
    assert (merged.get_output_embeddings().weight is merged.get_input_embeddings().weight) == tied
    assert torch.equal(merged.get_input_embeddings().weight[:first], frozen), "old rows are left alone"
    merged.save_pretrained(tmp_path)
    with torch.no_grad():
        again = type(merged).from_pretrained(tmp_path)
        assert (again(input_ids=ids).logits - expected).abs().max() < 1e-5
