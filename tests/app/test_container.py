"""The container's recipe fits the repository. (Building it needs Docker, and is no part of the tests.)"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from vimotion.app.guard import HEALTH
from vimotion.app.settings import KEY, ServerConfig
from vimotion.cli import app

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
STEPS = re.findall(r"^([A-Z]+)\s+((?:.*\\\n)*.*)$", RECIPE, re.MULTILINE)


def steps(name: str) -> list[str]:
    return [" ".join(text.split()) for step, text in STEPS if step == name]


def test_all_that_is_copied_is_there_and_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for step in steps("COPY") if not step.startswith("--from") for name in step.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_it_installs_what_the_project_names() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [asked] = re.findall(r"'\.\[(.*)\]'", RECIPE)
    assert any("pip install" in step and step.endswith(" openai") for step in steps("RUN"))  # for a model elsewhere
    assert "app" in asked.split(",") and set(asked.split(",")) <= set(extras)
    assert re.search(r"^torch==\d", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_it_runs_as_nobody_in_particular_and_listens_where_the_server_does() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", steps("USER")[-1])
    [health] = steps("HEALTHCHECK")
    port = ServerConfig.model_fields["port"].default
    assert f"http://127.0.0.1:{port}{HEALTH}" in health and steps("EXPOSE") == [str(port)]
    assert KEY in RECIPE
    command, *options = json.loads(steps("CMD")[-1])
    [serve] = [known for known in app.registered_commands if (known.name or known.callback.__name__) == command]
    assert options == ["--host", "0.0.0.0"] and "host" in serve.callback.__annotations__
