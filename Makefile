# `make demo` and `make test` set up all that is missing by themselves.
.DEFAULT_GOAL := help
.PHONY: help setup check test demo demo-down bench lint docs pins wheel clean
PYTHON := .venv/bin/python

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Docker Engine, base images and .venv, where they are missing
	@scripts/setup

check: setup ## Lint, types, layers and the tests that need no engine: a minute
	@$(PYTHON) -m pytest tests -n auto --dist worksteal -m "not engine and not databases and not machine"

test: setup ## Every test; FULL=1 runs the whole matrices too
	@scripts/test

demo: setup ## Walk the whole plan on the reference application
	@$(PYTHON) scripts/demo.py

demo-down: ## Take the demo's environments away
	@test ! -x $(PYTHON) || $(PYTHON) scripts/demo.py --down

bench: setup ## Measure, print one table, write bench/results.json
	@$(PYTHON) bench/run.py

lint: setup ## ruff (format and lint), mypy, import-linter
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

docs: setup ## Write docs/commands.md again from the commands
	@$(PYTHON) scripts/commands.py

pins: ## Compile requirements-dev.txt again from pyproject.toml
	@scripts/pins

wheel: setup ## Build the package
	@$(PYTHON) -m build --wheel --no-isolation

clean: demo-down ## Remove .venv, what builds and tests left, and the stand-in images
	@scripts/clean
