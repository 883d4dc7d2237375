# Everything runs in .venv, made here from the hashed lock. Nothing is installed outside it.
PYTHON ?= python3
BIN := .venv/bin

# What has nothing to do with one another is made side by side.
MAKEFLAGS += --jobs=2

.PHONY: setup system check style types imports client test demo bench fault docs screenshots translations lock clean

setup: .venv/.ready web/client/dist/index.html

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'anju needs Python 3.11 or newer: make setup PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'anju needs the venv module: apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

# The app for residents and families, by the Node of .venv: built again when its sources, or what the server says of itself, change.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --prefix web/client
CLIENT := $(wildcard $(addprefix web/client/,*.ts *.json *.html messages/* project.inlang/settings.json public/* src/*.* src/lib/* src/pages/* src/parts/*))

web/client/node_modules/.ready: .venv/.ready web/client/package-lock.json web/client/.npmrc
	@$(NPM) ci --silent
	@touch $@

web/client/.described: .venv/.ready $(wildcard web/*.py web/api/*.py incidents/*.py rules/kinds.py store/contacts.py)
	@$(BIN)/python -m web.openapi web/client/openapi.new
	@cmp -s web/client/openapi.new web/client/openapi.json && rm web/client/openapi.new || mv web/client/openapi.new web/client/openapi.json
	@touch $@

web/client/openapi.json: web/client/.described ; @true

web/client/dist/index.html: web/client/node_modules/.ready web/client/openapi.json $(filter-out %.d.ts %/openapi.json,$(CLIENT))
	@$(NPM) run --silent schema >/dev/null
	@$(NPM) run --silent build
	@touch $@

check: style types imports client

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

client: setup
	$(NPM) run --silent check

# Real brokers, a real database and a real browser for the tests: Debian's packages.
system:
	@missing=''; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-noto-cjk"; \
	{ command -v mosquitto || test -x /usr/sbin/mosquitto; } >/dev/null || missing="$$missing mosquitto"; \
	ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || missing="$$missing postgresql"; \
	test -z "$$missing" || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	{ apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }; } || \
	echo "some tests will be skipped; to run them all: sudo apt-get install$$missing" >&2

# Lighthouse audits the pages in the tests.
tests/lighthouse/node_modules/.ready: .venv/.ready tests/lighthouse/package-lock.json
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --prefix tests/lighthouse ci --silent --ignore-scripts
	@touch $@

# What tests write is kept in memory where that has room: most of their time they would wait for a disk.
MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4e6 { print "/dev/shm" }')

# Two more processes than cores: who waits for a browser, a broker or a clock needs none.
WORKERS := $(shell expr $$(nproc) + 2)

test: check system tests/lighthouse/node_modules/.ready
	@folder=$$(mktemp -d $(or $(MEMORY),/tmp)/anju-XXXXXX) && chmod 711 $$folder && trap 'rm -rf '$$folder EXIT && trap 'exit 1' INT TERM && \
	TMPDIR=$$folder $(BIN)/pytest -n $(WORKERS)

demo: setup
	@$(BIN)/anju demo

bench: setup
	$(BIN)/anju bench fall
	$(BIN)/anju bench geofence
	$(BIN)/anju bench ingest
	$(BIN)/anju bench pipeline
	$(BIN)/anju bench delivery
	$(BIN)/anju bench rehearsal

fault: setup tests/lighthouse/node_modules/.ready
	ANJU_LIGHTHOUSE=1 $(BIN)/pytest tests/web/test_lighthouse.py
	ANJU_KILL_ROUNDS=20 ANJU_STORM=2000 ANJU_STORM_KILLS=50 ANJU_MONTH=30 $(BIN)/pytest -s tests/faults

docs: setup
	$(BIN)/python -m incidents.diagram docs/reference/incidents.md
	$(BIN)/python -m web.fall_window docs/images/fall-window.svg
	$(BIN)/python -m web.fence_walk docs/images/fence-exit.svg

# Every page of the app on a phone and on a desk, in each language, by day and by night.
DIR ?= screenshots
screenshots: setup system
	@$(BIN)/python tests/screenshots.py $(DIR)

translations: setup
	$(BIN)/python -m web.languages

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean:
	rm -rf .venv tests/lighthouse/node_modules web/client/node_modules web/client/dist web/client/.described web/client/openapi.json web/client/src/schema.d.ts web/client/src/paraglide
