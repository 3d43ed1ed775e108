import pytest
import torch
from vector_quantize_pytorch import ResidualVQ

from vimotion.tokenizer.quantizer import ResidualQuantizer, _smallest


def _trained(levels: int = 4, size: int = 32, dim: int = 6, steps: int = 60) -> ResidualQuantizer:
    torch.manual_seed(0)
    quantizer = ResidualQuantizer(levels, size, dim)
    for _ in range(steps):
        quantizer(torch.randn(16, 20, dim) * torch.arange(1, dim + 1))
    return quantizer.eval()


def test_the_residual_assignment_agrees_with_vector_quantize_pytorch() -> None:
    quantizer = _trained()
    oracle = ResidualVQ(dim=6, num_quantizers=4, codebook_size=32, kmeans_init=False).eval()
    for layer, scale in zip(oracle.layers, quantizer.scales, strict=True):
        layer._codebook.embed.data.copy_(quantizer.codebook[None] * scale)
        layer._codebook.initted.fill_(True)
    latents = torch.randn(5, 30, 6)
    vectors, codes, _ = oracle(latents - quantizer.centre)
    mine = quantizer(latents)
    assert torch.equal(mine.codes, codes)
    torch.testing.assert_close(mine.vectors, vectors + quantizer.centre, atol=1e-5, rtol=0)


def test_encode_and_decode_agree_with_the_forward_pass() -> None:
    quantizer = _trained()
    latents = torch.randn(3, 7, 6)
    whole = quantizer(latents)
    assert torch.equal(quantizer.encode(latents, 4), whole.codes)
    torch.testing.assert_close(quantizer.decode(whole.codes), whole.vectors)
    assert torch.equal(quantizer.encode(latents, 2), whole.codes[..., :2])


def test_every_level_leaves_less_over() -> None:
    quantizer = _trained()
    latents = torch.randn(16, 20, 6) * torch.arange(1, 7)
    errors = [(latents - quantizer.decode(quantizer.encode(latents, n))).square().mean() for n in range(1, 5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * latents.square().mean()


def test_kept_levels_are_per_row() -> None:
    quantizer = _trained()
    latents = torch.randn(4, 5, 6)
    kept = torch.tensor([1, 2, 4, 3])
    vectors = quantizer(latents, kept).vectors
    for row, levels in enumerate(kept.tolist()):
        torch.testing.assert_close(vectors[row], quantizer.decode(quantizer.encode(latents[row], levels)))


def test_the_search_in_chunks_finds_what_topk_finds() -> None:
    for length in (7, 64, 2048, 16 * 1024):
        values = torch.randn(50, length)
        expected = values.topk(min(16, length), largest=False)
        assert torch.equal(_smallest(values, 16), expected.indices)


def test_the_gradient_goes_straight_through() -> None:
    quantizer = _trained()
    latents = torch.randn(2, 3, 6, requires_grad=True)
    quantizer(latents).vectors.sum().backward()
    torch.testing.assert_close(latents.grad, torch.ones_like(latents))


def test_the_codebook_follows_the_data_and_no_code_stays_dead() -> None:
    torch.manual_seed(0)
    quantizer = ResidualQuantizer(2, 32, 4)
    for _ in range(40):
        quantizer(torch.randn(8, 16, 4))
    before = quantizer.codebook.clone()
    for _ in range(150):
        quantizer(torch.randn(8, 16, 4) + 30)  # what was learned is of no use here
    assert not torch.equal(quantizer.codebook, before)
    quantizer.eval()
    latents = torch.randn(64, 64, 4) + 30
    used = quantizer.encode(latents, 2).unique()
    assert len(used) >= 31
    assert (latents - quantizer.decode(quantizer.encode(latents, 2))).square().mean() < 0.5


def test_where_latents_lie_takes_no_codes() -> None:
    far = torch.tensor([1000.0, 0.0, 0.0, 0.0])
    errors = []
    for offset in (0.0 * far, far):
        torch.manual_seed(0)
        quantizer = ResidualQuantizer(2, 32, 4)
        for _ in range(150):
            quantizer(torch.randn(8, 16, 4) + offset)
        latents = torch.randn(64, 64, 4) + offset
        errors.append(float((latents - quantizer.decode(quantizer.encode(latents, 1))).square().mean()))
    assert errors[1] < 1.1 * errors[0]


def test_a_loaded_codebook_goes_on_from_where_it_was() -> None:
    trained = _trained()
    loaded = ResidualQuantizer(trained.levels, len(trained.codebook), trained.codebook.shape[1], decay=0.99)
    loaded.codebook.copy_(trained.codebook)
    loaded.scales.copy_(trained.scales)
    latents = torch.randn(64, 16, trained.codebook.shape[1])
    loaded(latents)
    moved = (loaded.codebook - trained.codebook).norm(dim=1) / trained.codebook.norm(dim=1)
    assert 0 < moved.max() < 0.1
    loaded.learns = False
    before = loaded.codebook.clone()
    loaded(latents)
    assert torch.equal(loaded.codebook, before)


def test_nothing_is_learned_in_eval_mode() -> None:
    quantizer = _trained()
    before = {name: tensor.clone() for name, tensor in quantizer.state_dict().items()}
    quantizer(torch.randn(4, 5, 6) + 3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in quantizer.state_dict().items())


@pytest.mark.parametrize("levels", [1, 3])
def test_the_commitment_is_the_distance_from_all_levels_together(levels: int) -> None:
    quantizer = _trained(levels)
    latents = torch.randn(2, 5, 6)
    expected = (latents - quantizer.decode(quantizer.encode(latents, levels))).square().mean()
    torch.testing.assert_close(quantizer(latents).commitment, expected)


def test_a_wider_search_is_never_worse_than_picking_the_nearest() -> None:
    quantizer = _trained()
    latents = torch.randn(200, 6) * torch.arange(1, 7)

    def error(beam: int) -> torch.Tensor:
        return (latents - quantizer.decode(quantizer.encode(latents, 4, beam))).square().sum(-1)

    one, sixteen = error(1), error(16)
    assert sixteen.mean() < 0.9 * one.mean()
    assert (quantizer.encode(latents[:7], 4, 16) == quantizer.encode(latents, 4, 16)[:7]).all()
