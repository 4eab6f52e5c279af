# Everything starts here: `make demo` to try botkit, `make test` to work on it.
# Each needs Python 3.11 or newer and the Python package index, nothing else.

SHELL := bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
KILLS ?= 200
SEED ?= 1
SECONDS ?= 3600
STATIC := formatted lint mypy pyright imports

.PHONY: help demo test check bench faults soak coverage clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## Chat with Claude in the terminal; no account, no token, no server needed
	@exec $(BIN)/botkit chat

test: $(VENV)/.dev ## Check and test everything; pytest's closing line comes last
	@failed=""; \
	for task in $(STATIC); do echo "== $$task"; $(BIN)/poe --quiet $$task || failed="$$failed $$task"; done; \
	if [ -n "$$failed" ]; then echo "== FAILED:$$failed"; fi; \
	echo "== test"; $(BIN)/poe --quiet test || { \
	  echo "== again, alone: what failed while other tests shared the machine"; $(BIN)/poe --quiet again; \
	} || failed="$$failed test"; \
	[ -z "$$failed" ]

check: $(VENV)/.dev ## Linters, types and architecture, without the tests
	@for task in $(STATIC); do echo "== $$task"; $(BIN)/poe --quiet $$task || exit 1; done

bench: $(VENV)/.dev ## Measure how fast the first word is, beside the bare CLI and its SDK
	@$(BIN)/python -m tests.benchmarks

faults: $(VENV)/.dev ## Kill botkit 200 times on each store (KILLS=…, SEED=… for another run)
	@BOTKIT_FAULTS_KILLS=$(KILLS) BOTKIT_FAULTS_SEED=$(SEED) $(BIN)/python -m pytest tests/faults/test_killed.py

soak: $(VENV)/.dev ## Let botkit work for an hour and see that it does not grow (SECONDS=…)
	@BOTKIT_SOAK_SECONDS=$(SECONDS) $(BIN)/python -m pytest tests/faults/test_soak.py

coverage: $(VENV)/.dev ## Tests with branch coverage
	@$(BIN)/coverage run -m pytest && $(BIN)/coverage report --show-missing --skip-covered

clean: ## Remove the virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
	@find botkit adapters handlers tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Installing again is needed only when the dependencies have changed.
$(VENV)/.demo: $(VENV)/.made pyproject.toml
	@$(call install,.[all],botkit and its Claude Code CLI)
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@$(call install,.[dev],botkit and what its tests need)
	@touch $@ $(VENV)/.demo

$(VENV)/.made:
	@python=$$(deploy/find-python) && echo "Making $(VENV) with $$($$python --version)" && $$python -m venv $(VENV)
	@touch $@

# pip's own words fill pages; the names of the packages show that it moves.
define install
echo "Installing $(2) into $(VENV) (some 100 MB the first time)"; set -o pipefail; \
$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --editable '$(1)' \
  | awk '/^Collecting/ { sub(/[^A-Za-z0-9_.-].*/, "", $$2); print "  " $$2; fflush() }'
endef
