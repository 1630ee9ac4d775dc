# The verbs of this project; each sets up what it needs in .venv first.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt
# compat: the folder itself on the path, which editors follow; the default is a hook they do not run.
EDITABLE := --config-settings editable_mode=compat --editable
DEMO := demo
# Two files at a time, a thread each: most tests keep one core busy.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test quick fuzz check format clean

help:  ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# torch first and by itself: a range, or a package that pulls it in, would fetch gigabytes of CUDA.
.venv/core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	$(PIP) $(EDITABLE) '.[train,notebooks]'
	@touch $@

.venv/dev: .venv/core
	$(PIP) --requirement requirements-dev.txt
	@touch $@

# mmcv's operators are compiled once (six minutes on two cores), against the torch that is there;
# pip keeps the wheel.
.venv/detection: .venv/core
	$(PIP) setuptools wheel ninja psutil
	MMCV_WITH_OPS=1 $(PIP) --no-build-isolation onedl-mmcv==2.3.6
	$(PIP) --no-build-isolation $(EDITABLE) '.[detection]'
	@touch $@

demo: .venv/core  ## the whole job on made data: prepare, train, predict, evaluate, report
	$(BIN)/python scripts/demo.py --out $(DEMO)

# The tests of the .sbatch files start a real Slurm; where none can be had they skip and say so.
.venv/slurm: .venv/core
	PATH="$$PATH:/usr/sbin"; command -v slurmctld >/dev/null || \
	  { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q slurm-wlm munge; } || true
	@touch $@

# The reports are opened in a real browser; where none can be had those tests skip and say so.
.venv/chromium: .venv/core
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q chromium; } || true
	@touch $@

# dciodvfy, which judges what is written as DICOM; where it can not be had those tests skip and say so.
.venv/dicom3tools: .venv/core
	command -v dciodvfy >/dev/null || \
	  { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q dicom3tools; } || true
	@touch $@

test: .venv/dev .venv/detection .venv/slurm .venv/chromium .venv/dicom3tools  ## set up everything and run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PYTEST)

quick: .venv/dev .venv/detection  ## the tests that take less than a second each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow" $(PYTEST)

# MINUTES and SEED as in `make fuzz MINUTES=30 SEED=7`.
fuzz: .venv/dev .venv/detection  ## the properties of the tests on thousands of other examples
	$(BIN)/python scripts/fuzz.py --minutes $(or $(MINUTES),30) --seed $(or $(SEED),0)

check: .venv/dev .venv/detection  ## lint, format, types, import contracts, shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports
	$(BIN)/shellcheck scripts/*.sbatch scripts/*.sh scripts/evidence/*.sh .ci/run

format: .venv/dev  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the verbs made
	rm -rf .venv $(DEMO) .pytest_cache .ruff_cache
