# `make` alone lists the commands.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

# An environment of another Python, or one whose folder was moved or copied, does not find its
# packages. The next command that needs the environment then creates it again.
SOUND := $(shell [ ! -e .venv ] || { $(BIN)/python -c 'import pip' \
	&& grep -qF "$(CURDIR)/.venv" .venv/pyvenv.cfg; } 2>/dev/null && echo yes)
ifneq ($(SOUND),yes)
.PHONY: .venv/bin/python
.venv/installed: .venv/bin/python
endif

.PHONY: help
help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# For everyone

.PHONY: run serve present data
run: .venv/installed  ## serve the app to this machine: localhost:8501
	$(RUN) streamlit run app.py

serve: .venv/installed  ## serve the app to this network; prints the address and what it exposes
	$(RUN) core serve

present: .venv/installed  ## serve the story on its own, for a poster session: localhost:8501/present
	@echo "Open http://localhost:8501/present"
	$(RUN) streamlit run app.py

data: .venv/installed  ## fetch all 60,000 images
	$(RUN) core data

# For developers

.PHONY: dev check lint format test test-in-browser test-elsewhere tables screenshots first-minute load load-hall load-class mutants clean
dev: .venv/installed  ## serve the app; it reloads on save and shows tracebacks on the page
	$(RUN) streamlit run app.py --server.fileWatcherType=auto --server.runOnSave=true \
		--client.showErrorDetails=full

check: lint  ## check lint and types, and run the fast tests
	$(RUN) pytest $(TWO_AT_ONCE) -m "not slow and not browser and not cluster and not gpu"

lint: .venv/installed-dev  ## check style, types, the direction of imports, and stale tables
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(BIN)/lint-imports --no-logo
	$(RUN) tools tables --check
	@$(MAKE) --no-print-directory lint-scripts

# If npm is missing and cannot be installed, the scripts of the pages are not checked.
.PHONY: lint-scripts
lint-scripts:
	@command -v npm >/dev/null \
	|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends npm; } \
	|| { echo "Without npm the scripts of the pages are not checked."; exit 0; }
	@if command -v npm >/dev/null; then \
		{ [ node_modules/.package-lock.json -nt package.json ] || npm install --silent; } && npm run --silent lint; fi

format: .venv/installed-dev  ## format the code
	$(RUN) ruff check --fix
	$(RUN) ruff format
	@command -v npm >/dev/null && npm install --silent && npm run --silent format || true

# Two processes, each with its own server for browser tests. One suite after the other; cluster tests
# start processes themselves.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile

test: lint test-elsewhere test-in-browser  ## run everything that CI runs

test-in-browser: chromium nginx
	$(RUN) pytest $(TWO_AT_ONCE) tests/browser

test-elsewhere: .venv/installed-dev
	$(RUN) pytest $(TWO_AT_ONCE) -m "not cluster" --ignore=tests/browser
	$(RUN) pytest -m cluster --ignore=tests/browser

tables: .venv/installed  ## write the tables of README and docs from the stored results
	$(RUN) tools tables

screenshots: .venv/installed-dev chromium  ## take the README's screenshots from the real app
	$(RUN) tests.browser.screenshots

first-minute: .venv/installed-dev chromium  ## measure how long a visitor waits at first, in Chromium
	$(RUN) tests.browser.first_minute --out assets/first_minute.json

load: .venv/installed-dev  ## simulate forty viewers for ten minutes
	$(RUN) tests.load.load --out assets/load.json

load-hall: .venv/installed-dev  ## simulate a full lecture hall: 160 viewers
	$(RUN) tests.load.load --viewers 160 --seconds 300 --settling 30 --peaceful --out assets/load_hall.json

load-class: .venv/installed-dev  ## simulate forty phones that train the whole curve together
	$(RUN) tests.load.class_figure --out assets/load_class.json

mutants: .venv/installed-dev  ## small deliberate faults: which of them no test notices
	$(RUN) tools.mutants

clean:  ## remove the virtual environment
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: try make PYTHON=python3.12")'
	@[ ! -e .venv ] || echo ".venv belongs to another Python or to another folder: it is made again."
	rm -rf .venv
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what is pinned in requirements.txt (several GB, once) ..."
	$(RUN) pip install --disable-pip-version-check --quiet -r requirements.txt
	$(RUN) pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(RUN) pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@

# A browser for the tests: the installed one, else Debian's, else Playwright's own.
.PHONY: chromium
chromium: .venv/installed-dev
	@command -v chromium >/dev/null \
	|| (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium) \
	|| $(RUN) playwright install --with-deps chromium \
	|| $(RUN) playwright install chromium

# A proxy for the test of several servers; without one, the test is skipped.
.PHONY: nginx
nginx:
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] \
	|| DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx \
	|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx; } \
	|| echo "Without nginx the test of several servers is skipped."
