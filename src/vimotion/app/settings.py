"""`ServerConfig`: where the server listens, who may use it, and how much of it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

from pydantic import Field, SecretStr

from vimotion.artifacts import vimotion_home
from vimotion.config import Config
from vimotion.errors import UserError

# Holds the key, so that no list of processes shows it.
KEY = "VIMOTION_SERVER_KEY"


class ServerConfig(Config):
    """The settings of `vimotion serve`.

    Attributes:
        host, port: where it listens. Without a key only an address of this machine itself is allowed.
        key: that clients send as `Authorization: Bearer …`; taken from $VIMOTION_SERVER_KEY alone.
        folder: of the database; default: `app` in $VIMOTION_HOME.
        slots: answers that are written at a time, by batched decoding.
        max_waiting: answers that may wait for a slot; with more the server is busy (429).
        max_seconds: that a reply may take from its request to its end, waiting included.
        max_tokens: of a conversation and the answer to it together; the memory of a slot grows with it.
        max_samples: answers to one request.
        max_body_bytes, max_upload_bytes: of a request, and of one that brings motion files; counted while they come.
        max_frames: of an uploaded motion, at 30 fps, and of a file that is asked for at another rate.
        max_reading_seconds, max_reading_bytes: for reading an uploaded motion, which a process of its own does.
        max_writing_seconds, max_writing_bytes: for writing a motion as a file, which a process of its own does.
        max_kept_bytes: of the database; what is above that is not taken before something is deleted.
        max_sessions: conversations that are kept.
        keep_days: that a motion is kept which is in no kept conversation.
        log_text: whether the log may hold what users say.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    key: SecretStr | None = None
    folder: Path | None = None
    slots: int = Field(default=8, ge=1, le=256)
    max_waiting: int = Field(default=128, ge=0)
    max_seconds: float = Field(default=300.0, gt=0)
    max_tokens: int = Field(default=4096, ge=256)
    max_samples: int = Field(default=8, ge=1, le=64)
    max_body_bytes: int = Field(default=1_000_000, ge=1000)
    max_upload_bytes: int = Field(default=30_000_000, ge=1000)
    max_frames: int = Field(default=3600, ge=15)
    max_reading_seconds: float = Field(default=60.0, gt=0)
    max_reading_bytes: int = Field(default=3_000_000_000, ge=500_000_000)
    max_writing_seconds: float = Field(default=300.0, gt=0)
    max_writing_bytes: int = Field(default=3_000_000_000, ge=500_000_000)
    max_kept_bytes: int = Field(default=20_000_000_000, ge=1_000_000)
    max_sessions: int = Field(default=10_000, ge=1)
    keep_days: float = Field(default=30.0, gt=0)
    log_text: bool = False

    @property
    def database(self) -> Path:
        return (self.folder or vimotion_home() / "app") / "studio.sqlite"

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the server."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def checked(self) -> ServerConfig:
        """These settings with the key from the environment.

        Raises:
            UserError: the key is in the settings, or it is weak, or others than this machine would reach a server without one.
        """
        if self.key:
            raise UserError(f"A list of processes shows what is typed; put the key into {KEY}.")
        secret = os.environ.get(KEY, "")
        if not secret and not self.loopback:
            raise UserError(f"At {self.host} others reach the server; put a key into {KEY}, or listen at 127.0.0.1.")
        if secret and (len(secret) < 16 or not secret.isascii() or not secret.isprintable() or " " in secret):
            raise UserError(f"The key in {KEY} must be 16 or more plain characters; `openssl rand -hex 24` makes one.")
        return self.model_copy(update={"key": SecretStr(secret) if secret else None})
