# Everything runs in .venv, made here from the hashed lock. Nothing is installed outside it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup system check test demo bench fault docs translations lock clean

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

# Real brokers, a real database and a real browser for the tests: Debian's packages.
system:
	@missing=''; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-noto-cjk"; \
	{ command -v mosquitto || test -x /usr/sbin/mosquitto; } >/dev/null || missing="$$missing mosquitto"; \
	ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || missing="$$missing postgresql"; \
	test -z "$$missing" || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	{ apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }; } || \
	echo "some tests will be skipped; to run them all: sudo apt-get install$$missing" >&2

test: check system
	$(BIN)/pytest -n auto

demo: setup
	@$(BIN)/anju demo

bench: setup
	$(BIN)/anju bench fall
	$(BIN)/anju bench geofence
	$(BIN)/anju bench ingest
	$(BIN)/anju bench pipeline
	$(BIN)/anju bench delivery

fault: setup
	ANJU_KILL_ROUNDS=20 ANJU_STORM=2000 ANJU_STORM_KILLS=50 $(BIN)/pytest -s tests/faults

docs: setup
	$(BIN)/python -m incidents.diagram docs/reference/incidents.md
	$(BIN)/python -m web.fall_window docs/images/fall-window.svg
	$(BIN)/python -m web.fence_walk docs/images/fence-exit.svg

translations: setup
	$(BIN)/python -m web.languages

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean:
	rm -rf .venv
