# Local agents, on the wire. On a fresh machine:  make lab   or   make test
# SERVER=http://… attaches to a running llama-server, PROFILE=… picks another model, KEY=… is the API key.
# ARGS="…" is passed on to the command behind a target. docs/environment.md lists all variables.

# The first Python on the PATH that the course runs on.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
endif
BIN    := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
VENV   := $(BIN)/python
TOOLS  := build/tools/$(notdir $(BIN))/python -m
PIP     = $(VENV) -m pip install -q --disable-pip-version-check
ARGS   ?=
WORKERS ?= 2# processes that share a step of `make train`; 8 on a GPU

.PHONY: help board lab hub hub-update slides test robust fuzz lint build docs lock adapter train eval bench hostile sbom audit canary clean python lab-ready test-ready

help:          ## show this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

lab: lab-ready      ## open JupyterLab on the first lesson, with a live server
	@$(BIN)/course lab $(ARGS)

# HOST counts only if it was typed: some shells export one of their own.
hub: python         ## run a JupyterHub for a room (workshop/hub/README.md has its variables)
	@$(PYTHON) bootstrap.py node && $(PYTHON) bootstrap.py hub && HUB_HOST="$(if $(filter command,$(firstword $(origin HOST))),$(HOST))" \
	  exec build/hub/bin/python -m workshop.hub $(ARGS)

hub-update: python  ## bring changed lessons to the learners of a hub
	@build/hub/bin/python -m workshop.hub update

board: lab-ready    ## show where the learners are who have joined (for a room:  make board HOST=0.0.0.0)
	@$(VENV) -m workshop.board $(if $(filter command,$(firstword $(origin HOST))),--host $(HOST)) $(ARGS)

slides: test-ready  ## make slides of the lessons, and the hand-out, in build/slides (one:  make slides ARGS=05)
	@$(PYTHON) bootstrap.py slides && $(VENV) -m authoring slides $(ARGS)

test: test-ready    ## run all tests
	@$(PYTHON) bootstrap.py clients || echo "test: the tests with other clients are skipped"
	@$(PYTHON) bootstrap.py phoenix || echo "test: the test with Phoenix is skipped"
	@$(PYTHON) bootstrap.py hub || echo "test: the tests of the hub are skipped"
	@$(PYTHON) bootstrap.py slides || echo "test: the tests of the slides are skipped"
	@$(VENV) -m pytest -n auto $(ARGS)

robust: test-ready ## run only the attacks of docs/robustness.md
	@$(VENV) -m pytest -n auto -m attack $(ARGS)

fuzz: test-ready   ## try FUZZ_EXAMPLES random inputs of each kind (default: 5000, a few minutes)
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-5000} $(VENV) -m pytest -n auto -o timeout=0 tests/unit/test_fuzz.py $(ARGS)

lint: python   ## check style and types
	@$(PYTHON) bootstrap.py test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(VENV) -m mypy

build: test-ready   ## build the notebooks from their sources and execute them (only one:  make build ARGS=03)
	@$(VENV) -m authoring build $(ARGS)

docs: test-ready    ## write the generated parts of README and docs/
	@$(VENV) -m authoring docs $(ARGS)

# Otherwise glibc returns memory to the kernel and asks for it again at each layer.
adapter train: export MALLOC_TRIM_THRESHOLD_ = 4000000000
adapter train: export MALLOC_MMAP_THRESHOLD_ = 4000000000
adapter train: export MALLOC_TOP_PAD_ = 300000000
adapter train: export OMP_NUM_THREADS = 1

adapter: python     ## train the embedded model's adapter from the base, in all stages (run again to resume)
	@$(PYTHON) -m training.stages --check $(ARGS)
	@$(MAKE) --no-print-directory build/training/ready
	@$(VENV) -m training.stages $(ARGS)

train: build/training/ready    ## train an adapter with the current data generator (hours; run again to resume)
	@$(BIN)/torchrun --nproc-per-node $(WORKERS) -m training.train $(ARGS)

