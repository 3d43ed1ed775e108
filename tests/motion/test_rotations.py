import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from vimotion.motion import differentiable
from vimotion.motion import rotations as r

seeds = st.integers(0, 2**32 - 1)


def random_matrices(seed: int, count: int = 20) -> np.ndarray:
    return Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix()


@given(seeds)
def test_round_trips(seed: int) -> None:
    matrices = random_matrices(seed)
    assert np.allclose(r.quaternion_to_matrix(r.matrix_to_quaternion(matrices)), matrices)
    assert np.allclose(r.axis_angle_to_matrix(r.matrix_to_axis_angle(matrices)), matrices)
    assert np.allclose(r.matrix_from_6d(r.matrix_to_6d(matrices)), matrices)
    assert np.allclose(r.euler_to_matrix(r.matrix_to_euler_zyx(matrices), "ZYX"), matrices)


@given(seeds)
def test_agrees_with_scipy(seed: int) -> None:
    matrices = random_matrices(seed)
    scipy = Rotation.from_matrix(matrices)
    assert np.allclose(r.matrix_to_axis_angle(matrices), scipy.as_rotvec())
    assert np.allclose(r.matrix_to_quaternion(matrices), scipy.as_quat(canonical=True, scalar_first=True))
    angles = np.random.default_rng(seed).uniform(-3, 3, (10, 3))
    for order in ("XYZ", "ZXY", "YZX", "ZYX"):
        assert np.allclose(r.euler_to_matrix(angles, order), Rotation.from_euler(order, angles).as_matrix())


def test_6d_order_is_interhumans() -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    assert r.matrix_to_6d(matrix).tolist() == [0, 1, 3, 4, 6, 7]


def test_rotations_by_half_a_turn_and_by_nothing() -> None:
    for axis in np.eye(3):
        half_turn = r.axis_angle_to_matrix(np.pi * axis)
        assert np.allclose(r.axis_angle_to_matrix(r.matrix_to_axis_angle(half_turn)), half_turn)
    assert np.allclose(r.matrix_to_axis_angle(np.eye(3)), 0)
    tiny = np.array([1e-10, 0, 0])
    assert np.allclose(r.matrix_to_axis_angle(r.axis_angle_to_matrix(tiny)), tiny, atol=1e-12)


def test_euler_pole() -> None:
    matrix = r.euler_to_matrix(np.array([0.3, np.pi / 2, 0.4]), "ZYX")
    assert np.allclose(r.euler_to_matrix(r.matrix_to_euler_zyx(matrix), "ZYX"), matrix, atol=1e-6)


@given(seeds)
def test_rotation_between(seed: int) -> None:
    random = np.random.default_rng(seed)
    source, target = r.normalize(random.normal(size=(2, 10, 3)))
    target[0] = -source[0]
    target[1] = source[1]
    assert np.allclose((r.rotation_between(source, target) @ source[..., None])[..., 0], target, atol=1e-6)


@given(seeds)
def test_kabsch_finds_the_rotation(seed: int) -> None:
    matrices = random_matrices(seed)
    points = np.random.default_rng(seed).normal(size=(20, 3, 3))
    assert np.allclose(r.kabsch(points, points @ np.swapaxes(matrices, -1, -2)), matrices, atol=1e-5)


@given(seeds, st.floats(0, 1))
def test_slerp_matches_scipy(seed: int, weight: float) -> None:
    start, end = random_matrices(seed, 2)
    expected = Rotation.from_matrix(start) * Rotation.from_rotvec(
        weight * (Rotation.from_matrix(start).inv() * Rotation.from_matrix(end)).as_rotvec()
    )
    assert np.allclose(r.slerp(start, end, weight), expected.as_matrix())


def test_yaw_takes_forward_to_the_left() -> None:
    assert np.allclose(r.yaw_matrix(np.pi / 2) @ [0, 0, 1], [1, 0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_torch_6d_equals_numpy(seed: int) -> None:
    six = np.random.default_rng(seed).normal(size=(5, 21, 6))
    assert np.allclose(differentiable.matrix_from_6d(torch.from_numpy(six)).numpy(), r.matrix_from_6d(six))
