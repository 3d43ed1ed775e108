"""The painter and the contact sheet: who is where, in which colour, and how large the file is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from poses import random_interaction

from vimotion.errors import UserError
from vimotion.formats.painter import Camera, Painter
from vimotion.formats.sheet import save_sheet
from vimotion.motion import JOINT, NUM_JOINTS, Interaction, Skeleton
from vimotion.motion.rotations import yaw_matrix

STANDARD = Skeleton.standard()


def standing(*places: tuple[float, float, float]) -> Interaction:
    """People in the T-pose at (x, z), turned by yaw, for two frames."""
    rotations = np.tile(np.eye(3), (2, len(places), NUM_JOINTS, 1, 1))
    roots = np.empty((2, len(places), 3))
    for person, (x, z, yaw) in enumerate(places):
        roots[:, person] = x, STANDARD.pelvis_height, z
        rotations[:, person, 0] = yaw_matrix(yaw)
    return Interaction(roots, rotations, (STANDARD,) * len(places))


FACE_TO_FACE = standing((0, 0, 0), (0, 1.6, np.pi))


def warm_and_blue(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Masks (H, W) of the clothes of a and of b."""
    red, _, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(int), -1, 0)
    return (red - blue) > 60, (blue - red) > 50


@pytest.mark.parametrize("metres", [100.0, 20_000.0])
def test_people_far_apart_are_drawn_in_a_moment(metres: float, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = 0
    line = ImageDraw.ImageDraw.line

    def counted(self: ImageDraw.ImageDraw, *arguments: object, **named: object) -> None:
        nonlocal lines
        lines += 1
        assert lines <= 250
        line(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "line", counted)
    Painter(standing((0, 0, 0), (0, metres, np.pi)), (320, 240)).frame(0)
    assert lines > 20


def test_a_is_warm_and_left_and_b_is_blue_and_right() -> None:
    warm, blue = warm_and_blue(Painter(FACE_TO_FACE, (320, 240)).frame(0))
    assert warm.sum() > 500 and blue.sum() > 500
    assert np.nonzero(warm)[1].mean() < 160 < np.nonzero(blue)[1].mean()


@pytest.mark.parametrize("seed", range(8))
def test_camera_holds_everyone_in_every_frame(seed: int) -> None:
    motion = random_interaction(seed, people=1 + seed % 2)
    pixels, depth = Camera.framing(motion, (400, 300)).project(motion.joint_positions)
    assert (pixels > 0).all() and (pixels < (400, 300)).all() and (depth > 1).all()


def test_world_up_is_up_and_camera_is_not_mirrored() -> None:
    camera = Camera.framing(standing((0, 0, 0)), (400, 300))
    up, _ = camera.project(np.array([[0.0, 0, 0], [0, 1, 0]]))
    assert up[1, 1] < up[0, 1]
    assert np.linalg.det(camera.axes) == pytest.approx(1.0)
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)


def test_the_near_person_hides_the_far_one() -> None:
    # both in the line of sight: b stands where the camera looks at a from
    alone = standing((0, 0, 0))
    camera = Camera.framing(FACE_TO_FACE, (320, 240))
    towards = camera.axes[2] * (1, 0, 1) / np.linalg.norm(camera.axes[2] * (1, 0, 1))
    for step, hidden in ((0.8, True), (-0.8, False)):
        other = standing((*(towards * step)[[0, 2]], 0))
        painter = Painter(alone.joined(other), (320, 240))
        painter.camera = camera
        warm, _ = warm_and_blue(painter.frame(0))
        alone_warm, _ = warm_and_blue(_with_camera(alone, camera))
        assert (warm.sum() < 0.7 * alone_warm.sum()) == hidden


def _with_camera(motion: Interaction, camera: Camera) -> Image.Image:
    painter = Painter(motion, (320, 240))
    painter.camera = camera
    return painter.frame(0)


def test_left_sleeve_is_lighter_than_right_sleeve() -> None:
    motion = standing((0, 0, 0))
    painter = Painter(motion, (400, 400))
    image = np.asarray(painter.frame(0)).astype(int)
    brightness = {}
    for side in ("left", "right"):
        middle = motion.joint_positions[0, 0, [JOINT[f"{side}_shoulder"], JOINT[f"{side}_elbow"]]].mean(axis=0)
        x, y = (painter.camera.project(middle)[0] / 2).round().astype(int)
        brightness[side] = image[y - 1 : y + 2, x - 1 : x + 2].mean()
    assert brightness["left"] > 1.2 * brightness["right"]


def test_sheet_is_small_and_holds_every_frame(tmp_path: Path) -> None:
    motion = random_interaction(4, frames=90, bend=0.3)
    save_sheet(motion, tmp_path / "sheet.png", frames=8, title="two people")
    assert (tmp_path / "sheet.png").stat().st_size < 60_000
    image = Image.open(tmp_path / "sheet.png")
    assert image.mode == "P" and image.width == 4 * 320
    warm, blue = warm_and_blue(image)
    for column in range(4):
        for rows in (slice(0, image.height // 2), slice(image.height // 2, None)):
            cell = slice(column * 320, (column + 1) * 320)
            assert warm[rows, cell].any() and blue[rows, cell].any()
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_sheets_below_each_other_and_short_motions(tmp_path: Path) -> None:
    one, short = random_interaction(1, people=1), random_interaction(2, frames=3)
    save_sheet([one, short], tmp_path / "both.png", frames=5, title=["before", "after"], columns=5)
    assert Image.open(tmp_path / "both.png").width == 5 * 320
    save_sheet(short.frames(0, 1), tmp_path / "still.png")
    assert Image.open(tmp_path / "still.png").width == 320


@pytest.mark.parametrize("arguments", [{"frames": 0}, {"columns": 0}, {"title": ["one", "two"]}])
def test_nonsense_gives_one_sentence(tmp_path: Path, arguments: dict) -> None:
    with pytest.raises(UserError):
        save_sheet(FACE_TO_FACE, tmp_path / "sheet.png", **arguments)
    assert not list(tmp_path.iterdir())


def test_camera_follows_only_those_who_walk_far() -> None:
    staying, walking = standing((0, 0, 0)), standing((0, 0, 0), (0.8, 0, 0))
    steps = np.linspace(0, 30, 120)[:, None, None] * np.array([0.0, 0.0, 1.0])
    still = np.tile(np.eye(3), (120, 2, NUM_JOINTS, 1, 1))
    walking = Interaction(walking.root_positions[:1] + steps, still, (STANDARD,) * 2)
    assert not Painter(staying, (320, 240))._path.any()
    painter = Painter(walking, (320, 240))
    for frame in (0, 60, 119):
        rows = np.nonzero(np.logical_or(*warm_and_blue(painter.frame(frame))).any(axis=1))[0]
        assert 100 < np.ptp(rows) < 230


def test_both_are_seen_from_the_front_when_they_face_the_same_way() -> None:
    for yaw in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        motion = standing((0, 0, 0), (0.8, 0, 0)).moved(yaw)
        assert Camera.framing(motion, (320, 240)).axes[2] @ motion.facing()[0, 0] > 0
