"""Many clients of one server at once: is anything lost, is order kept, does memory stay, and how much faster is it together?

    python tools/load_api.py --clients 32 --seconds 180            # starts a server with the shipped model
    python tools/load_api.py --url http://127.0.0.1:8765 --pid 12  # one that runs

First one client talks alone, then all do, each in kept conversations of its own, turn after turn. Afterwards every turn of
which the end was received must be there, each after the one before it. One JSON object on standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

ASKED = (
    "Two people walk up to each other and shake hands.", "Make it faster.", "What are the two people doing?",
    "Start closer together.",
)  # fmt: skip
PATIENCE = httpx.Timeout(600)


@dataclass
class Client:
    """One user: conversations of a few turns, one after another."""

    url: str
    number: int
    duration: float
    ended: threading.Event
    turns: dict[str, list[str]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)  # seconds to the first motion on screen
    whole: list[float] = field(default_factory=list)
    tokens: int = 0
    busy: int = 0
    errors: list[str] = field(default_factory=list)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as http:
            while not self.ended.is_set():
                session = http.post("/v1/sessions", json={}).json()["id"]
                kept = self.turns[session] = []
                for text in ASKED:
                    if self.ended.is_set():
                        return
                    self._say(http, session, text, kept)

    def _say(self, http: httpx.Client, session: str, text: str, kept: list[str]) -> None:
        wanted = {
            "messages": [{"role": "user", "content": text}], "session": session, "stream": True, "seed": self.number,
            "motion": "no" if text.endswith("?") else "must", "duration": None if text.endswith("?") else self.duration,
            "max_tokens": 60, "stream_options": {"include_usage": True},
        }  # fmt: skip
        while True:
            began, moved = time.monotonic(), False
            with http.stream("POST", "/v1/chat/completions", json=wanted) as reply:
                if reply.status_code == 429:
                    self.busy += 1
                    time.sleep(float(reply.headers["retry-after"]))
                    continue
                if reply.status_code != 200:
                    self.errors.append(reply.read().decode())
                    return
                for line in reply.iter_lines():
                    if not line.startswith("data: {"):
                        continue
                    event = json.loads(line[6:])
                    if "error" in event:
                        self.errors.append(line)
                    self.tokens += (event.get("usage") or {}).get("completion_tokens", 0)
                    for choice in event.get("choices", ()):
                        if "motion" in choice["delta"] and not moved:
                            moved = True
                            self.first.append(time.monotonic() - began)
                        if choice["finish_reason"]:
                            kept.append(choice["turn"])
                            self.whole.append(time.monotonic() - began)
            return


@contextmanager
def server(model: str | None) -> Iterator[tuple[str, int]]:
    """`vimotion serve` in a folder that is thrown away; its address and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        command = [sys.executable, "-m", "vimotion.cli", "serve", "--port", str(port), "--set", f"folder={folder}"]
        process = subprocess.Popen(command + (["--model", model] if model else []), stderr=log)
        try:
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).raise_for_status()
                    break
                except httpx.HTTPError:
                    if process.poll() is not None:
                        sys.exit((Path(folder) / "log").read_text())
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def talk(url: str, pid: int | None, clients: int, seconds: float, duration: float) -> tuple[list[Client], dict[str, Any]]:
    """So many clients for so long; what they saw, and the figures."""
    ended = threading.Event()
    users = [Client(url, number, duration, ended) for number in range(clients)]
    threads = [threading.Thread(target=user.run) for user in users]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    memory = []
    while time.monotonic() - began < seconds:
        time.sleep(min(5.0, seconds))
        memory.append(megabytes(pid))
    ended.set()
    for thread in threads:
        thread.join()
    took, third = time.monotonic() - began, max(1, len(memory) // 3)
    first, whole = ([value for user in users for value in getattr(user, name)] for name in ("first", "whole"))
    return users, {
        "clients": clients, "seconds": round(took, 1), "turns": len(whole),
        "tokens_per_second": round(sum(user.tokens for user in users) / took, 1),
        "turns_per_minute": round(60 * len(whole) / took, 1),
        "first_motion_seconds": round(median(first), 2) if first else None,
        "turn_seconds": round(median(whole), 2) if whole else None,
        "busy_429": sum(user.busy for user in users), "errors": [error for user in users for error in user.errors][:5],
        "megabytes": {"first_third": max(memory[:third]), "last_third": max(memory[-third:])},
    }  # fmt: skip


def lost(url: str, users: list[Client]) -> dict[str, int]:
    """Turns that are not there, or not where they were said."""
    missing = misplaced = checked = 0
    for user in users:
        for session, turns in user.turns.items():
            whole = httpx.get(f"{url}/v1/sessions/{session}", timeout=PATIENCE).json()
            kept = [turn["id"] for turn in whole["turns"]]
            checked += len(turns)
            missing += len(set(turns) - set(kept))
            misplaced += [turn["parent"] for turn in whole["turns"]] != [None, *kept[:-1]][: len(kept)]
            misplaced += kept != turns
    return {"checked": checked, "missing": missing, "out_of_order": misplaced}


def megabytes(pid: int | None) -> float:
    """What a process holds now; 0 where that cannot be seen."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return round(int(found[1]) / 1e3, 1) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="Of a server that runs.")
    parser.add_argument("--pid", type=int, help="Its process, to see its memory.")
    parser.add_argument("--model", help="Of the server that is started otherwise; default: the shipped one.")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--duration", type=float, default=3.0, help="Seconds of each motion.")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    def measure(url: str, pid: int | None) -> dict[str, Any]:
        _, alone = talk(url, pid, 1, chosen.seconds / 3, chosen.duration)
        users, together = talk(url, pid, chosen.clients, chosen.seconds, chosen.duration)
        ratio = together["tokens_per_second"] / max(alone["tokens_per_second"], 1e-9)
        return {"alone": alone, "together": together, "throughput_ratio": round(ratio, 2), "turns": lost(url, users)}

    if chosen.url:
        result = measure(chosen.url, chosen.pid)
    else:
        with server(chosen.model) as (url, pid):
            result = measure(url, pid)
    print(json.dumps(result, indent=1))
    if result["turns"]["missing"] or result["turns"]["out_of_order"] or result["together"]["errors"]:
        sys.exit("Something was lost.")


if __name__ == "__main__":
    main()
