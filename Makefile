# What a user or contributor runs. Each target first sets up .venv with what it needs: once, and
# again when pyproject.toml, constraints.txt or the version change. Needed beforehand: Python 3.11 or newer.

VENV  := .venv
BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt
NEEDS := $(BIN)/python pyproject.toml constraints.txt variance_plugin/__about__.py

# `make PYTHON=/path/to/python3.12 …` names the interpreter; otherwise the first fitting one of these.
PYTHON     :=
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installs into one environment must not overlap.
.NOTPARALLEL:
.PHONY: help demo test check bench prove

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/installed ## see events go from a file through the plugin into a local Variance
	@$(BIN)/variance-plugin demo

# Several hundred processes are started, and each would compile the package anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/installed-dev ## run all tests (COVERAGE=1: with branch coverage, in half again the time)
	@$(BIN)/python -m pytest $(if $(COVERAGE),--cov) $(if $(RERUNS),--reruns $(RERUNS)) --numprocesses auto --maxprocesses 8 --dist loadgroup

check: $(VENV)/installed-dev ## check style, types and the architecture, without running anything
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-dev ## measure events a second on this machine
	@$(BIN)/python -m benchmarks

prove: $(VENV)/installed-dev ## kill, cut and fail for some twenty minutes: nothing is lost
	@$(BIN)/python -m proofs

$(VENV)/installed: $(NEEDS)
	@echo "Installing the plugin and its dependencies into $(VENV) (once) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(NEEDS)
	@echo "Installing the plugin, its dependencies and the development tools into $(VENV) (once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/installed $@

# Debian ships ensurepip apart from python3; an interpreter without it cannot make an environment.
$(BIN)/python:
	@for python in $(or $(PYTHON),$(CANDIDATES)); do \
	  if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Creating $(VENV) with $$("$$python" --version) ..."; \
	    exec "$$python" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module among: $(or $(PYTHON),$(CANDIDATES))." >&2; \
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1
