"""The log: one JSON object a line on standard error. What users say is not in it, unless the settings ask for that."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """`logging`'s records as JSON; `extra={"fields": {...}}` adds keys."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def start_logging() -> None:
    """Everything that this process logs from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    theirs = logging.getLogger("transformers")  # writes lines of its own otherwise
    theirs.handlers.clear()
    theirs.propagate = True
    for noisy in ("httpx", "httpx2", "asyncio", "PIL", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
