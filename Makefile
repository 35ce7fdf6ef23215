# The two commands: `make build` (VERBOSE=1: with dbt's own log) and `make test`. Both need nothing but Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_SPARK := $(VENV)/.installed-spark
SUPERSET := .venv-superset
MARKETPLACE := data/marketplace
TEST_HOME := target/test
TEST_BUILD := OLIST_DATA_DIR=data/sample OLIST_WAREHOUSE=$(TEST_HOME)/warehouse.duckdb OLIST_SERVING_DIR=$(TEST_HOME)/serving \
	OLIST_CAMPAIGN_DIR=$(TEST_HOME)/campaigns

PIN := uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 --extra dev \
	--no-emit-index-url --no-header --quiet

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help install install-spark build docs build-spark test test-all test-dbt test-python test-python-all test-spark test-superset lint lint-python lint-sql lint-yaml lint-conventions audit bench lock clean

help: ## What each command does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, and %s is %s: run make PYTHON=python3.11." % (sys.executable, sys.version.split()[0]))'
	@echo "Installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Spark is an extra of some 400 MB: nothing but build-spark and its tests asks for it.
$(INSTALLED_SPARK): requirements-spark.lock $(INSTALLED)
	@echo "Installing Spark into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock
	@touch $@

install: $(INSTALLED) ## The environment only, into .venv

install-spark: $(INSTALLED_SPARK) ## Spark as well, into the same .venv

ifdef OLIST_DATA_DIR
build-spark: $(INSTALLED_SPARK)
build: $(INSTALLED) ## Segment the marketplace in OLIST_DATA_DIR, or a generated one of full size
else
export OLIST_DATA_DIR := $(MARKETPLACE)
build-spark: $(INSTALLED_SPARK) $(MARKETPLACE)/planted_segments.csv
build: $(INSTALLED) $(MARKETPLACE)/planted_segments.csv
endif
	@python -m olist_segments.build $(if $(VERBOSE),--verbose)
	@olist-segments publish
	@olist-segments report
	@olist-segments summary

docs: $(INSTALLED) ## Every table and column, with lineage, as one page: docs.html
	dbt --quiet docs generate --static
	@cp target/static_index.html docs.html
	@echo "Wrote docs.html."

build-spark: ## The same on Apache Spark (docs/spark.md): needs Java 17, or SPARK_REMOTE
	dbt build --target spark

$(MARKETPLACE)/planted_segments.csv: | $(INSTALLED)
	olist-segments generate --orders 100000 --out $(MARKETPLACE)

test: test-dbt test-python ## The proof in seven minutes: dbt's data and unit tests on the sample, every fast pytest

test-all: test-dbt test-python-all test-superset ## Every test but those of Spark: kills, mutations, full disks, load, browser, Superset as well

test-dbt: $(INSTALLED)
	@rm -rf $(TEST_HOME) && mkdir -p $(TEST_HOME)
	$(TEST_BUILD) dbt build --target-path $(TEST_HOME)

# Two workers have two cores: threads of OpenMP inside them would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 OLIST_DATA_DIR= OLIST_WAREHOUSE= OLIST_SERVING_DIR=$(TEST_HOME)/serving \
	OLIST_CAMPAIGN_DIR=$(TEST_HOME)/campaigns python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-python: $(INSTALLED)
	$(PYTEST) -m "not slow"

test-python-all: $(INSTALLED)
	$(PYTEST)

test-spark: $(INSTALLED_SPARK) ## The tests of the Spark target: every table equal to DuckDB's
	OLIST_DATA_DIR= OLIST_WAREHOUSE= OLIST_CAMPAIGN_DIR=$(TEST_HOME)/campaigns OLIST_TEST_SPARK=1 python -m pytest tests/python/test_spark.py

# Superset's packages would not go together with dbt's, so they have an environment of their own.
$(SUPERSET)/.installed: tests/superset/requirements.txt
	@echo "Installing Superset into $(SUPERSET) …"
	@$(PYTHON) -m venv $(SUPERSET)
	@$(SUPERSET)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

test-superset: $(INSTALLED) $(SUPERSET)/.installed ## The dashboard in a real Superset: every chart's rows equal the tables
	OLIST_DATA_DIR= OLIST_WAREHOUSE= OLIST_CAMPAIGN_DIR=$(TEST_HOME)/campaigns OLIST_SUPERSET_PYTHON=$(CURDIR)/$(SUPERSET)/bin/python \
		python -m pytest tests/python/test_superset.py

lint: lint-python lint-sql lint-yaml lint-conventions ## Style, types and conventions

lint-python: $(INSTALLED)
	ruff check .
	ruff format --check .
	mypy

lint-sql: $(INSTALLED)
	@! grep -rnE '^.{121,}' --include='*.sql' connectors models macros tests analyses || { echo "SQL lines are at most 120 characters."; exit 1; }
	$(TEST_BUILD) python .ci/sqlfluff_with_plugin.py lint --processes 2 models tests analyses

lint-yaml: $(INSTALLED)
	yamllint --strict .

lint-conventions: $(INSTALLED)
	@mkdir -p $(TEST_HOME)
	$(TEST_BUILD) dbt --quiet docs generate --target-path $(TEST_HOME)
	dbt-bouncer run --config-file dbt-bouncer.yml

audit: $(INSTALLED) ## Known vulnerabilities of the pinned packages; without their index, the lock's hashes
	python .ci/audit.py

bench: $(INSTALLED) ## Speed and recovery, measured side by side: prints and writes bench/results.md
	python bench/run.py

lock: ## Pin every package anew (needs uv)
	$(PIN) --output-file requirements.lock pyproject.toml
	$(PIN) --extra spark --constraint requirements.lock --output-file requirements-spark.lock pyproject.toml

clean: ## Remove what builds made, but neither .venv, warehouse.duckdb nor serving
	rm -rf target logs report.html docs.html $(MARKETPLACE)
