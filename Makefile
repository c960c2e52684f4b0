# Every command does its own set-up: a fresh machine needs Python 3.11, pip and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Small models on few cores run faster with one thread each; set it to use more.
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test lint types layers unit figures peers bench data clean

help: ## show the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[demo]"
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]" hatchling
	@touch $@

demo: $(VENV)/.demo ## run the quickstart on real pictures and write reports/quickstart.html
	$(BIN)/python notebooks/execute.py notebooks/01_quickstart.ipynb --to reports/01_quickstart.ipynb
	@echo "report: $(CURDIR)/reports/quickstart.html"

test: lint types layers unit ## lint, types, layers, and every test

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/python -m pytest

figures: $(VENV)/.demo ## print the figures of the README (three splits, two data sets)
	$(BIN)/python tests/benchmarks/quality.py

peers: $(VENV)/.dev ## print default fit against pytorch-metric-learning and Quaterion
	@for data in emoji-styles wordnet-glosses; do $(BIN)/python tests/benchmarks/quality_losses.py $$data || exit 1; done

bench: $(VENV)/.dev ## measure cache, training loop, losses and comparing against their limits
	@for file in tests/benchmarks/cache*.py tests/benchmarks/losses.py tests/benchmarks/compare_losses.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

data: $(VENV)/.dev ## rebuild the demo sets from their sources (needs npm)
	$(BIN)/pip install --quiet --constraint constraints.txt resvg-py
	$(BIN)/python data/build_emoji_styles.py
	$(BIN)/python data/build_wordnet_glosses.py

clean: ## remove the environment, caches and reports
	rm -rf $(VENV) data/cache reports .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
