# make run     the server with the demo shop, on a fresh machine too; settings pass through: PORT=9000 make run
# make test    everything that must hold: lint, all tests with coverage, the built snippet
# make lint    style, types and the floors of the house
# make bench   requests a second of the collector; OPTIONS="--rounds 10 --seconds 8" takes its time
# make bench-servers   SQLite beside PostgreSQL with one and two servers
#
# Needs Python >= 3.11 and the package registries. Another Python: make PYTHON=/path/to/python3 …
# Another browser for the tests: CHROMIUM=/path/to/chromium make test

PYTHON ?=
OPTIONS ?=
TESTS ?=
BIN = .venv/bin

# strace watches the server's calls to the disk; it is Linux's.
TEST_TOOLS = chromium postgresql pgbouncer $(if $(filter Linux,$(shell uname)),strace)

.PHONY: run test lint bench bench-servers
.DELETE_ON_ERROR:

run: .venv/installed
	@exec $(BIN)/leadtrail demo

test: lint
	@scripts/install-tools $(TEST_TOOLS)
	@echo "== The snippet"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/build-snippet --check
	@echo "== Tests"
	@$(BIN)/pytest --cov --cov-report=term:skip-covered $(TESTS)

lint: .venv/installed-dev
	@echo "== Style"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== Types"
	@$(BIN)/mypy
	@echo "== Floors"
	@NO_COLOR=1 $(BIN)/lint-imports

bench: .venv/installed-dev
	@scripts/install-tools wrk
	@$(BIN)/python benchmarks/ingest.py $(OPTIONS)
	@$(BIN)/python benchmarks/due.py

bench-servers: .venv/installed-dev
	@scripts/install-tools wrk postgresql
	@$(BIN)/python -m benchmarks.servers $(OPTIONS)

.venv/installed: requirements.txt pyproject.toml
	@scripts/make-venv .venv requirements.txt $(PYTHON)
	@touch $@

.venv/installed-dev: requirements-dev.txt pyproject.toml
	@scripts/make-venv .venv requirements-dev.txt $(PYTHON)
	@touch $@ .venv/installed
