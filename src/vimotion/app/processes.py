"""Work in a process of its own: it may take so much memory and so much time, and what it took is given back when it ends.

Files of strangers can cost both before they turn out to be none, and so can pictures of a long motion. Such a module says
`answer(work)` at its end, and the server calls `work_in_process`. It should start without torch.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vimotion.errors import UserError

_REFUSED, _NO_MEMORY = 2, 3
# What another process needs of our environment. Keys and passwords stay here.
_PASSED_ON = (
    "PATH", "PYTHON", "LD_", "DYLD_", "HOME", "TMP", "TEMP", "LANG", "LC_", "SYSTEMROOT", "VIRTUAL_ENV", "IMAGEIO_FFMPEG",
)  # fmt: skip
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


async def work_in_process(
    module: str, folder: Path, wish: Mapping[str, Any], seconds: float, most_bytes: int, failure: tuple[str, str]
) -> None:  # fmt: skip
    """Let a module of ours work on the files of a folder. Whoever waits no longer ends it.

    Args:
        wish: what its `work` gets, as JSON.
        seconds, most_bytes: that it may take.
        failure: what could not be done, such as "a.bvh could not be read", and what to do then, such as "send less".

    Raises:
        UserError: it refused, or took too much.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, str(folder), str(most_bytes), json.dumps(wish),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=_environment(), start_new_session=True,
    )  # fmt: skip
    what, advice = failure
    try:
        async with asyncio.timeout(seconds):
            said, failed = await process.communicate()
    except TimeoutError:
        raise UserError(f"{what} within {seconds:g} seconds; {advice}.") from None
    finally:
        if process.returncode is None:
            _kill(process)
            await process.wait()
    status = process.returncode or 0
    if status == _REFUSED:
        raise UserError(json.loads(said))
    if status == _NO_MEMORY or status < 0:  # a signal, of a machine that has no memory left
        raise UserError(f"{what}: it takes too much memory; {advice}.")
    if status:
        raise RuntimeError(f"{module} ended with {status}: {failed.decode(errors='replace')[-2000:]}")


def answer(work: Callable[..., None]) -> None:
    """In the other process: do the work that was asked for in a folder, or say why not."""
    folder, wish = Path(sys.argv[1]), json.loads(sys.argv[3])
    limit_memory(int(sys.argv[2]))
    warnings.simplefilter("ignore")
    try:
        work(folder, **wish)
    except UserError as error:
        print(json.dumps(str(error).replace(f"{folder}/", "")))
        sys.exit(_REFUSED)
    except MemoryError:
        sys.exit(_NO_MEMORY)


def limit_memory(most: int) -> None:
    """So many bytes for this process."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper().startswith(_PASSED_ON)} | _ONE_THREAD


def _kill(process: asyncio.subprocess.Process) -> None:
    """With what it started itself, such as ffmpeg."""
    try:
        os.killpg(process.pid, 9)
    except (AttributeError, ProcessLookupError):  # Windows has no groups
        process.kill()
