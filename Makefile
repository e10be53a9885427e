# Every target sets up what it needs, once: a fresh machine with Python 3.11 and make is enough.
#   make demo     compile the bundled digit classifier, show its fusions, run it in LiteRT and in litefuse
#   make test     everything a change must pass: lint, strict types, the whole test suite
#   make check    the tests alone          make lint / make types     the other two alone
#   make bench    time litefuse beside LiteRT on the bundled models (MODELS="a.tflite b.tflite" for others)

# The first interpreter that runs and is new enough (a version manager's shim may exist and not run).
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
            $$p -c '$(ENOUGH)' >/dev/null 2>&1 && echo $$p && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
MODELS ?= litefuse/data/digits_float32.tflite litefuse/data/digits_int8.tflite

.PHONY: demo test check lint types bench format clean

demo: $(VENV)/.ready
	$(BIN)/litefuse demo

test: lint types check

check: $(VENV)/.ready
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/python tools/view.py build/view
	$(BIN)/mypy --config-file pyproject.toml build/view/litefuse

bench: $(VENV)/.ready
	$(BIN)/litefuse bench $(MODELS)

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The stamp follows pyproject.toml: a new dependency or package folder installs again, nothing else does.
$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(ENOUGH)' || \
	  { echo "litefuse needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[test,dev]'
	touch $@

clean:
	rm -rf build/view .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
