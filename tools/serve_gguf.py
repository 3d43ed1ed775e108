"""A language model behind OpenAI's chat completions on this machine: llama.cpp's own server, from the wheel xllamacpp.

    pip install xllamacpp
    python tools/serve_gguf.py FILE.gguf --port 8000

Prints its address when it is ready, and runs until it is stopped.
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from xllamacpp import CommonParams, Server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--at-once", type=int, default=4, help="requests that are answered at once")
    parser.add_argument("--context", type=int, default=8192, help="tokens of a request and its reply together")
    parser.add_argument("--threads", type=int, default=-1, help="-1 takes all cores")
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        parser.error(f"{arguments.model} is no file")
    server = serve(arguments)  # it runs as long as it is held
    print(f"{server.listening_address}/v1", flush=True)
    threading.Event().wait()


def serve(arguments: argparse.Namespace) -> Server:
    params = CommonParams()
    params.model.path = str(arguments.model)
    params.port, params.verbosity = arguments.port, 1
    params.n_parallel, params.n_ctx = arguments.at_once, arguments.context * arguments.at_once
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = arguments.threads
    return Server(params)


if __name__ == "__main__":
    main()
