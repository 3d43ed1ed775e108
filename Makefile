# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up .venv/ when it is missing or old.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_PACKAGES := gltf-validator@2.0.0-dev.3.10 three@0.187.0

.PHONY: demo test clean

demo: $(READY)
	$(BIN)/python tools/demo.py

test: $(READY) build/npm
	$(BIN)/python -m pytest -n 2

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# Khronos' validator and three.js read back what is written, where there is a Node.js to run them
build/npm:
	if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --no-save --prefix $@ $(NODE_PACKAGES); fi

clean:
	rm -rf $(VENV) demo build
