# Every target works on a fresh machine: what it needs, it brings.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help

VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
SOURCES := operator spark_app dev tests bench
# One run: what tests import is looked at once
TYPED   := operator/spark_operator spark_app dev tests bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.lock pyproject.toml
	@python3 dev/venv.py $(VENV) requirements/dev.lock
	@touch $@

venv: $(STAMP) ## the Python environment, from the hash-locked file

# --- the demo and the cluster it runs on ---------------------------------------------------------

demo: $(STAMP) ## the whole story on a real cluster: a good release promoted, a bad one rolled back
	@$(PY) -m dev.demo run

demo-down: $(STAMP) ## remove the demo and the local cluster
	@$(PY) -m dev.demo down

cluster-up: $(STAMP) ## a Kubernetes cluster: the one SPARK_KUBECONFIG names, else a local one
	@$(PY) -m dev.cluster up

cluster-down: $(STAMP) ## stop the local cluster and leave nothing behind
	@$(PY) -m dev.cluster down

cluster-status: $(STAMP) ## what of the local cluster runs
	@$(PY) -m dev.cluster status

images: $(STAMP) ## build the images and load them into the cluster
	@$(PY) -m dev.images load

# --- checks --------------------------------------------------------------------------------------

E2E_IMAGES := operator dev services app:1.0.0 app:2.0.0 app:3.0.0-errors app:3.0.0-crashing \
	app:3.0.0-broken-export app:4.0.0-late-broken-export app:3.0.0-late-errors \
	app:2.0.0-migration app:2.0.0-migration-fails app:2.0.0-migration-hangs \
	app:2.0.0-migration-slow app:3.0.0-migration-drops app:3.0.0-migration-errors \
	app:4.0.0-migration-errors
SLOWEST := --durations=20 --durations-min=1
PYTEST := $(PY) -m pytest -q -p no:cacheprovider $(SLOWEST)
TWO := -n 2 --dist loadfile
# These wait for services more than for the processor.
FOUR := -n 4 --dist loadfile --no-loadscope-reorder
LANES := -n 4

test: $(STAMP) ## everything that must pass; CI runs this
	@$(PY) -m dev.timed lint+types+imports+verify unit simulate integration e2e

lint: $(STAMP) ## formatting and lint
	@$(VENV)/bin/ruff format --check --quiet $(SOURCES) operator
	@$(VENV)/bin/ruff check --quiet $(SOURCES) operator

types: $(STAMP) ## strict types
	@$(VENV)/bin/mypy $(TYPED)

imports: $(STAMP) ## which module may import which
	@$(VENV)/bin/lint-imports --no-logo

generate: $(STAMP) ## write what is made from the models: CRD, reference, diagram
	@$(PY) -m dev.generate

verify: $(STAMP) ## fail when a generated file or the recorded behaviour differs
	@$(PY) -m dev.generate --check
	@$(PY) -m tests.golden.histories --check

unit: $(STAMP) ## unit and property tests
	@$(PYTEST) $(TWO) tests/unit tests/property

simulate: $(STAMP) ## a short instance of the simulated fault campaign
	@$(PYTEST) $(TWO) tests/simulation

integration: $(STAMP) ## against a real kube-apiserver and other real services
	@$(PY) -m dev.cluster build
	@$(PYTEST) $(FOUR) -m "not alone" tests/integration tests/contract
	@$(PYTEST) -m alone tests/integration

e2e: $(STAMP) ## with real pods on a real cluster
	@$(PY) -m dev.cluster up
	@$(PY) -m dev.images load $(E2E_IMAGES)
	@$(PYTEST) $(LANES) -m "not alone" tests/e2e
	@$(PYTEST) $(LANES) -m alone tests/e2e

# Why each of these is no part of make test: docs/testing.md
soak: $(STAMP) ## the long forms of campaigns and soaks; results go to bench/results
	@$(PY) -m tests.simulation.campaign --output bench/results/simulation.json
	@SPARK_MIGRATION_RUNS=30 $(PYTEST) tests/e2e/test_migrations_killed.py
	@SPARK_CLAUDE_SECONDS=180 SPARK_SINKS_SECONDS=300 $(PYTEST) tests/e2e/test_outages.py
	@SPARK_HEALTHY_SECONDS=120 $(PYTEST) tests/e2e/test_late_fault.py
	@SPARK_SOAK_SECONDS=1800 $(PYTEST) tests/integration/spark_app/service/test_soak.py
	@$(PY) -m bench.judge
	@$(PY) -m bench.rollback.equal

bench: $(STAMP) ## measurements; results go to bench/results
	@$(PY) -m bench.app
	@$(PY) -m bench.judge
	@$(PY) -m bench.rollback
	@$(PY) -m bench.scale

.PHONY: venv demo demo-down cluster-up cluster-down cluster-status images test lint types imports \
	generate verify unit simulate integration e2e soak bench
