# `make demo` and `make test` do everything from a fresh clone; `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
# Inside: whoever removes the environment removes them too.
STAMPS := $(VENV)/stamps
# Processes for the tests; "2" or "auto".
WORKERS ?= auto

# The first that is 3.11 or later. Another one: make PYTHON=/opt/python3.13/bin/python3 ...
PYTHON = $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

.NOTPARALLEL:
.PHONY: help demo test lint types dist bench format clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    set up .venv and run the program on its sample forest; needs Python 3.11 only'
	@echo 'make test    set everything up, the Active Directory lab included, and run every check and test'
	@echo 'make lint    ruff, mypy (Linux and Windows) and the layers, without the tests'
	@echo 'make format  put the code into shape'
	@echo 'make dist    into dist/: wheelhouse zips and a single-file .pyz for servers without internet'
	@echo 'make bench   ratios against ldapsearch and others: one table, and .cache/bench.json'
	@echo 'make clean   remove what was built and cached'

demo: $(STAMPS)/program
	$(BIN)/preflight demo --expect not_ready

test: lint $(STAMPS)/laboratory
	$(BIN)/pytest -n $(WORKERS)

lint: $(STAMPS)/development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/mypy --strict --platform win32
	$(BIN)/lint-imports

format: $(STAMPS)/development
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

dist: $(STAMPS)/development
	$(BIN)/python packaging/distribute.py --into dist

bench: $(STAMPS)/development $(STAMPS)/laboratory
	PYTHONPATH=tests $(BIN)/python -m benchmarks --json .cache/bench.json

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed, each with a stamp: done once, and again when the file that asks for it changes.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'make: Python 3.11 or later is needed and was not found' \
		'(Debian: apt-get install python3 python3-venv). If it has another name: make PYTHON=...' >&2; exit 1; }
	@sh packaging/make_venv.sh "$(PYTHON)" $(VENV)

$(STAMPS)/program: pyproject.toml $(BIN)/python
	@mkdir -p $(STAMPS)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# --group needs pip 25.1; the one that comes with Python 3.11 is older.
$(STAMPS)/development: pyproject.toml $(BIN)/python
	@mkdir -p $(STAMPS)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(STAMPS)/program

$(STAMPS)/laboratory: tests/install.sh tests/lab/install.sh tests/network/packages.txt tests/browser/packages.txt \
		$(STAMPS)/development
	@mkdir -p $(STAMPS)
	@# 3: something could not be installed, which was said; the next time tries again.
	sh tests/install.sh $(BIN)/python && touch $@ || test $$? -eq 3
