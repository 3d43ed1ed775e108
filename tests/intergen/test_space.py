"""What is diffused."""

import pytest
import torch
from small_generator import pairs, random_generator

from vimotion.intergen import GeneratorConfig
from vimotion.intergen.losses import joints_of
from vimotion.intergen.space import MotionSpace, closed_seams, moved_by_pelvis

MASK = torch.ones(2, 12)


@pytest.mark.parametrize("changes", [{}, {"around_pelvis": True}, {"frames_per_token": 4, "around_pelvis": True}])
def test_tokens_have_an_inverse(changes: dict[str, object]) -> None:
    space = random_generator(**changes).denoiser.space
    features = pairs()
    tokens = space.tokens(features)
    assert tokens.shape == (2, 2, 12 // space.config.frames_per_token, space.numbers)
    torch.testing.assert_close(space.features(tokens), features, atol=1e-4, rtol=1e-4)


def test_each_number_is_normalised_by_itself() -> None:
    space, features = MotionSpace(GeneratorConfig()), pairs()
    space.fit([features], [MASK])
    tokens = space.tokens(features)
    torch.testing.assert_close(tokens.mean((0, 1, 2)), torch.zeros(262), atol=1e-4, rtol=0)
    deviation = tokens.std((0, 1, 2))
    assert float(deviation.max()) < 1.01 and float(deviation[:66].median()) == pytest.approx(1, abs=0.01)
    # padding is not looked at
    spoilt = features.clone()
    spoilt[:, :, 8:] = 99.0
    mask = MASK.clone()
    mask[:, 8:] = 0
    space.fit([spoilt], [mask])
    torch.testing.assert_close(space.mean, features[:, :, :8].mean((0, 1, 2)), atol=1e-4, rtol=0)


def test_principal_components_tell_nearly_all_and_the_first_ones_most() -> None:
    config = GeneratorConfig(frames_per_token=4, components=12, around_pelvis=True)
    space, features = MotionSpace(config), pairs()
    torch.manual_seed(0)
    space.fit([features], [MASK])
    tokens = space.tokens(features)
    assert tokens.shape == (2, 2, 3, 12) and float(tokens.square().mean()) == pytest.approx(1, rel=1e-3)
    variances = tokens.square().mean((0, 1, 2))
    assert (variances[1:] <= variances[:-1] * 1.001).all()
    torch.testing.assert_close(space.basis.T @ space.basis, torch.eye(12), atol=1e-4, rtol=0)
    # there are twelve tokens: but for their seams nothing is left out, with fewer components something is
    errors = {}
    for components in (12, 4):
        fewer = MotionSpace(config.model_copy(update={"components": components}))
        fewer.fit([features], [MASK])
        errors[components] = float(
            (joints_of(fewer.features(fewer.tokens(features))) - joints_of(features)).norm(dim=-1).mean()
        )
    assert errors[12] < 0.015 and 2 * errors[12] < errors[4] < 0.2


def test_seams_are_closed_and_what_has_none_stays() -> None:
    ways = torch.linspace(0, 2, 24)[:, None] * torch.tensor([1.0, -0.5])
    even = ways.unflatten(0, (3, 8))[None]
    torch.testing.assert_close(closed_seams(even), even)
    # the second token stands 10 cm beside its way: no step is more than a few centimetres any more, and ends are kept
    apart = even.clone()
    apart[:, 1, :, 1] += 0.1
    steps = closed_seams(apart).flatten(1, 2).diff(dim=1)
    assert float((apart.flatten(1, 2).diff(dim=1) - ways.diff(dim=0)).abs().max()) == pytest.approx(0.1, rel=1e-3)
    assert float((steps - ways.diff(dim=0)).abs().max()) < 0.025
    torch.testing.assert_close(closed_seams(apart)[:, 0, :4], apart[:, 0, :4])
    # one token alone, or of few frames, has nothing to close
    assert torch.equal(closed_seams(apart[:, :1]), apart[:, :1]) and torch.equal(closed_seams(apart[:, :, :2]), apart[:, :, :2])


def test_a_token_is_real_where_one_of_its_frames_is() -> None:
    space = MotionSpace(GeneratorConfig(frames_per_token=4))
    mask = torch.tensor([[1.0] * 5 + [0.0] * 7])
    assert space.token_mask(mask).tolist() == [[1.0, 1.0, 0.0]]


def test_joints_around_the_pelvis() -> None:
    features = pairs()
    moved = joints_of(moved_by_pelvis(features, -1.0))
    torch.testing.assert_close(moved[..., 0, :], joints_of(features)[..., 0, :])
    torch.testing.assert_close(moved[..., 5, :], joints_of(features)[..., 5, :] - joints_of(features)[..., 0, :])
    velocity, plain = moved_by_pelvis(features, -1.0)[..., 66 + 15 : 66 + 18], features[..., 66:132]
    torch.testing.assert_close(velocity, plain[..., 15:18] - plain[..., :3])
    torch.testing.assert_close(moved_by_pelvis(features, -1.0)[..., 132:], features[..., 132:])
