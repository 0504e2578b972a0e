# `make help` says what there is. Everything made lies in .lake; nothing outside the checkout is touched.
.DEFAULT_GOAL := help
SHELL := /bin/bash
LAKE := $(or $(LAKEHOUSE_LAKE_HOME),$(CURDIR)/.lake)
BIN := $(LAKE)/envs/jobs/bin
LAKEHOUSE := bin/lakehouse
# pytest options of `make test`, for instance ARGS="-k ledger"
ARGS ?=

##@ Start here
.PHONY: demo test
demo: doctor setup ## Check the machine, set up, start everything, fill 30 days, stay live, print the addresses
	$(LAKEHOUSE) demo

test: ## Everything that must hold, on real services of the test's own (their ports are 10,000 and more higher)
	LAKEHOUSE_PORT_OFFSET=10000 $(LAKEHOUSE) doctor
	$(LAKEHOUSE) setup --with-tests
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup --max-worker-restart 0 $(ARGS)

##@ The machine
.PHONY: doctor setup
doctor: ## Check Python, Java, Maven, Go, memory, disk and ports; each ✗ with the command that repairs it
	$(LAKEHOUSE) doctor

setup: ## Fetch and build what is missing into .lake; safe to interrupt and to repeat
	$(LAKEHOUSE) setup

##@ The stack
.PHONY: up down status reset
up: ## Start all services, or those that are down
	$(LAKEHOUSE) up

down: ## Stop all services; data stays
	$(LAKEHOUSE) down

status: ## One screen: processes, lag, freshness, last publication
	$(LAKEHOUSE) status

reset: ## Stop, and delete the stack's data; asks first
	$(LAKEHOUSE) reset

##@ Development
.PHONY: check lint unit campaign docs lock-jars oracle bench bench-gold bench-dumps
check: lint unit ## All that needs no service: linters, types, layers, sizes, unit tests

lint: ## ruff, mypy, import layers, SQL, YAML, shell
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m sqlfluff lint --dialect trino --disable-progress-bar lakehouse/serving/kpi
	bash -n .ci/run && sh -n bin/lakehouse

unit: ## Tests without services
	$(BIN)/python -m pytest -q tests/unit tests/contracts

campaign: ## The long way round: more kills, more seeds, every way to break the ledger, Airflow's rarer DAGs (about 20 min)
	$(BIN)/python -m pytest --campaign $(ARGS)

docs: ## Write the generated pages again (docs/errors.md, docs/data-dictionary.md)
	$(LAKEHOUSE) setup catalogue
	$(BIN)/python -m lakehouse.tables.dictionary

lock-jars: ## Write locks/jars.txt again after a change of docker/jars/pom.xml
	$(LAKEHOUSE) setup lock-jars

oracle: ## 10,000 plant-days against the oracle in plain Python (about 5 min); ARGS="--plant-days N --seed S"
	$(BIN)/python -m tests.oracle.campaign $(ARGS)

bench: ## The quick benchmarks; raw results stay below .lake
	$(BIN)/python -m bench

bench-gold: ## A year of forty machines: 1 % rebuilt against all of it (B6), dashboard questions on Trino (B8)
	$(BIN)/python -m bench.gold $(ARGS)

bench-dumps: ## Dumps into bronze beside DuckDB's COPY, workbooks beside openpyxl (B5)
	$(BIN)/python -m bench.dumps $(ARGS)

##@ Help
.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
