# The one door for chores. `make` alone says what there is.
#
# Nothing but make, Node with npm, and (for the live tests) apt is needed; nothing outside this working tree is
# changed. The pinned Bun comes from the npm registry; Prosody and ejabberd come from the operating system's packages,
# unpacked into .toolchain/, not installed. All of it is fetched once.

BUN_VERSION := 1.4.5

# Recipes in which a pipe or an early command fails must fail; an interrupted recipe's file must not look made.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# A `bun` of exactly that version in PATH is used; else our own copy.
BUN := $(shell test "$$(bun --version 2>/dev/null)" = $(BUN_VERSION) && command -v bun || echo $(CURDIR)/.toolchain/bun/node_modules/.bin/bun)
DENO := node_modules/.bin/deno
READY := node_modules/.ready
GATEWAY := dist/rayo-gateway
SOURCES := $(shell find src -name '*.ts' -o -name '*.html' -o -name '*.css' -o -name '*.json' -o -name '*.svg')
# Two runs in one working tree: the second waits where both would fetch or unpack the same.
ALONE := mkdir -p .toolchain && exec flock .toolchain/lock

TYPES := --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --noImplicitOverride \
	--noFallthroughCasesInSwitch --module preserve --target esnext --types bun --noEmit \
	--allowImportingTsExtensions --skipLibCheck

# COMPAT(bun): --bytecode needs --format=esm; --minify renames error classes without --keep-names; without the two
# --no-compile-autoload flags the executable would load .env and bunfig.toml of its working directory.
BUILD := --compile --minify --keep-names --bytecode --format=esm --no-compile-autoload-dotenv \
	--no-compile-autoload-bunfig --sourcemap=linked

.PHONY: help run test live build bench ok fmt fmt-check lint types packages setup conformance clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: build packages ## the demo: real XMPP server, gateway, nodes, application; ARGS="--nodes 4 --calls 20"
	@exec $(BUN) test/demo/main.ts $(ARGS)

test: build packages ## every test, the live ones too; ARGS="xmpp live" runs some folders of test/
	@exec $(BUN) test/support/run_tests.ts $(ARGS)

live: build packages ## the tests on real servers alone
	@exec $(BUN) test/support/run_tests.ts live $(ARGS)

build: $(GATEWAY) ## dist/rayo-gateway, one executable

bench: build packages ## the benchmarks; writes dist/bench.json; ARGS="--only relay" runs some
	@exec $(BUN) test/bench/main.ts $(ARGS)

ok: fmt-check lint types test ## what has to be true before a change is handed in

fmt: $(READY) ## format the sources
	@$(DENO) fmt --quiet

fmt-check: $(READY)
	@$(DENO) fmt --quiet --check

lint: $(READY) ## lint the sources
	@$(DENO) lint --quiet

types: $(READY) ## check the types
	@$(BUN) check $(TYPES) src test

conformance: $(READY) ## write CONFORMANCE.md anew from the sources
	@$(BUN) test/conformance/conformance.ts

setup: $(READY) packages ## fetch all that is needed, once

packages: $(READY)
	@$(ALONE) $(BUN) test/support/packages.ts

clean: ## remove what was built and fetched
	rm -rf dist node_modules .toolchain

# Built beside its place and moved there, so that nobody ever runs half of it. The database worker is an entry point
# of its own (src/store/sqlite/thread.ts). Same sources and same name give the same bytes, so the name is kept.
$(GATEWAY): $(SOURCES) package.json bun.lock $(READY) Makefile
	@mkdir -p dist && building=$$(mktemp -d dist/build.XXXXXX) && trap 'rm -rf "$$building"' EXIT && \
	$(BUN) build $(BUILD) --outfile "$$building/rayo-gateway" src/main.ts src/store/sqlite/worker.ts >"$$building/log" 2>&1 || \
		{ cat "$$building/log"; exit 1; }; \
	mv -f "$$building"/rayo-gateway* dist/

$(READY): package.json bun.lock | $(BUN)
	@$(ALONE) $(BUN) install --frozen-lockfile --silent
	@touch $@

$(CURDIR)/.toolchain/bun/node_modules/.bin/bun:
	@command -v npm >/dev/null || { echo "npm not found: install Node with npm, or Bun $(BUN_VERSION)" >&2; exit 1; }
	@mkdir -p .toolchain && exec flock .toolchain/lock $(SHELL) -eu -c '\
		test -x "$@" && "$@" --version >/dev/null 2>&1 && exit 0; \
		npm install --prefix .toolchain/bun --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error bun@$(BUN_VERSION) >&2; \
		node .toolchain/bun/node_modules/bun/install.js'
