# Everything runs in .venv, which is made once; a second run installs nothing.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SHIPPED := models/model3-xray-0.1.0.edge
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: setup demo screenshots test lint bench wheelhouse zipapp fuzz test-hardware clean

setup: .venv/installed

.venv/installed: constraints.txt pyproject.toml runtime/pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) pip hatchling editables
	$(PIP) --no-build-isolation --editable 'runtime[litert,onnx,dicom]' --editable '.[test,scan]'
	touch $@

demo: setup
	$(BIN)/edge-kit demo

# The docs' pictures, of drawn films alone. Needs Debian's chromium and poppler-utils.
screenshots: setup
	$(BIN)/python benchmarks/screenshots.py build/screenshots docs/pictures

# Two processes, each file of tests in one of them.
test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Cold start, latency, throughput and memory, beside the floor and the customary scripts: 10 minutes.
bench: setup
	$(BIN)/edge-run bench $(SHIPPED)
	test ! -d ../shared/data || $(BIN)/edge-run bench $(SHIPPED) --films ../shared/data/xray --rounds 11

ARCH ?= x86_64
FOR_PYTHON ?= 3.11
# Everything for a machine without a network, in one folder for a USB stick: see runtime/README.md.
wheelhouse: setup
	$(BIN)/python -m offline.wheelhouse --arch $(ARCH) --python $(FOR_PYTHON) \
	    $(if $(LEAN),--lean) $(if $(DICOM),--dicom) $(if $(ONNX),--engine litert --engine onnx) \
	    --bundle $(or $(BUNDLE),$(SHIPPED)) $(if $(PROVE),--prove)

# One file, for machines that have Pillow and an engine.
zipapp: setup
	$(BIN)/python -m offline.onefile

# Damaged bundles and films; ten minutes, and no find.
fuzz: setup
	$(BIN)/python tests/fuzz/run.py bundles --count 20000
	$(BIN)/python tests/fuzz/run.py films --count 50000

# The same films on other processors, real and emulated: see tests/hardware/README.md.
test-hardware: setup
	PYTHONPATH=tests $(BIN)/python -m hardware --bundle $(SHIPPED)

clean:
	rm -rf .venv demo build dist .mypy_cache .pytest_cache .ruff_cache
