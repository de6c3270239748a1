# Needs a Python >= 3.11 and make, nothing else: where there is no Node.js for the web client, one comes as a wheel. `make` alone says what there is.
#
# Everything is installed into .venv from the two locks, each file held against its hash; a stamp in .venv says
# for which lock, so that a second call goes straight to work. Another interpreter: make PYTHON=/path/to/python run

UV_VERSION := 0.13.9
BIN := .venv/bin
RUN_STAMP := .venv/stamp-run
DEV_STAMP := .venv/stamp-dev
NPM_STAMP := .venv/stamp-npm
WEB_STAMP := .venv/stamp-web
TYPES := web/src/api/schema.d.ts
UV := $(BIN)/uv --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header $(UPGRADE)

# An environment knows where it lies: after the folder was moved it is made anew.
ifneq ($(shell cat .venv/stamp-place 2>/dev/null),$(CURDIR))
NEW_ENVIRONMENT := anew
endif

# Users without a home of their own have nowhere to keep downloads.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
export UV_NO_CACHE := 1
export PIP_NO_CACHE_DIR := 1
export npm_config_cache := $(CURDIR)/.venv/npm-cache
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Like pip, uv trusts whom the machine trusts, where the machine says whom: behind some proxies nothing else works.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
	/etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS := 1
export NODE_EXTRA_CA_CERTS ?= $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt \
	/etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem))
endif

# The machine's Node.js where it is new enough for what builds the web client (web/package.json, engines).
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web --loglevel=error
NODE_FITS := node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' && npm --version

.PHONY: help run test check web bench bench-check bench-accept replay soak-cache clean lock anew
.DEFAULT_GOAL := help

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

run: $(RUN_STAMP) $(WEB_STAMP) ## start the desk at http://127.0.0.1:5000
	@exec $(BIN)/python -m alphaforge serve

# On two cores three processes: much of a test is waiting for a server, a child, a market. Who is done early takes tests
# from the others. Each process has half of its start from what pytest wrote down of the tests the last time, unless the
# environment forbids to write it.
test: $(DEV_STAMP) $(WEB_STAMP) ## run every test
	@$(NPM) run --silent test
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal

check: $(DEV_STAMP) $(NPM_STAMP) $(TYPES) ## lint, format, types, imports: under a minute
	@$(BIN)/python -m ruff check --quiet
	@$(BIN)/python -m ruff format --check --quiet
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo
	@$(NPM) run --silent check

web: $(WEB_STAMP) ## build the web client

bench: $(DEV_STAMP) ## measure, and say what the machine was
	@$(BIN)/python -m benchmarks

bench-check: $(DEV_STAMP) ## is anything slower than when it was last accepted? some 20 s
	@$(BIN)/python -m benchmarks.check

bench-accept: $(DEV_STAMP) ## accept what is measured now, on a quiet machine: make bench-accept REASON="why"
	@$(BIN)/python -m benchmarks.check --accept "$$REASON"

replay: $(DEV_STAMP) ## live through days of market at speed, then compare with the offline evaluation, bit for bit
	@$(BIN)/python tests/e2e/replay.py $(REPLAY)

soak-cache: $(DEV_STAMP) ## write and read for long, and hold every kept answer to a fresh one
	@$(BIN)/python tests/e2e/soak_cache.py $(SOAK)

lock: .venv/stamp-uv ## fit both locks to pyproject.toml; all versions anew: make lock UPGRADE=--upgrade
	@$(LOCK) pyproject.toml --group build -o requirements.lock
	@$(LOCK) pyproject.toml --group build --group dev --constraint requirements.lock -o requirements-dev.lock
	@$(LOCK) --group node -o requirements-node.lock

clean: ## remove the environment and everything that was built; databases stay
	@rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-artifacts
	@rm -rf web/node_modules $(TYPES) src/alphaforge/api/web
	@find src tests migrations benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_STAMP): requirements.lock pyproject.toml .venv/stamp-uv
	@echo 'Installing what requirements.lock pins ...'
	@$(UV) pip install --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo 'Installing what requirements-dev.lock pins ...'
	@$(UV) pip install --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(NPM_STAMP): web/package-lock.json web/.npmrc $(RUN_STAMP) requirements-node.lock
	@$(NODE_FITS) >/dev/null 2>&1 || { echo 'Installing a Node.js for the web client into .venv ...'; \
		$(UV) pip install --python $(BIN)/python --require-hashes -r requirements-node.lock; }
	@echo 'Installing what web/package-lock.json pins ...'
	@$(NPM) ci --no-progress
	@touch $@

# The client's types are those of the interface: made of its description. Only checking needs them, not building.
$(TYPES): $(NPM_STAMP) $(shell find src/alphaforge/api -name '*.py')
	@$(BIN)/python -m alphaforge openapi > .venv/openapi.json
	@$(NPM) run --silent types
	@touch $@

$(WEB_STAMP): $(NPM_STAMP) $(shell find web -name node_modules -prune -o -type f ! -name schema.d.ts -print)
	@echo 'Building the web client ...'
	@$(NPM) run --silent build
	@touch $@

.venv/stamp-uv: $(NEW_ENVIRONMENT)
	@rm -rf .venv
	@found=; for python in "$(PYTHON)" python3.13 python3.12 python3.11 python3 python; do \
		[ -n "$$python" ] && command -v "$$python" >/dev/null 2>&1 || continue; \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		found="$$found $$python"; \
		"$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue; \
		echo "Making .venv with $$("$$python" --version) ..."; \
		"$$python" -m venv .venv || exit 1; break; \
	done; \
	if [ ! -e $(BIN)/python ]; then \
		if [ -n "$$found" ]; then \
			echo "Found$$found, but without the modules venv and ensurepip." >&2; \
			echo 'Install them: on Debian and Ubuntu the package python3-venv.' >&2; \
		else \
			echo 'AlphaForge needs Python 3.11 or newer, and none was found on the PATH.' >&2; \
			echo 'Install one, or name one: make PYTHON=/path/to/python3.12 run' >&2; \
		fi; exit 1; \
	fi
	@$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@printf '%s\n' "$(CURDIR)" > .venv/stamp-place
	@touch $@
