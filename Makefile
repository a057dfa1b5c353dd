# Everything runs in .venv, which is made once; a second run installs nothing.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SHIPPED := models/clinic-xray-0.2.2.edge
REFERENCE := models/model3-xray-0.2.2.edge
UNTRAINED := build/model3-untrained.edge
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-clinic demo-scale screenshots test lint docs bench wheelhouse sbom licences pip-audit zipapp fuzz mutants defences hostile kill-writes kill-tray kill-dicom power-cuts fleet zoo clinic ablation test-hardware instructions load soak clean

# Every target says after `##` what it is for; this prints them, in the order of the file.
help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "make %-15s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/installed ## make .venv with everything in it; a second time, nothing

.venv/installed: constraints.txt pyproject.toml runtime/pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) pip hatchling editables
	$(PIP) --no-build-isolation --editable 'runtime[litert,onnx,dicom,dicom-node,web,tray,trust]' --editable '.[test,scan,docs,sbom,sign,oms,repo,mutants,scale,jax]'
	touch $@

demo: setup ## train, export and classify generated films
	$(BIN)/edge-kit demo

# HOST=0.0.0.0: others reach it, and the address that is printed lets one browser in.
demo-clinic: setup ## the page for a clinic, with generated films to try
	$(BIN)/edge-run demo-clinic $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

# Three nodes are started here, as processes.
demo-scale: setup ## an archive over a Ray cluster, with a node killed on the way: a minute
	$(BIN)/python -W ignore benchmarks/demo_scale.py

# Of drawn films alone. Needs Debian's chromium and poppler-utils.
screenshots: setup ## the pictures of the docs
	$(BIN)/python benchmarks/screenshots.py build/screenshots docs/pictures
	$(BIN)/python benchmarks/page_screenshots.py docs/pictures
	PYTHONPATH=tests/support:benchmarks $(BIN)/python benchmarks/fleet_screenshots.py docs/pictures

# Two processes, each file of tests in one of them. X64QUANTPRECISION=on or off lets ONNX Runtime open
# graphs as a processor without VNNI, or with it, has to: see tests/conftest.py.
test: lint ## lint and all tests: what CI runs
	$(BIN)/python -m pytest -n 2 --dist loadfile --x64quantprecision=$(or $(X64QUANTPRECISION),auto)

lint: setup ## ruff and mypy, without changing a file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A broken link or a stale reference fails.
docs: setup ## the pages as a site in build/site
	$(BIN)/python docs/make_cli.py --check
	$(BIN)/python docs/make_limits.py --check
	$(BIN)/python docs/make_notebook.py --check
	$(BIN)/python docs/make_architectures.py --check
	$(BIN)/python docs/make_licences.py --check
	$(BIN)/mkdocs build --strict --quiet

# Beside the floor and the customary scripts.
bench: setup ## cold start, latency, throughput and memory of edge-run: 10 minutes
	$(BIN)/edge-run bench $(SHIPPED)
	test ! -d ../shared/data || $(BIN)/edge-run bench $(SHIPPED) --films ../shared/data/xray --rounds 11

ARCH ?= x86_64
FOR_PYTHON ?= 3.11
# ARCH=, FOR_PYTHON=, LEAN=1, DICOM=1, DICOM_NODE=1, WEB=1, TRUST=1, ONNX=1, BUNDLE=, KEY=, PROVE=1: see runtime/README.md.
wheelhouse: setup ## a folder for a USB stick: all for a machine without a network
	$(BIN)/python -m offline.wheelhouse --arch $(ARCH) --python $(FOR_PYTHON) \
	    $(if $(LEAN),--lean) $(if $(DICOM),--dicom) $(if $(DICOM_NODE),--dicom-node) $(if $(WEB),--web) \
	    $(if $(TRUST),--trust) $(if $(ONNX),--engine litert --engine onnx) \
	    --bundle $(or $(BUNDLE),$(SHIPPED)) $(if $(KEY),--key $(KEY)) $(if $(PROVE),--prove)

# SOURCE_DATE_EPOCH=SECONDS: the same bytes each time.
sbom: setup ## bills of materials of both distributions and the shipped bundles, in build/sbom
	$(BIN)/python -m offline.sbom --out build/sbom $(SHIPPED) $(REFERENCE)

licences: setup ## the page with the licence of every package that is pinned
	$(BIN)/python docs/make_licences.py

