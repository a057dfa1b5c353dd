# Everything runs in .venv, which is made once; a second run installs nothing.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: setup demo test lint bench test-old-cpu clean

setup: .venv/installed

.venv/installed: constraints.txt pyproject.toml runtime/pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) pip hatchling editables
	$(PIP) --no-build-isolation --editable 'runtime[litert,onnx,dicom]' --editable '.[test]'
	touch $@

demo: setup
	$(BIN)/edge-kit demo

test: lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Whole-process cold start against a floor and the customary script, as ratios in one run.
bench: setup
	$(BIN)/python benchmarks/cold_start.py

# The same films natively and on an emulated processor without VNNI; about five minutes.
test-old-cpu: setup
	$(BIN)/python tests/hardware/old_cpu.py

clean:
	rm -rf .venv demo build dist .mypy_cache .pytest_cache .ruff_cache
