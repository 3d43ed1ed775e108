"""A motion of a conversation: what it is in the world, what the model sees of it, and the way between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vimotion.errors import UserError
from vimotion.formats import ExportOptions, save_motion
from vimotion.motion import FPS, Interaction, Skeleton, from_features, place, to_features
from vimotion.motion.rotations import slerp, yaw_matrix
from vimotion.tasks.messages import MotionPart, People
from vimotion.tokenizer import CodecSpec, MotionTokenizer

# What the model was made for, in seconds: it sees no more of a motion at once, and makes no more.
SHORTEST, LONGEST = 0.5, 10.0
_MOST_FRAMES = round(LONGEST * FPS)
# Frames over which a continuation leaves the pose of the motion it goes on from.
_SEAM = 10


@dataclass(frozen=True)
class Frame:
    """Where the canonical placing (`motion.place`) of a motion stands in its world: turned by `yaw` about +Y, then shifted."""

    yaw: float = 0.0
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @staticmethod
    def of(interaction: Interaction) -> tuple[Interaction, Frame]:
        """A motion in its canonical placing, and the frame that leads back."""
        placed = place(interaction)
        forward = interaction.facing()[0, 0]
        yaw = float(np.arctan2(forward[0], forward[2]))
        shift = interaction.root_positions[0, 0] - yaw_matrix(yaw) @ placed.root_positions[0, 0]
        return placed, Frame(yaw, (float(shift[0]), float(shift[1]), float(shift[2])))

    def to_world(self, interaction: Interaction) -> Interaction:
        return interaction.moved(self.yaw, self.translation)


@dataclass(frozen=True, eq=False, repr=False)
class Motion:
    """A motion that a conversation can refer to.

    Attributes:
        name: "motion_0", "motion_1", … in the order in which they came.
        interaction: in the world frame, at 30 fps; of an uploaded motion all that the user gave.
        codes: (P, rows, levels), what the model sees.
        first: the frame of `interaction` at which the codes begin.
        frame: from the canonical placing in which the codes stand to the world.
        made: by the model, not by the user.
        given: frames of each person, from the first on, that a user gave; by default all of a user's motion and none of one
            that is made. A reaction has a given person, what goes on from a given motion has a given beginning.
    """

    name: str
    interaction: Interaction
    codes: np.ndarray
    first: int = 0
    frame: Frame = Frame()
    made: bool = False
    given: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.given:
            frames = 0 if self.made else self.interaction.num_frames
            object.__setattr__(self, "given", (frames,) * self.interaction.num_people)

    def __repr__(self) -> str:
        return f"Motion({self.name}, {self.people}, {self.duration:.2f} s)"

    @property
    def people(self) -> People:
        return "ab" if self.interaction.num_people == 2 else "a"

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.interaction.duration

    @property
    def reference(self) -> str:
        """How a message names it."""
        return f"<{self.name}>"

    def seen(self, spec: CodecSpec) -> slice:
        """The frames that the codes stand for."""
        return slice(self.first, min(self.first + spec.frames(self.codes.shape[1]), self.interaction.num_frames))

    def codes_of(self, part: MotionPart, spec: CodecSpec) -> np.ndarray:
        """Codes of the people and steps that a part names, (people, rows, levels)."""
        codes = self.codes[:, spec.rows_between(part.start, part.stop)]
        return codes[["ab".index(person) for person in part.people]]

    def save(self, path: str | Path, options: ExportOptions | None = None) -> list[Path]:
        """Write it as the ending says, see `formats.save_motion`; the files written.

        Without `options` a motion that the model made is cleaned, and one that was given is not. What was given of a motion
        that the model made is never cleaned.
        """
        options = options or ExportOptions(clean=self.made)
        return save_motion(self.interaction, path, replace(options, given=self.given if self.made else ()))


def check_duration(seconds: float | None) -> None:
    """Refuse a length that cannot be made at once.

    Raises:
        UserError: it is not 0.5 to 10 seconds.
    """
    if seconds is not None and not SHORTEST <= seconds <= LONGEST:
        raise UserError(f"A motion can be {SHORTEST:g} to {LONGEST:g} seconds long at once, not {seconds:g}.")


def read_motion(interaction: Interaction, codec: MotionTokenizer, name: str, ending: bool = False) -> Motion:
    """A motion as a user gives it → what the model sees: at most its first 10 seconds.

    Args:
        ending: see the last 10 seconds instead, in whole steps that end with the motion, as a continuation needs.

    Raises:
        UserError: it is too short.
    """
    interaction = interaction.resampled(FPS) if abs(interaction.fps - FPS) > 1e-6 else interaction
    if interaction.duration < SHORTEST - 1e-6:
        raise UserError(f"The motion lasts {interaction.duration:.2f} seconds; give one of at least {SHORTEST:g} seconds.")
    first, last, step = 0, interaction.num_frames, codec.spec.step_frames
    if ending or last > _MOST_FRAMES:
        whole = step * (min(last, _MOST_FRAMES) // step)
        first, last = (last - whole, last) if ending else (0, whole)
    placed, frame = Frame.of(interaction.frames(first, last))
    codes = codec.encode(to_features(_with_next(placed)).transpose(1, 0, 2))
    return Motion(name, interaction, codes, first, frame)


def _with_next(interaction: Interaction) -> Interaction:
    """One frame more, at the pace of the last two: a frame's vector needs the frame after it."""
    before, last = interaction.frames(-2, -1), interaction.frames(-1, interaction.num_frames)
    turn = last.local_rotations @ np.swapaxes(before.local_rotations, -1, -2)
    roots = 2 * last.root_positions - before.root_positions
    return interaction.followed_by(replace(last, root_positions=roots, local_rotations=turn @ last.local_rotations))


def decode(codec: MotionTokenizer, codes: np.ndarray, frame: Frame, skeletons: Sequence[Skeleton] | None = None) -> Interaction:
    """Codes (P, rows, levels) → the motion in the world, (steps · step_frames) frames.

    The people have the given skeletons, or the size that the codes tell.
    """
    return frame.to_world(from_features(codec.decode(codes).transpose(1, 0, 2), skeletons))


def continued(given: Interaction, whole: Interaction, cut: int) -> Interaction:
    """`given`, and after it frames `cut` and on of `whole`, of which the first `cut` frames are `given` after the codec.

    Codes do not tell a pose to the millimetre, so the new part begins in the given pose and leaves it over a third of a
    second.
    """
    last, guessed = given.frames(given.num_frames - 1, given.num_frames), whole.frames(cut - 1, cut)
    new = whole.frames(cut, whole.num_frames)
    fade = np.clip(1 - (np.arange(new.num_frames) + 1) / _SEAM, 0, 1)
    fade = (fade * fade * (3 - 2 * fade))[:, None, None]
    roots = new.root_positions + fade * (last.root_positions - guessed.root_positions)
    turn = last.local_rotations @ np.swapaxes(guessed.local_rotations, -1, -2)
    turns = slerp(np.broadcast_to(np.eye(3), new.local_rotations.shape), turn, fade)
    return given.followed_by(replace(new, root_positions=roots, local_rotations=turns @ new.local_rotations))
