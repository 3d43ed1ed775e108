"""What the command says on the terminal, and how it reads what was typed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from vimotion.errors import UserError

SeedOption = Annotated[int, typer.Option(min=0, max=2**53, help="The same seed gives the same motion.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
ShardOption = Annotated[
    str, typer.Option("--shard", "--shards", metavar="I/N", help="Make the I-th of N parts, I from 1 to N.")
]

_SECONDS_A_LINE = 30.0  # between two lines of progress where there is no terminal


def shard(text: str) -> tuple[int, int]:
    """ "2/3" as (2, 3)."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    part, parts = (int(number) for number in match.groups()) if match else (0, 0)
    if not 1 <= part <= parts:
        raise UserError(f"--shard is I/N with I from 1 to N, for example 2/3, not {text!r}.")
    return part, parts


@contextmanager
def progress(what: str) -> Iterator[Callable[..., None]]:
    """Shows (done, total) with the rate and the time left: a bar on a terminal, elsewhere a line now and then.

    A third argument says from then on what is counted.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    bar = Progress(BarColumn(), TextColumn("{task.description}"), console=console)
    task = bar.add_task("")
    began: tuple[float, int] | None = None
    told = 0.0

    def show(done: int, total: int, now_of: str = "") -> None:
        nonlocal began, told, what
        now = time.monotonic()
        if now_of and now_of != what:
            what, began, told = now_of, None, 0.0
        began = began or (now, done)
        text = f"{done:,} of {total:,} {what}"
        if (made := done - began[1]) and now > began[0]:
            rate = made / (now - began[0])
            pace = f"{rate:.1f} a second" if rate >= 0.1 else f"{1 / rate:.0f} s each"
            text += f", {pace}, {timedelta(seconds=round((total - done) / rate))} left"
        if console.is_terminal:
            bar.start()  # not before the arguments were found to be good
            bar.update(task, completed=done, total=total, description=text)
        elif now - told > _SECONDS_A_LINE or done == total:
            told = now
            tell(text)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def check_text(text: str) -> None:
    if not text.strip():
        raise UserError("The text is empty; say something.")


def check_output(path: Path, *endings: str) -> None:
    """Before anything long is begun: can this be written?"""
    from vimotion.formats import WRITABLE

    allowed = endings or WRITABLE
    if path.suffix.lower() not in allowed:
        raise UserError(f"{path.name} needs one of the endings {', '.join(allowed)}.")
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it.")


def report(as_json: bool, content: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(content) if as_json else text)


def tell(text: str) -> None:
    typer.echo(text, err=True)
