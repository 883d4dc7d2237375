# Everything runs in .venv, made here from the hashed lock. Nothing is installed outside it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup check test lock clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'anju needs Python 3.11 or newer: make setup PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'anju needs the venv module: apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n auto

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean:
	rm -rf .venv
