"""llama.cpp's own server on this machine, for tests that want a real one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVE = Path(__file__).parents[2] / "tools" / "serve_gguf.py"


@contextmanager
def serving_gguf(model: Path, context: int, at_once: int = 1) -> Iterator[str]:
    """The server's address, as long as the block lasts."""
    limits = ["--at-once", str(at_once), "--context", str(context), "--threads", "1"]
    with subprocess.Popen([sys.executable, SERVE, model, "--port", "0", *limits], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            assert url, "the server did not start"
            yield url
        finally:
            process.terminate()