# Its data are on a public index. Strict: without, it finds nothing wrong with what it knows nothing of, as behind a mirror.
pip-audit: setup ## known vulnerabilities of the pinned packages; asks the network
	$(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

zipapp: setup ## edge-run in one file, for machines with Pillow and an engine
	$(BIN)/python -m offline.onefile

fuzz: setup ## damaged and hostile bundles, films, models, trails, requests, repositories: half an hour
	$(BIN)/python tests/fuzz/run.py bundles --count 20000
	$(BIN)/python tests/fuzz/run.py films --count 50000
	$(BIN)/python tests/fuzz/run.py structures --count 20000
	$(BIN)/python tests/fuzz/run.py audit --count 20000
	$(BIN)/python tests/fuzz/run.py dicom --count 20000
	$(BIN)/python tests/fuzz/run.py http --count 20000
	$(BIN)/python tests/fuzz/run.py receipts --count 20000
	$(BIN)/python tests/fuzz/run.py repositories --count 5000
	$(BIN)/python tests/fuzz/run.py archives --count 500
	$(BIN)/python tests/fuzz/run.py models --count 100
	$(BIN)/python tests/fuzz/graphs.py $(REFERENCE) --count 20000 --minutes 3
	$(BIN)/python tests/fuzz/graph_bundles.py $(REFERENCE) --count 100 --minutes 2

# MODULES="bundle/archive audit_trail/chain": these alone. SAMPLE=60: so many of each, by SEED=1.
mutants: setup ## does a test fail whenever code that verifies is changed? two hours
	$(PIP) mutmut
	$(BIN)/python benchmarks/mutants.py $(MODULES) $(if $(SAMPLE),--sample $(SAMPLE) --seed $(or $(SEED),1))

# WORDS="updates tuf": entries of benchmarks/defences.toml that hold one of them.
defences: setup ## does each test of the threat model fail without its defence? half an hour
	$(BIN)/python benchmarks/defences.py $(WORDS)

hostile: setup ## films made to cost a reader too much: what each costs, in minutes
	$(BIN)/python benchmarks/hostile_files.py

# As root also on disks that are full.
kill-writes: setup ## commands that are killed, or find no room, while they write: half an hour
	$(BIN)/python benchmarks/kill_writes.py $(if $(filter 0,$(shell id -u)),--disks)

# As root also on disks that are full.
kill-tray: setup ## edge-run watch, killed at 50 random moments while films come: five minutes
	$(BIN)/python benchmarks/kill_tray.py $(SHIPPED) $(if $(filter 0,$(shell id -u)),--disks)

kill-dicom: setup ## a DICOM node, killed at 50 random moments between receipt and delivery
	$(BIN)/python tests/support/killed_nodes.py --kills 50

# Needs Debian's strace; as root also on a read-only card.
power-cuts: setup ## an update that is killed, or finds no room, at every call: half an hour
	$(BIN)/python benchmarks/power_cuts.py

# BOXES=1000 RECEIPTS=52: a year of weeks.
fleet: setup ## a report on a thousand simulated boxes with a year of receipts: five minutes
	PYTHONPATH=tests/support $(BIN)/python benchmarks/fleet.py --boxes $(or $(BOXES),1000) --receipts $(or $(RECEIPTS),52)

# Goes on where it was interrupted: what benchmarks/architectures holds is not run again.
zoo: setup ## architectures that people use, in every recipe at two sizes: hours, and their page
	$(BIN)/python benchmarks/every_architecture.py
	$(BIN)/python docs/make_architectures.py

# Beside their films: trained anew in build/clinic, and exported.
clinic: setup ## the network clinic from raw films: a quarter of an hour on two cores
	$(BIN)/edge-kit train --data ../shared/data --data ../shared/elsewhere --without-source collection \
	    --balance source --model clinic --modality xray --no-counter-examples \
	    --elsewhere ../shared/elsewhere --out build/clinic
	$(BIN)/edge-kit export build/clinic --int8 --name clinic-xray --bundle-version 0.2.2 \
	    --body-part CHEST --views PA,AP --ages 18,150 --limits models/limits-clinic.md --out build/clinic-xray.edge

# Goes on where it was interrupted: what benchmarks/ablation holds is not run again.
ablation: setup ## what each part of clinic is worth on films from elsewhere: two or three hours
	$(BIN)/python benchmarks/ablation.py --data ../shared/data --data ../shared/elsewhere \
	    --yardstick collection

# See tests/hardware/README.md.
test-hardware: setup ## the same films on other processors, real and emulated: an hour
	PYTHONPATH=tests $(BIN)/python -m hardware --bundle $(REFERENCE)

# BUNDLES="A.edge B.edge": others, held against the first. Needs Debian's qemu-user and gcc.
instructions: setup ## instructions of an inference on emulated processors: half an hour
	test -n "$(BUNDLES)" || $(BIN)/python benchmarks/untrained.py model3 --out $(UNTRAINED)
	PYTHONPATH=tests $(BIN)/python -m hardware.instructions $(or $(BUNDLES),$(REFERENCE) $(UNTRAINED))

load: setup ## a page with 100 clients beside edge-run classify: two minutes
	$(BIN)/python benchmarks/page_load.py load

# MINUTES=5: shorter.
soak: setup ## the memory of a page over many films: an hour
	$(BIN)/python benchmarks/page_load.py soak --minutes $(or $(MINUTES),60)

clean: ## remove .venv and all that was built
	rm -rf .venv demo build dist .mypy_cache .pytest_cache .ruff_cache
