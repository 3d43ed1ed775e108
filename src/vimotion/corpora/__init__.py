"""Corpora: every source of motion becomes one prepared store."""

from vimotion.corpora.store import Record, Store, open_store

__all__ = ["Record", "Store", "open_store"]
