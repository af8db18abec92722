# What there is to do here: `make help`. Everything happens in .venv; nothing is installed outside
# of it, but for the Debian packages that `make test` needs, and those only as root.

VENV := .venv
BIN := $(VENV)/bin
RUN_LOCKS := requirements.lock requirements-build.lock
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock'
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test check bench proof screenshots docs lock clean

help:
	@echo 'make run     install, then start `ringback up --demo` (Ctrl-C stops it)'
	@echo 'make test    install what tests need, then check and test everything'
	@echo 'make check   lint, formatting, types and floors only'
	@echo 'make bench   run every benchmark and write docs/performance.md; an hour, BENCH=--quick less'
	@echo 'make proof   the tests at full size; takes long'
	@echo 'make screenshots  write a picture of every screen of the panel to build/screens'
	@echo 'make docs    write the derived parts of the documentation anew'
	@echo 'make lock    write the lock files anew from pyproject.toml (needs uv in .venv)'
	@echo 'make clean   remove .venv and everything that tools have left behind'

run: $(VENV)/installed-run
	@exec $(BIN)/ringback up --demo

test: $(VENV)/installed-dev
	@scripts/test-programs.sh
	@$(MAKE) --no-print-directory check
	@scripts/test.sh

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-dev
	@scripts/bench-programs.sh
	$(BIN)/python -m bench $(BENCH)

proof: $(VENV)/installed-dev
	@scripts/test-programs.sh
	@RINGBACK_PROOF=1 $(BIN)/python -m pytest

screenshots: $(VENV)/installed-dev
	@scripts/test-programs.sh
	@$(BIN)/python -m scripts.screenshots

docs: $(VENV)/installed-dev
	$(BIN)/python scripts/house_map.py
	$(BIN)/python -m scripts.limits
	$(BIN)/python -m scripts.scopes
	$(BIN)/python -m scripts.doctor
	$(BIN)/python -m scripts.events
	$(BIN)/python -m scripts.commands
	$(BIN)/python -m scripts.providers

# A stamp is older than a lock file: install again. Both take a second when nothing has changed.
$(VENV)/installed-run: $(RUN_LOCKS) pyproject.toml scripts/install.sh
	@scripts/install.sh run

$(VENV)/installed-dev: requirements-dev.lock pyproject.toml scripts/install.sh
	@scripts/install.sh dev

# The development lock obeys the others, so that tests run on the versions that people run.
lock:
	$(COMPILE) pyproject.toml --output-file requirements.lock $(UPGRADE)
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock \
		$(UPGRADE)
	$(COMPILE) pyproject.toml --group build --group dev --constraint requirements.lock \
		--constraint requirements-build.lock --output-file requirements-dev.lock $(UPGRADE)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
