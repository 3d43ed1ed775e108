"""The README's commands do what it says, with the shipped model."""

import re
import shlex
from pathlib import Path

import pytest

from vimotion.choreography import SceneParameters, make_scene
from vimotion.choreography.parameters import Act
from vimotion.cli import main
from vimotion.formats import save_motion

ROOT = Path(__file__).parents[1]
# These wait for somebody: tests/chat and tests/app hold them.
_WAITING = {"chat", "serve"}


def commands(section: str) -> list[list[str]]:
    """The arguments of each `vimotion` in the first code block of a section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"^## {section}$.*?```bash\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert block, section
    lines = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    return [line[1:] for line in lines if line and line[0] == "vimotion"]


def test_the_commands_run_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_motion(make_scene(SceneParameters((Act("bow"),))).interaction.person(0), "bow.bvh")
    told = [arguments for arguments in commands("The command") if arguments[0] not in _WAITING]
    assert len(told) >= 8
    for arguments in told:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code, arguments
    assert all(Path(name).stat().st_size for name in ("handshake.npz", "firm.glb", "reaction.glb", "longer.npz", "sheet.png"))
    assert (Path("my-model") / "tokenizer.json").is_file()


def test_what_the_other_sections_name_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"(?:recipes|runs|docs)/[\w/.-]*\w", text)
    missing = [path for path in named if not (ROOT / path).exists()]
    assert len(named) > 10 and not missing
