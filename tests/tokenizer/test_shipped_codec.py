"""The codecs that come with the package, on scenes that they were not trained on."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import yaml

from vimotion.chat.model import SHIPPED as SHIPPED_MODEL
from vimotion.choreography import KINDS, make_scene, plain_scene
from vimotion.motion import place, to_features
from vimotion.tokenizer import SHIPPED, MotionTokenizer
from vimotion.tokenizer.quality import reconstruction_errors

# The shipped model is older than most kinds; its recipe of evaluation lists those that it was taught.
TAUGHT = yaml.safe_load((Path(__file__).parents[2] / "recipes" / "evaluate" / "first_twelve.yaml").read_text())["kinds"]


def errors(codec: Path, kinds: Iterable[str]) -> dict[str, dict[str, float]]:
    tokenizer = MotionTokenizer.load(codec)
    found = {}
    for name in kinds:
        scene = make_scene(plain_scene(name, seed=987_654))
        facts = {"events": [asdict(event) for event in scene.events]}
        found[name] = reconstruction_errors(tokenizer, [(to_features(place(scene.interaction)), facts)])
    return found


def test_the_models_own_codec_tells_what_it_was_taught_to_a_hands_breadth() -> None:
    world = {name: error["world_mm"] for name, error in errors(SHIPPED_MODEL / "motion_codec", TAUGHT).items()}
    assert np.mean(list(world.values())) < 40 and max(world.values()) < 90, world


def test_every_kind_of_scene_and_its_contacts() -> None:
    found = errors(SHIPPED, KINDS)
    world = {name: error["world_mm"] for name, error in found.items()}
    contact = {name: error["contact_difference_mm"] for name, error in found.items() if "contact_mm" in error}
    assert np.mean(list(world.values())) < 35 and max(world.values()) < 70, world
    assert len(contact) > 20 and np.mean(list(contact.values())) < 45, contact


def test_it_writes_at_most_sixty_tokens_a_second_of_two_people() -> None:
    spec = MotionTokenizer.load(SHIPPED).spec
    assert 2 * spec.steps(300) * spec.levels / 10 <= 60
