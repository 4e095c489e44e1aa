# `make run` needs only Python 3.11; Node 20 builds the pages. Everything lands in this directory.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test check fast bench day browser
# What is typed strictly: the kernel of the gate, the agent, the other side, and every rule, event, query and action.
STRICT = src/linli/{gate,edge,faces,schemas,sim,documents,supervise,cli.py} src/linli/server/{env,postgres,serving,enrolment}.py \
	$$(ls -d src/linli/server/*/{rules,events,queries,actions}{,.py} 2>/dev/null) src/linli/server/connectors/{face_check,platforms,profiles,receipts,reconciling,subjects,viid}
front_files = $(shell find web/$(1) web/locale web/api-types -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup: .venv/.installed .venv/.front-app .venv/.front-console .venv/.faces ## the virtual environment, the command `linli`, the pages, the face models

run: setup ## the whole estate, live, on this machine; Ctrl-C stops it and keeps the data
	@exec $(BIN)/linli up

test: setup browser ## every test
	$(BIN)/python -m pytest -n 2 --dist loadfile
	@if [ -d web/app/node_modules ]; then (cd web/app && npm test --silent) && (cd web/console && npm test --silent); fi

fast: .venv/.installed ## the rules and the gate, in seconds, without a database
	@$(BIN)/python -m pytest --hypothesis-profile=fast --ignore-glob='*read*' --ignore-glob='*compare*' \
		$(wildcard tests/gate tests/rules tests/documents) tests/house/test_contracts.py tests/house/test_style.py

check: .venv/.installed ## style, types, architecture, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy --strict --follow-imports=silent $(STRICT)
	$(BIN)/linli migrate --check

bench: setup ## every measurement beside its floor, as JSON
	$(BIN)/linli bench

day: setup ## one simulated day with 200 guests, counted
	$(BIN)/linli day --guests 200 --json

.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || (apt-get update && apt-get install -y python3-venv && $(PYTHON) -m venv --clear .venv)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.front-app: $(call front_files,app) | .venv/.installed
.venv/.front-console: $(call front_files,console) | .venv/.installed
.venv/.front-%:
	@if node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null; \
	then echo "building web/$*" && cd web/$* && npm ci --ignore-scripts --no-audit --no-fund --silent && (npm run build > $(CURDIR)/$@.log 2>&1 || (cat $(CURDIR)/$@.log && false)) && touch $(CURDIR)/$@; \
	else echo "Node 20 or newer is not here: web/$* is not built, and its pages will say so"; fi

.venv/.faces: src/linli/faces/models.py | .venv/.installed
	@if command -v npm >/dev/null && $(BIN)/linli faces fetch >$@.log 2>&1; then touch $@; \
	else echo "the face models are not here (linli faces fetch): doors open by every other way"; fi

browser: # the tests drive Debian's own Chromium, and hold our digest against Debian's Apache and curl
	@wanted="chromium fonts-noto-cjk apache2-bin apache2-utils curl"; if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $$wanted >/dev/null 2>&1; \
	then (apt-get -qq update && apt-get -qq install -y --no-install-recommends $$wanted) >/dev/null; fi
