# Agents on the wire. On a bare machine:  make lab   or   make test
# SERVER=http://… attaches to a running llama-server, PROFILE=… picks another model, KEY=… is the API key.
# WORKERS: the processes that share a step of `make train`; 8 on a GPU.

PYTHON ?= python3
BIN    := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY  := .venv/ready
ARGS   ?=
WORKERS ?= 2

.PHONY: help lab test frameworks browser lint build lock adapter train eval bench hostile sbom audit setup clean

help:          ## show this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

lab: setup     ## JupyterLab on the first lesson, with a live server
	@$(BIN)/course lab $(ARGS)

test: setup    ## all tests
	@$(BIN)/python -m pytest $(ARGS)

frameworks: .venv-frameworks/ready ## LiteLLM and pydantic-ai, apart, for the tests of the tap

browser: build/browser/ready ## Playwright and axe-core, apart, for the tests in Chromium

lint: $(READY) ## style of the code and of the sources of the lessons
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

build: setup   ## the notebooks from their sources, executed
	@$(BIN)/python -m authoring build $(ARGS)

# glibc would give the same memory back to the kernel and ask for it again at each layer.
adapter train: export MALLOC_TRIM_THRESHOLD_ = 4000000000
adapter train: export MALLOC_MMAP_THRESHOLD_ = 4000000000
adapter train: export MALLOC_TOP_PAD_ = 300000000
adapter train: export OMP_NUM_THREADS = 1

adapter: setup build/training/ready ## the embedded model's adapter from the base, all its stages (the same command goes on)
	@$(BIN)/python -m training.stages $(ARGS)

train: setup build/training/ready ## an adapter by the generator as it is now (hours; the same command goes on)
	@$(BIN)/torchrun --nproc-per-node $(WORKERS) -m training.train $(ARGS)

build/training/ready: training/requirements.txt $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $< && mkdir -p $(@D) && touch $@

eval: setup    ## how often the embedded model is right on questions it never saw
	@$(BIN)/python -m training.eval $(ARGS)

bench: setup build/bench/ready ## the measurements in the README, and its tables (long)
	@$(BIN)/python -m bench $(ARGS)
	@$(BIN)/python -m bench.tables

# For one row only; without a network that row says so, and the others are measured.
build/bench/ready: bench/requirements.txt $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --upgrade --target build/bench -r $< && touch $@ || \
	  echo "bench: nbmake could not be installed; its row will say so"

hostile: setup ## the hostile suite and its table anew (Linux, root, a Docker engine)
	@OUTCOMES=write $(BIN)/python -m pytest tests/container/test_hostile_suite.py $(ARGS)

sbom: $(READY) ## what is in the image, as a CycloneDX list: build/agent.cdx.json (needs a network)
	@$(PYTHON) -m venv build/tools && build/tools/bin/pip install -q --disable-pip-version-check cyclonedx-bom==7.5.0
	@build/tools/bin/cyclonedx-py requirements docker/requirements.lock --output-file build/agent.cdx.json
	@echo "sbom: build/agent.cdx.json"

audit: $(READY) ## known vulnerabilities of the locked packages (needs a network)
	@$(PYTHON) -m venv build/tools && build/tools/bin/pip install -q --disable-pip-version-check pip-audit==2.10.1
	@build/tools/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict || \
	  { echo "audit: see above. A package that could not be looked up counts as a fault: PyPI's list must be reached."; exit 1; }

lock:          ## requirements.lock anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "lock: uv is missing. Install it:  $(PYTHON) -m pip install uv"; exit 1; }
	@uv pip compile -q pyproject.toml --group setup --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --upgrade -o requirements.lock
	@! grep -n '://' requirements.lock || { echo "lock: an address got into requirements.lock"; exit 1; }
	@uv pip compile -q tests/frameworks/requirements.in --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --upgrade -o tests/frameworks/requirements.txt
	@uv pip compile -q tests/browser/requirements.in --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --upgrade -o tests/browser/requirements.txt
	@echo "requirements.lock: $$(grep -c == requirements.lock) packages"
	@$(BIN)/python docker/pins.py

.venv-frameworks/ready: tests/frameworks/requirements.txt
	@echo "frameworks: an environment of their own in .venv-frameworks"
	@$(PYTHON) -m venv .venv-frameworks
	@$(subst .venv,.venv-frameworks,$(BIN))/python -m pip install -q --disable-pip-version-check \
	  --no-deps --require-hashes -r $<
	@touch $@

build/browser/ready: tests/browser/requirements.txt $(READY)
	@rm -rf build/browser
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes --target build/browser -r $<
	@touch $@

setup: $(READY)
	@$(BIN)/course model >/dev/null

# --no-deps: the lock is closed; nothing outside of it is ever resolved.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
	  { echo "setup: there is no $(PYTHON) here. Install Python 3.11, 3.12 or 3.13, or name one:  make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] < (3, 14))' 2>/dev/null || \
	  { echo "setup: $$($(PYTHON) --version 2>&1) is no Python 3.11, 3.12 or 3.13. Name one:  make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "setup: $(PYTHON) has no venv. Install it:  sudo apt-get install python3-venv"; exit 1; }
	@echo "setup: a virtual environment in .venv"
	@$(PYTHON) -m venv .venv
	@echo "setup: installing $$(grep -c == requirements.lock) locked packages (about 1 minute)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

clean:         ## remove .venv and what tools left behind (not the embedded model in your cache)
	@rm -rf .venv .venv-frameworks build *.egg-info .pytest_cache .ruff_cache tapes
