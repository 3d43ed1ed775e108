"""Send a server requests of all kinds, as its description allows them and as it does not: none may end in a 5xx.

    python tools/fuzz_api.py --cases 5000                               # a server with a tiny random model
    python tools/fuzz_api.py --cases 5000 --url http://127.0.0.1:8765   # one that runs

Schemathesis makes the requests, from /openapi.json: examples, the edges of every parameter, random ones, and sequences in
which the ids of one answer go into the next request. Every answer is also held to the description: status, type and shape.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

TESTS = Path(__file__).parents[1] / "tests"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def fuzz(url: str, cases: int, seed: int) -> int:
    """Rounds of schemathesis until so many requests were sent; the exit status."""
    operations = sum(len(methods) for methods in httpx.get(f"{url}/openapi.json").json()["paths"].values())
    sent = 0
    while sent < cases:
        each = max(1, -(-(cases - sent) // operations))
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", CHECKS, "--seed", str(seed),
            "--max-examples", str(min(each, 100)), "--suppress-health-check", "all", "--no-color", "--warnings", "off",
            "--request-timeout", "300",
        ]  # fmt: skip
        with tempfile.TemporaryDirectory() as scratch:  # for what schemathesis writes where it runs
            run = subprocess.run(command, capture_output=True, text=True, cwd=scratch)
        found = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) generated", run.stdout)]
        if run.returncode or not found:
            print(run.stdout[-6000:], run.stderr[-2000:], sep="\n")
            return 1
        sent, seed = sent + sum(found), seed + 1
        print(f"{sent:,} requests, none answered with a 5xx or against the description", flush=True)
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--url", help="Of a server that runs.")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.url:
        sys.exit(fuzz(chosen.url, chosen.cases, chosen.seed))
    sys.path.insert(0, str(TESTS))
    from app.running import in_thread
    from chat.tiny_model import tiny_model

    from vimotion.app.settings import ServerConfig
    from vimotion.chat import Model

    with tempfile.TemporaryDirectory() as folder:
        config = ServerConfig(folder=Path(folder), port=0)
        with in_thread(Model(tiny_model(), "tiny"), config) as (url, _):
            status = fuzz(url, chosen.cases, chosen.seed)
    sys.exit(status)


if __name__ == "__main__":
    main()
