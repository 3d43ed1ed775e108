"""What the command says on the terminal."""

import time

import pytest

from vimotion import console
from vimotion.console import progress


@pytest.mark.parametrize(("seconds", "said"), [(2.0, "2.5 a second"), (50.0, "0.1 a second"), (260.0, "52 s each")])
def test_progress_tells_the_rate_and_of_what_is_slow_the_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seconds: float, said: str
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(console, "_SECONDS_A_LINE", 0.0)
    with progress("clips") as show:
        show(1, 11)
        now += seconds
        show(6, 11)
    left = f"0:0{int(seconds) // 60}:{int(seconds) % 60:02d} left"
    assert capsys.readouterr().err.splitlines()[-1] == f"6 of 11 clips, {said}, {left}"
