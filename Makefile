# make run      the example site on http://127.0.0.1:8000 (PORT=... for another)
# make test     every test
# make check    lint and the tests that need nothing but Python, in about a minute
# make drill    two upgrades and two bad releases under load (needs PostgreSQL, or ARGS=--sqlite)
# make docs     the documentation as a site, var/site/index.html; every link is checked
# make bench    the figures of docs/benchmarks (an hour; ARGS=--help for its parts; needs wrk)
# make apps     other people's apps, plainly and queued (ARGS=--suites: their own suites as well)
# make coverage the tests, and which lines of the package they run (ARGS=tests/unit for a part)
# make versions the tests with other Pythons, Djangos and servers (nox; ARGS='-s lowest')
# All need Python 3.11+ and make, and set up the rest below .venv and var.

PYTHON ?= python3
PORT ?= 8000
SERVER ?= daphne
WORKERS ?= 2
VENV := .venv
DOCS_VENV := .venv-docs
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

# What pip says, as one line for each package: a minute of silence looks like a fault.
PROGRESS = while read -r word what rest; do case $$word in \
  Collecting) echo "  fetches $$what" ;; Building) echo "  builds $$what $$rest" ;; \
  Installing) echo "  installs them" ;; esac; done

.PHONY: run free-port test test-redis coverage check lint django-suite chaos mutations states faults switches slow-clients drill bench docs reference apps versions data help clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -10

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Once, in about a minute: what the site needs is installed into $(VENV)."
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is needed (Debian: apt-get install python3-venv)."; exit 2; }
	@rm -f $(VENV)/.failed
	@{ $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
	  -r requirements.txt 2>$(VENV)/pip.log || touch $(VENV)/.failed; } | $(PROGRESS)
	@if [ -e $(VENV)/.failed ]; then cat $(VENV)/pip.log >&2; exit 1; fi
	@touch $@

data: $(VENV)/.installed
	@echo "Makes the database and its sample data."
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) sampledata

run: free-port data
	@echo "http://127.0.0.1:$(PORT)/  (log in as demo/demo or admin/admin; Ctrl-C stops it)"
	@DEBUG=$${DEBUG:-0} exec $(MANAGE) runqueueproxy 127.0.0.1:$(PORT) --server $(SERVER) --embedded \
	  --workers $(WORKERS)

# First of all, so that nobody waits for an installation to be told so.
free-port:
	@$(PYTHON) -c "$$FREE_PORT" $(PORT)

define FREE_PORT
import socket, sys
port = int(sys.argv[1])
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"Port {port} can't be used ({error.strerror}): make run PORT={port + 1}")
endef
export FREE_PORT

# By file, so that each site of a module is started once; four at most, for the sake of timing (three on two
# cores are no quicker). In the order of their names: else the files with few tests, which take longest, come
# last and alone.
SHARED_OUT = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PYTEST = $(RUN) pytest $(SHARED_OUT)
RUN = $(BIN)/python -m

test: $(VENV)/.installed
	$(PYTEST) $(ARGS)

# The integration tests on Redis, but for those of processes, event loops, databases and clients' connections:
# these are the same whatever the server is.
NOT_OF_THE_SERVER = test_async_worker test_exactly_once test_worker/test_fork.py test_worker/test_fork_below_loop.py \
  test_boot_failures.py test_private_broker.py test_servers.py test_supervisor.py test_view_timeout.py \
  test_websockets.py test_wrong_settings.py
test-redis: $(VENV)/.installed
	QUEUEPROXY_TEST_SERVER=redis $(PYTEST) tests/integration \
	  $(addprefix --ignore=tests/integration/,$(NOT_OF_THE_SERVER)) $(ARGS)

# Which lines of the package run, in all processes that the tests of another target start.
coverage: $(VENV)/.installed
	@mkdir -p var/coverage
	@$(BIN)/coverage erase
	@$(MAKE) --no-print-directory $(or $(OF),test) RUN="$(BIN)/coverage run -m"
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage html --quiet --directory var/coverage/html
	@echo "Lines covered: $$($(BIN)/coverage report --format=total) %; each file: var/coverage/html/index.html"

check: lint
	$(PYTEST) tests/unit

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

django-suite: $(VENV)/.installed
	$(BIN)/python -m tests.django_suite

chaos: $(VENV)/.installed
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),5) --seed $(or $(SEED),20) --faults all $(ARGS)

mutations: $(VENV)/.installed
	$(BIN)/python -m tests.chaos.mutations

# A million calls of scripts (docs/states.md); ARGS='--steps N --seed N', or ARGS=--mutations.
states: $(VENV)/.installed
	$(BIN)/python -m tests.states $(ARGS)

faults: $(VENV)/.installed
	QUEUEPROXY_FAULT_ROUNDS=$(or $(ROUNDS),50) $(PYTEST) --dist load tests/faults $(ARGS)

# How often one release takes the place of another, under load; in `make test` 60 times.
switches: $(VENV)/.installed
	QUEUEPROXY_SWITCHES=$(or $(SWITCHES),1000) $(BIN)/python -m pytest -q -s tests/integration/test_release_switches.py $(ARGS)

slow-clients: $(VENV)/.installed
	$(BIN)/python -m tests.slow_clients

drill: $(VENV)/.installed
	$(BIN)/python -m drill $(ARGS)

$(VENV)/.bench: benchmarks/requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks --output docs/benchmarks $(ARGS)

$(DOCS_VENV)/.installed: requirements-docs.txt
	@$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-docs.txt
	@touch $@

docs: $(DOCS_VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict
	@echo "$(CURDIR)/var/site/index.html"

# What the pages say of settings, commands and metrics, anew from the code.
reference: $(VENV)/.installed
	$(BIN)/python docs/tools/reference.py

var/apps-venv/.installed: tests/apps/requirements.txt
	@$(PYTHON) -m venv var/apps-venv
	var/apps-venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

apps: var/apps-venv/.installed
	var/apps-venv/bin/python -m tests.apps $(ARGS)

versions: $(VENV)/.installed
	$(BIN)/nox $(ARGS)

clean:
	rm -rf $(VENV) $(DOCS_VENV) .nox var .cache .pytest_cache .ruff_cache .hypothesis
