"""Typed settings: pydantic models read from YAML, changed by `--set a.b=value`. An unknown key is an error."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError


class Config(BaseModel):
    """Base of every recipe and of its parts: no unknown keys, not changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Config)


def load_config(model: type[Model], path: Path | str | None = None, overrides: Iterable[str] = ()) -> Model:
    """The recipe in a YAML file (or the defaults, without a file), changed by overrides such as "loop.steps=100".

    Raises:
        UserError: a file that cannot be read, an unknown key, or a value of the wrong kind; the message names the key.
    """
    values = {} if path is None else _read_yaml(Path(path))
    for override in overrides:
        _set(values, override)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        where = f"In {path}: " if path else ""
        raise UserError(where + "; ".join(_sentence(model, entry) for entry in error.errors()) + ".") from None


def save_config(config: Config, path: Path) -> None:
    """The resolved settings, as YAML that `load_config` reads back."""
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no recipe {path}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"The recipe {path} cannot be read: {error}".replace("\n", " ")) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"The recipe {path} must hold `key: value` lines.")
    return values


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parents, _, last = key.strip().rpartition(".")
    if not equals or not last:
        raise UserError(f"A setting is written a.b=value, not {override!r}.")
    for name in parents.split(".") if parents else ():
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise UserError(f"{key!r} cannot be set: {name!r} is a single value.")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"The value of {key!r} cannot be read: {text!r}.") from None


def _sentence(model: type[Config], entry: Any) -> str:
    key = ".".join(str(part) for part in entry["loc"]) or "the recipe"
    if entry["type"] != "extra_forbidden":
        return f"{key!r}: {entry['msg']}"
    for name in entry["loc"][:-1]:
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, Config)):
            return f"{key!r} is not a known key"
        model = annotation
    return f"{key!r} is not a known key; known are {', '.join(model.model_fields)}"
