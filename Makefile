# Every target works on a fresh machine: what it needs, it brings.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help

VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
SOURCES := operator spark_app dev tests bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.lock pyproject.toml
	@python3 dev/venv.py $(VENV) requirements/dev.lock
	@touch $@

venv: $(STAMP) ## the Python environment, from the hash-locked file
.PHONY: venv

generate: $(STAMP) ## write crds/ and the field reference from the models
	@$(PY) -m dev.generate
.PHONY: generate

verify: $(STAMP) ## fail when a generated file differs from what the models give
	@$(PY) -m dev.generate --check
.PHONY: verify
