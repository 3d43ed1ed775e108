from pathlib import Path

import pytest

from vimotion.config import Config, load_config, save_config
from vimotion.errors import UserError


class Inner(Config):
    rate: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


class Recipe(Config):
    name: str = "x"
    inner: Inner = Inner()


def test_a_file_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: run\ninner:\n  rate: 1e-3\n")
    recipe = load_config(Recipe, tmp_path / "r.yaml", ["inner.sizes=[3, 4]", "name=other"])
    assert recipe == Recipe(name="other", inner=Inner(rate=0.001, sizes=(3, 4)))


def test_defaults_without_a_file_and_from_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_config(Recipe) == load_config(Recipe, tmp_path / "empty.yaml") == Recipe()


def test_the_resolved_settings_read_back(tmp_path: Path) -> None:
    recipe = Recipe(inner=Inner(rate=1 / 3, sizes=(5,)))
    save_config(recipe, tmp_path / "config.yaml")
    assert load_config(Recipe, tmp_path / "config.yaml") == recipe


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("inner:\n  rat: 1\n", [], r"'inner.rat' is not a known key; known are rate, sizes"),
        ("", ["nam=1"], r"'nam' is not a known key; known are name, inner"),
        ("inner:\n  rate: fast\n", [], r"'inner.rate': .*number"),
        ("- 1\n", [], "key: value"),
        ("a: [\n", [], "cannot be read"),
        ("", ["name"], "a.b=value"),
        ("", ["name=[1"], "cannot be read"),
        ("name: x\n", ["name.part=1"], "single value"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, overrides: list[str], message: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_config(Recipe, tmp_path / "r.yaml", overrides)


def test_a_missing_recipe_is_named() -> None:
    with pytest.raises(UserError, match=r"no recipe nowhere\.yaml"):
        load_config(Recipe, "nowhere.yaml")
