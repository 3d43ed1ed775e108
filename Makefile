# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up .venv/ when it is missing or old.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VALIDATOR := gltf-validator@2.0.0-dev.3.10

.PHONY: demo test clean

demo: $(READY)
	$(BIN)/python tools/demo.py

test: $(READY) build/npm
	$(BIN)/python -m pytest -n 2

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# Khronos' validator for the GLB test, where there is a Node.js to run it
build/npm:
	if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --no-save --prefix $@ $(VALIDATOR); fi

clean:
	rm -rf $(VENV) demo build
