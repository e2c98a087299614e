# `make demo` and `make test` install what is missing.
.DEFAULT_GOAL := help
.PHONY: help setup check test kubernetes demo demo-down bench lint docs site recording pins wheel clean
PYTHON := .venv/bin/python

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install Docker Engine, base images and .venv, if missing
	@scripts/setup

check: setup ## Lint, types, layers and the unit tests: a minute and a half
	@scripts/in-memory scripts/check

test: setup ## Every test; FULL=1 runs the full matrices, ONLY="PATH or options of pytest" some
	@scripts/in-memory scripts/test $(ONLY)

kubernetes: setup ## The tests that need a cluster: KUBECONFIG's, or one that is built once (8 minutes of a processor)
	@scripts/test-kubernetes $(ONLY)

demo: setup ## Run the whole plan on the reference application
	@$(PYTHON) scripts/demo.py

demo-down: ## Remove the demo's environments
	@test ! -x $(PYTHON) || $(PYTHON) scripts/demo.py --down

bench: setup ## Measure, print one table, write bench/results.json
	@$(PYTHON) bench/run.py

lint: setup ## ruff (format and lint), mypy, import-linter
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

docs: setup ## Generate docs/commands.md, docs/json.md, and the tables of docs/what-is-compared.md and docs/people.md
	@$(PYTHON) scripts/commands.py && $(PYTHON) scripts/compared.py && $(PYTHON) scripts/json_docs.py && $(PYTHON) scripts/permissions.py

site: setup ## Build the documentation site in .site/
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet && echo "open .site/index.html; for the search, serve it: python3 -m http.server --directory .site"

recording: setup ## Run the tutorial, and draw docs/assets/recording.svg from it
	@$(PYTHON) scripts/recording.py

pins: ## Generate requirements-dev.txt and requirements-docs.txt from pyproject.toml
	@scripts/pins

wheel: setup ## Build the package
	@$(PYTHON) -m build --wheel --no-isolation

clean: demo-down ## Remove .venv, leftovers of builds and tests, and the stand-in images
	@scripts/clean
