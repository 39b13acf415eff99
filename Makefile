# Needs Python 3.11 or newer and nothing else: every target sets up what it uses.
PYTHON ?=
DATA ?= ../shared/data
PYTEST_ARGS ?= -n 2 --dist loadfile

BIN := .venv/bin
CORE := .venv/.installed
DEV := .venv/.installed-dev

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check bench docs clean

# An environment of another checkout, or one whose Python is gone, counts as stale.
ifneq ($(shell $(BIN)/python -Pc 'import os, rclagent; print(os.path.samefile(rclagent.__file__, "rclagent/__init__.py"))' 2>/dev/null),True)
.PHONY: $(CORE) $(DEV)
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) ## make .venv with everything that development needs

demo: $(CORE) ## generate a small incident and diagnose it
	$(BIN)/python -m rclagent.testing .demo --fault network_delay --service pricing --seed 7
	$(BIN)/rclagent diagnose .demo/incident --baseline .demo/baseline

test: $(DEV) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(DEV) ## check format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV) ## score real labelled incidents, where DATA holds them
	@test -d "$(DATA)" || { echo "make bench: there is no folder $(DATA). Name the one with the data sets: make bench DATA=DIR (README, Benchmarks)."; exit 2; }
	mkdir -p runs
	$(BIN)/python -m benchmarks run --dataset nezha --data $(DATA)/nezha-tt --method rclagent --out runs/nezha-tt.jsonl
	$(BIN)/python -m benchmarks run --dataset shapleyiq --data $(DATA)/shapleyiq-tt --method rclagent --out runs/shapleyiq-tt.jsonl
	$(BIN)/python -m benchmarks score runs/nezha-tt.jsonl runs/shapleyiq-tt.jsonl

docs: $(DEV) ## write anew what the documents take from the code
	$(BIN)/python docs/render.py

clean: ## remove caches, builds and the demo; .venv and runs stay
	rm -rf .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(CORE): pyproject.toml
	@$(MAKE_VENV)
	@echo "Installing rclagent into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): pyproject.toml
	@$(MAKE_VENV)
	@echo "Installing rclagent and its development tools into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(CORE) $@

# Takes the first Python that is new enough; one without ensurepip lends its own pip instead.
define MAKE_VENV
set -e; \
if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
   $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
for python in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14 python; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
  if $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
    exec $$python -m venv --clear .venv; \
  elif $$python -c 'import pip, venv' >/dev/null 2>&1; then \
    $$python -m venv --clear --without-pip .venv; \
    exec $$python -m pip --python $(BIN)/python install --quiet pip; \
  fi; \
  lacking=$$python; \
done; \
if [ -n "$$lacking" ]; then \
  echo "make: $$lacking has neither ensurepip nor pip. Install them (Debian, Ubuntu: apt install python3-venv), or name another: make PYTHON=/path/to/python3.12 ..."; \
else \
  echo "make: no Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3.12 ..."; \
fi >&2; exit 1
endef
