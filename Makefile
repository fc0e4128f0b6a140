# Everything a newcomer needs: `make run` and `make test`.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run serve present data test lint clean

run: .venv/installed  ## serve the app on localhost:8501
	$(BIN)/python -m streamlit run app.py

serve: .venv/installed  ## serve the app to this network; says where, and what that exposes
	$(BIN)/python -m core serve

present: .venv/installed  ## the story on its own, for a poster session: localhost:8501/present
	@echo "Open http://localhost:8501/present"
	$(BIN)/python -m streamlit run app.py

data: .venv/installed  ## fetch all 60,000 images
	$(BIN)/python -m core data

test: .venv/installed-dev chromium lint  ## everything that CI runs
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what is pinned in requirements.txt (several GB, once) ..."
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@

# A browser for the tests: the one that is there, else Debian's, else Playwright's own.
.PHONY: chromium
chromium: .venv/installed-dev
	@command -v chromium >/dev/null \
	|| (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium) \
	|| $(BIN)/python -m playwright install --with-deps chromium \
	|| $(BIN)/python -m playwright install chromium

clean:
	rm -rf .venv

.PHONY: screenshots
screenshots: .venv/installed-dev chromium  ## the pictures in the README, from the real app
	$(BIN)/python -m tests.browser.screenshots

.PHONY: load
load: .venv/installed-dev  ## forty simulated viewers for ten minutes
	$(BIN)/python -m tests.load.load
