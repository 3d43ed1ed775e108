"""Khronos' validator of glTF, where Node.js and its package are (`make test` installs it)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

# A node_modules folder with the package gltf-validator.
MODULES = Path(
    os.environ.get("VIMOTION_GLTF_VALIDATOR", Path(__file__).parents[2] / "build" / "npm" / "node_modules")
).absolute()
HERE = shutil.which("node") is not None and (MODULES / "gltf-validator").is_dir()
needs_khronos = pytest.mark.skipif(not HERE, reason=f"no Node.js, or no gltf-validator in {MODULES} (npm install it)")
_SCRIPT = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 0})
  .then(report => console.log(JSON.stringify(report.issues)));
"""


def check_glb(path: Path) -> None:
    """No error and no warning in a file."""
    call = ["node", "-e", _SCRIPT, str(path)]
    said = subprocess.run(call, env=os.environ | {"NODE_PATH": str(MODULES)}, capture_output=True, text=True, check=True).stdout
    issues: dict[str, Any] = json.loads(said)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]
