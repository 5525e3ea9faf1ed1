# The two commands a newcomer needs: `make demo` and `make test`. Each builds .venv when it has to.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests share their file's fixtures; more processes than four would start as many Rays.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
# Nothing here reports usage to anyone, and nothing asks a model hub.
export RAY_USAGE_STATS_ENABLED := 0
export HF_HUB_DISABLE_TELEMETRY := 1
export HF_HUB_OFFLINE ?= 1
export LANGSMITH_TRACING ?= false
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow lint format clean install dev chaos bench-simulation bench-limits \
  bench-training bench-serving bench-judging bench-report

help: ## Show what can be made
	@awk 'BEGIN{FS=":.*## "} /^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: install ## Run the whole loop on this machine: simulate, refine, blend, train, judge, report
	@$(BIN)/rehearsal demo $(ARGS)

test: dev ## Run the tests that a change must pass
	@$(BIN)/python -m pytest -m "not slow" $(PARALLEL) $(ARGS)

test-slow: dev ## Run the tests that need servers or long runs
	@$(BIN)/python -m pytest -m "slow" $(ARGS)

chaos: dev ## Kill campaigns in every way there is, and say what was lost
	@$(BIN)/python -m benchmarks.chaos $(ARGS)

bench-limits: dev ## Measure how soon the limit finds a capacity that has changed
	@$(BIN)/python -m benchmarks.limits $(ARGS)

bench-simulation: dev ## Measure what a simulated session costs, beside other ways to play it
	@$(BIN)/python -m benchmarks.simulation $(ARGS)

bench-judging: dev ## Measure what a verdict costs, beside a plain loop that asks the same
	@$(BIN)/python -m benchmarks.judging $(ARGS)

bench-report: dev ## Measure what a report costs, from 1,000 verdicts that are there already
	@$(BIN)/python -m benchmarks.report $(ARGS)

bench-training: $(VENV)/.bench-training ## Measure what fine-tuning costs, beside TRL and transformers
	@$(BIN)/python -m benchmarks.training $(ARGS)

bench-serving: dev ## Measure what it costs to serve several adapters in one batch
	@$(BIN)/python -m benchmarks.serving $(ARGS)

lint: dev ## ruff, mypy, import-linter, deptry
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: dev ## Format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed ## Build .venv with what the program needs

dev: $(VENV)/.dev ## Add what tests and checks need

clean: ## Remove .venv and caches; runs/ stays
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache build dist

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Rehearsal needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Set PYTHON=python3.12, say." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); this takes some minutes the first time."
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

$(VENV)/.bench-training: $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench-training
	@touch $@
