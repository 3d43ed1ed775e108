"""Readers that run in Node.js: Khronos' validator of glTF, and three.js. `make test` installs both where there is an npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

# A node_modules folder with the packages gltf-validator and three.
MODULES = Path(os.environ.get("VIMOTION_NODE_MODULES", Path(__file__).parents[2] / "build" / "npm" / "node_modules")).absolute()


def here(package: str) -> bool:
    return shutil.which("node") is not None and (MODULES / package).is_dir()


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not here(package), reason=f"no Node.js, or no {package} in {MODULES} (npm install it)")


_VALIDATE = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 0})
  .then(report => console.log(JSON.stringify(report.issues)));
"""


def check_glb(path: Path) -> None:
    """No error and no warning in a file."""
    issues = _said("-e", _VALIDATE, str(path))
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


# What a script for `three_js` finds: THREE, the bytes of the file, and what it was given.
_BEGIN = """
import * as fs from 'fs';
const [, , modules, file, ...words] = process.argv;
const THREE = await import(modules + '/three/build/three.module.js');
const read = fs.readFileSync(file), bytes = read.buffer.slice(read.byteOffset, read.byteOffset + read.length);
const given = words.map(JSON.parse);
"""


def three_js(script: str, file: Path, *given: Any) -> Any:
    """What a script of three.js says of a file, as JSON; it finds `given` and `bytes`, and `modules` to import from."""
    program = file.with_suffix(".mjs")
    program.write_text(_BEGIN + script)
    return _said(str(program), str(MODULES), str(file), *map(json.dumps, given))


def _said(*arguments: str) -> Any:
    environment = os.environ | {"NODE_PATH": str(MODULES)}
    return json.loads(subprocess.run(["node", *arguments], env=environment, capture_output=True, text=True, check=True).stdout)