build/training/ready: training/requirements.txt | test-ready
	@$(PIP) -r $< && mkdir -p $(@D) && touch $@

eval: test-ready    ## measure how often the embedded model is right on unseen questions
	@$(VENV) -m training.eval $(ARGS)

bench: test-ready   ## measure what is in docs/measurements.md and update its tables (takes long)
	@$(PIP) --no-deps --upgrade --target build/bench -r bench/requirements.txt || \
	  echo "bench: nbmake could not be installed; its row will say so"
	@$(VENV) -m bench $(ARGS)
	@$(VENV) -m bench.tables

hostile: test-ready ## run the hostile suite and update its table (needs Linux, root, a Docker engine)
	@OUTCOMES=write $(VENV) -m pytest tests/container/test_hostile_suite.py $(ARGS)

sbom: build/tools/ready  ## list the packages of the course and of the image in CycloneDX format (needs a network)
	@$(TOOLS) cyclonedx_py requirements requirements.lock --output-file build/course.cdx.json
	@$(TOOLS) cyclonedx_py requirements docker/requirements.lock --output-file build/agent.cdx.json
	@echo "sbom: build/course.cdx.json, build/agent.cdx.json"

audit: build/tools/ready ## check the locked packages for known vulnerabilities (needs a network)
	@$(TOOLS) pip_audit --requirement requirements-test.lock --require-hashes --disable-pip --strict || \
	  { echo "audit: see above. A package that could not be looked up counts as a failure, so PyPI must be reachable."; exit 1; }

canary: test-ready build/tools/ready ## try the newest packages; if they break the course, find the guilty one (needs a network)
	@$(VENV) -m authoring canary $(ARGS)

lock: build/tools/ready  ## update the lock files from pyproject.toml (needs a network)
	@$(TOOLS) uv pip compile -q pyproject.toml --group setup $(LOCKED) --upgrade -o requirements.lock
	@$(TOOLS) uv pip compile -q pyproject.toml --group setup --group test -c requirements.lock $(LOCKED) --upgrade \
	  -o requirements-test.lock
	@$(TOOLS) uv pip compile --no-config -q tests/clients/requirements.in $(LOCKED) --upgrade -o tests/clients/requirements.txt
	@$(TOOLS) uv pip compile -q tests/clients/phoenix.in $(LOCKED) --upgrade -o tests/clients/phoenix.txt
	@$(TOOLS) uv pip compile -q pyproject.toml --group setup workshop/hub/requirements.in -c requirements.lock $(LOCKED) --upgrade \
	  -o workshop/hub/requirements.txt
	@! command -v npm >/dev/null || for folder in tests/clients workshop/hub authoring/slides; do npm install --prefix $$folder \
	  --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund --silent; done
	@! grep -n '://' requirements.lock requirements-test.lock tests/clients/*.txt workshop/hub/*.txt || \
	  { echo "lock: the address of a package index ended up in a lock file, see the line above. Remove it before you commit."; exit 1; }
	@$(VENV) docker/pins.py
LOCKED := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

build/tools/ready: Makefile | python
	@$(PYTHON) -m venv build/tools
	@$(TOOLS) pip install -q --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1 uv==0.13.9 && touch $@

python:
	@test -n "$(PYTHON)" || { echo "setup: found no Python 3.11, 3.12 or 3.13." \
	  "Install one (Debian, Ubuntu:  sudo apt-get install python3 python3-venv), or say where it is:  make lab PYTHON=/path/to/python3.12"; exit 1; }

lab-ready: python
	@$(PYTHON) bootstrap.py lab
	@$(BIN)/course model >/dev/null

test-ready: python
	@$(PYTHON) bootstrap.py test
	@$(BIN)/course model >/dev/null

clean:         ## remove .venv and what tools left behind (not the embedded model in your cache)
	@rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache tapes
