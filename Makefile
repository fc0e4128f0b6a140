# `make` alone lists what there is.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

# Packages in an environment of another Python, or in a folder that was moved or copied since,
# are not found: the next command that needs the environment makes it again.
SOUND := $(shell [ ! -e .venv ] || { $(BIN)/python -c 'import pip' \
	&& grep -qF "$(CURDIR)/.venv" .venv/pyvenv.cfg; } 2>/dev/null && echo yes)
ifneq ($(SOUND),yes)
.PHONY: .venv/bin/python
.venv/installed: .venv/bin/python
endif

.PHONY: help
help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# For everybody

.PHONY: run serve present data
run: .venv/installed  ## serve the app to this machine: localhost:8501
	$(RUN) streamlit run app.py

serve: .venv/installed  ## serve the app to this network; prints the address and what that exposes
	$(RUN) core serve

present: .venv/installed  ## the story on its own, for a poster session: localhost:8501/present
	@echo "Open http://localhost:8501/present"
	$(RUN) streamlit run app.py

data: .venv/installed  ## fetch all 60,000 images
	$(RUN) core data

# For developers

.PHONY: dev check lint format test test-in-browser test-elsewhere tables screenshots first-minute load load-hall load-class mutants clean
dev: .venv/installed  ## serve the app; it reloads on save and shows tracebacks on the page
	$(RUN) streamlit run app.py --server.fileWatcherType=auto --server.runOnSave=true \
		--client.showErrorDetails=full

check: lint  ## lint, types and the fast tests: under a minute
	$(RUN) pytest -m "not slow and not browser and not cluster and not gpu" --durations=0

lint: .venv/installed-dev  ## style, types, the direction of imports, stale tables
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(BIN)/lint-imports --no-logo
	$(RUN) tools tables --check

format: .venv/installed-dev  ## put the code into its style
	$(RUN) ruff check --fix
	$(RUN) ruff format

test: lint chromium nginx  ## everything that CI runs, on two cores: one thread of torch for each
	@$(MAKE) --jobs=2 test-in-browser test-elsewhere

test-in-browser: chromium nginx
	OMP_NUM_THREADS=1 $(RUN) pytest tests/browser

test-elsewhere: .venv/installed-dev
	OMP_NUM_THREADS=1 $(RUN) pytest --ignore=tests/browser

tables: .venv/installed  ## write the tables of README and docs from the stored results
	$(RUN) tools tables

screenshots: .venv/installed-dev chromium  ## the pictures in the README, from the real app
	$(RUN) tests.browser.screenshots

first-minute: .venv/installed-dev chromium  ## how long a visitor waits at first, in Chromium
	$(RUN) tests.browser.first_minute --out assets/first_minute.json

load: .venv/installed-dev  ## forty simulated viewers for ten minutes
	$(RUN) tests.load.load --out assets/load.json

load-hall: .venv/installed-dev  ## a full lecture hall: 160 simulated viewers
	$(RUN) tests.load.load --viewers 160 --seconds 300 --settling 30 --peaceful --out assets/load_hall.json

load-class: .venv/installed-dev  ## forty simulated phones that train a curve together
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

# A browser for the tests: the one that is there, else Debian's, else Playwright's own.
.PHONY: chromium
chromium: .venv/installed-dev
	@command -v chromium >/dev/null \
	|| (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium) \
	|| $(RUN) playwright install --with-deps chromium \
	|| $(RUN) playwright install chromium

# A proxy for the test of several servers, which is skipped where there is none.
.PHONY: nginx
nginx:
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] \
	|| DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx \
	|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx; } \
	|| echo "Without nginx the test of several servers is skipped."
