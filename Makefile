# `make demo` and `make test` need Linux, make and Python 3.11-3.13; the rest comes from the lock.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ADDONS := .venv-addons

export PIP_DISABLE_PIP_VERSION_CHECK := 1
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help venv demo model test test-fast test-addons lint bench lock clean

help:
	@echo 'make venv         build .venv from requirements/lock.txt'
	@echo 'make demo         every verb on the embedded cohort, report in demo_out/'
	@echo 'make model        train the model in saved_models/ again, as its next version'
	@echo 'make test         lint, types and all tests'
	@echo 'make test-fast    the tests that take seconds'
	@echo 'make test-addons  regenerate the tensorflow-addons goldens and compare (own environment)'
	@echo 'make lint         style and types'
	@echo 'make bench        every measurement in benchmarks/'
	@echo 'make lock         resolve requirements/base.in anew (needs uv)'
	@echo 'make clean        remove environments, caches and demo_out/'

# The first of $(PYTHON), python3.11, 3.12, 3.13 that is a supported version and can make environments.
# Everything is installed from hashed pins first, so the package itself needs no network.
$(INSTALLED): requirements/lock.txt setup.py
	@found=; \
	for python in '$(PYTHON)' python3.11 python3.12 python3.13; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	      2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'Python 3.11, 3.12 or 3.13 with the venv module is needed. Received: $(PYTHON). Try: make PYTHON=...' >&2; \
	  exit 2; \
	fi; \
	[ -x $(BIN)/python ] || $$found -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

venv: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/medsynth demo --out demo_out

model: $(INSTALLED)
	$(BIN)/medsynth pipeline run --out model_out --data brats/slices_96 --preset phantom96 --name phantom96 \
	  --count 500 --set unfiltered=1000 phantom.patients=40 phantom.size=120
	$(BIN)/medsynth export --run model_out/run --to saved_models/phantom96

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-fast: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not slow'

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# tensorflow-addons ended with TensorFlow 2.15: it gets an environment of its own, on Python 3.11.
$(ADDONS)/.installed: requirements/addons.txt
	[ -x $(ADDONS)/bin/python ] || python3.11 -m venv $(ADDONS)
	$(ADDONS)/bin/python -m pip install --quiet --require-hashes -r requirements/addons.txt
	@touch $@

test-addons: $(ADDONS)/.installed
	$(ADDONS)/bin/python tests/golden/regenerate.py --check

# Those that need data or a trained run take the demo's. real_patients.py needs scans: see its --help.
bench: demo
	$(BIN)/python benchmarks/encode_once.py
	$(BIN)/python benchmarks/structure_maps.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/reading.py --data brats/slices_64 --data-dir demo_out/data
	$(BIN)/python benchmarks/generate_throughput.py demo_out/run --memory 100 1000
	$(BIN)/python benchmarks/many_processes.py demo_out/run
	$(BIN)/python benchmarks/distribution.py
	$(BIN)/python benchmarks/serving.py demo_out/saved_models/medsynth

# Hashes for every platform and Python that setup.py allows; then repeat with `make test`. The stubs of
# TensorFlow Serving ask for `tensorflow`, whose files `tensorflow-cpu` holds: it is left out here, and the
# lock, being whole, is installed without asking for more.
lock:
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-package tensorflow base.in -o lock.txt
	cd requirements && uv pip compile --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate addons.in -o addons.txt

clean:
	rm -rf $(VENV) $(ADDONS) demo_out model_out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
