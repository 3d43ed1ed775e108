"""Where things are kept, and what each of them was made from.

Everything that is trained or built is a folder with a `manifest.json`: its kind, settings, seed, git commit, the hashes of
the folders it was made from, package versions, and figures.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from vimotion.errors import UserError

MANIFEST = "manifest.json"
_PACKAGES = ("vimotion", "accelerate", "numpy", "peft", "safetensors", "torch", "transformers")
# What a training run leaves beside its result, and the next stage does not read.
_NOT_HASHED = ("checkpoints", "metrics.jsonl")


def vimotion_home() -> Path:
    """The folder of data, downloads and runs: $VIMOTION_HOME, or `vimotion` in the user's cache folder."""
    if home := os.environ.get("VIMOTION_HOME"):
        return Path(home).expanduser()
    if sys.platform == "darwin":
        cache = Path("~/Library/Caches")
    elif sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return cache.expanduser() / "vimotion"


def run_folder(name: str) -> Path:
    """Where the training run `name` is kept."""
    return vimotion_home() / "runs" / name


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, for a file or a folder, that takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # processes of several machines, or containers, may share a folder
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir():
            _remove(path)  # a folder cannot be replaced in one step
        temporary.replace(path)
    finally:
        _remove(temporary)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files, checkpoints and metrics left out; of a file its content's."""
    if Path(folder).is_file():
        with Path(folder).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*"), key=lambda found: found.relative_to(folder).as_posix()):
        relative = path.relative_to(folder)
        if path.is_dir() or relative.parts[0] in _NOT_HASHED:
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{relative.as_posix()}\n{content}\n".encode())
    return digest.hexdigest()


def write_manifest(
    folder: Path,
    kind: str,
    config: Mapping[str, Any],
    seed: int,
    parents: Mapping[str, Path] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> None:
    """Write `manifest.json` into `folder`; `parents` are the folders that it was made from, by the part they played."""
    manifest = {
        "kind": kind,
        "config": dict(config),
        "seed": seed,
        "commit": source_commit(),
        "parents": {
            name: {"folder": Path(parent).name, "sha256": fingerprint(parent)} for name, parent in (parents or {}).items()
        },
        "packages": {"python": platform.python_version()} | _versions(),
        "metrics": dict(metrics or {}),
    }
    with atomic_path(Path(folder) / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What `write_manifest` wrote.

    Raises:
        UserError: there is no manifest, or it cannot be read.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder} is not a VIMotion artifact: it has no {MANIFEST}.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    if not isinstance(manifest, dict) or "kind" not in manifest:
        raise UserError(f"{path} is not a VIMotion manifest.")
    return manifest


def source_commit() -> str | None:
    """The commit of the source tree ("+changes" when it differs from it), None where the package is not in one."""
    source = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=source, capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
