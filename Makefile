# make run      the example site on http://127.0.0.1:8000 (PORT=... for another)
# make test     every test
# make drill    two upgrades with slow migrations under load (needs PostgreSQL, or ARGS=--sqlite)
# make bench    the figures of docs/benchmarks (an hour; ARGS=--help for its parts; needs wrk)
# make apps     other people's apps, plainly and queued (ARGS=--suites: their own suites as well)
# make versions the tests with other Pythons, Djangos and servers (nox; ARGS='-s lowest')
# All need Python 3.11+ and make, and set up the rest below .venv and var.

PYTHON ?= python3
PORT ?= 8000
SERVER ?= daphne
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

.PHONY: run test lint django-suite chaos mutations faults slow-clients drill bench apps versions data help clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is needed (Debian: apt-get install python3-venv)."; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

data: $(VENV)/.installed
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) sampledata

run: data
	@echo "http://127.0.0.1:$(PORT)/  (log in as demo/demo or admin/admin; Ctrl-C stops it)"
	@exec $(MANAGE) runqueueproxy 127.0.0.1:$(PORT) --server $(SERVER) --embedded --workers $(WORKERS)

# By file, so that each site of a module is started once; four at most, for the sake of timing.
test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

django-suite: $(VENV)/.installed
	$(BIN)/python -m tests.django_suite

chaos: $(VENV)/.installed
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),5) --seed $(or $(SEED),20) --faults all $(ARGS)

mutations: $(VENV)/.installed
	$(BIN)/python -m tests.chaos.mutations

faults: $(VENV)/.installed
	QUEUEPROXY_FAULT_ROUNDS=$(or $(ROUNDS),50) $(BIN)/python -m pytest tests/faults $(ARGS)

slow-clients: $(VENV)/.installed
	$(BIN)/python -m tests.slow_clients

drill: $(VENV)/.installed
	$(BIN)/python -m drill $(ARGS)

$(VENV)/.bench: benchmarks/requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks --output docs/benchmarks $(ARGS)

var/apps-venv/.installed: tests/apps/requirements.txt
	@$(PYTHON) -m venv var/apps-venv
	var/apps-venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

apps: var/apps-venv/.installed
	var/apps-venv/bin/python -m tests.apps $(ARGS)

versions: $(VENV)/.installed
	$(BIN)/nox $(ARGS)

clean:
	rm -rf $(VENV) .nox var .cache .pytest_cache .ruff_cache .hypothesis
