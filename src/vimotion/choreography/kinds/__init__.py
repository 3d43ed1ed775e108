"""The interactions that the choreography knows, one file each: what lies in this folder is found by itself."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from vimotion.choreography.kind import Kind

KINDS: dict[str, Kind] = {
    module.name: import_module(f"{__name__}.{module.name}").KIND
    for module in sorted(iter_modules(__path__), key=lambda m: m.name)
}
