PYTHON ?= .venv/bin/python

.PHONY: install lint types test fast format

install:  ## a virtual environment with everything in it
	python3 -m venv .venv && $(PYTHON) -m pip install -q -e '.[dev]'

format:
	$(PYTHON) -m ruff format . && $(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check . && $(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

fast:  ## the tests that take seconds
	$(PYTHON) -m pytest -n auto --dist loadfile -m "not slow"

test:  ## all tests
	$(PYTHON) -m pytest -n auto --dist loadfile
