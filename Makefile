# Two commands: `make run` and `make test`. Both set up what is missing and nothing twice.

PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.14; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
  && { command -v $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCE ?=
ARGS ?=

.PHONY: run test bench lint docs lab clean help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

# A source may hold a camera's password. `SOURCE='rtsp://user:password@…' make run` keeps it off
# every command line; behind `make run` it stands in make's own. $(value …): a $ is a $.
ifneq ($(strip $(SOURCE)),)
run: export READROOM_SOURCES = $(value SOURCE)
endif
run: $(VENV)/.installed ## the demo room, or SOURCE="rtsp://… clip.mp4 0"; ARGS="--fps 5"
	@exec $(BIN)/readroom run $(ARGS)

test: $(VENV)/.installed-dev ## the tests; ARGS="-k joins"
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.installed-dev ## speed and memory: a table, and .out/bench.json
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.installed-dev ## settings.md, metrics.md, api.md, semantics/actions.md and table.md, dashboards: from the code
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m docs.actions_page
	@$(BIN)/python -m docs.table_page
	@$(BIN)/python -m readroom.dashboards.grafana

lab: $(VENV)/.installed-lab ## set up PyTorch for `readroom lab` (its CPU build first, if you want that one)

clean: ## remove what set-up made
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "readroom needs Python 3.11 to 3.14: install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) (once, some minutes)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment: on Debian or Ubuntu, apt install python3-venv" >&2; exit 2; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) install -c constraints.txt setuptools wheel
	@$(PIP) install -c constraints.txt --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

$(VENV)/.installed-lab: $(VENV)/.installed-dev
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[lab]'
	@touch $@
