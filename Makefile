# The commands of the book. Each makes its environment in .venv first, if it is missing or old.
# `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export SEEING_PROFILE ?= quick
# TensorFlow's C++ side otherwise prints its build details into every chapter.
export TF_CPP_MIN_LOG_LEVEL ?= 3
# Older ipykernels bring a debugger that otherwise warns in every build.
export PYDEVD_DISABLE_FILE_VALIDATION ?= 1
export PYTHONPATH := tools
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help book test unit site execute serve downloads reference outputs release bench lint clean mutations everywhere \
	test-oldest test-newest test-colab
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'
	@echo '  SEEING_PROFILE=full make book builds it with the real budgets (hours without a GPU).'

book: $(READY) ## execute what changed and build _build/html/index.html
	@$(BIN)/python -m bookbuild build

test: $(READY) ## prove everything: unit tests, nbval, a strict build, the site
	@$(BIN)/python -m pytest -p bookbuild.replay

unit: $(READY) ## the unit tests alone
	@$(BIN)/python -m pytest tests/unit

site: $(READY) ## a strict build, each chapter's bands, and the site in a browser, in any profile
	@$(BIN)/python -m pytest tests/notebooks tests/site

# In environments of their own, .venv-oldest and so on; PYTHON=python3.13 names the Python.
test-oldest: ## unit tests and quick chapters with the oldest versions that the ranges allow
	@sh tools/test-versions.sh oldest

test-newest: ## unit tests and quick chapters with the newest versions that the ranges allow
	@sh tools/test-versions.sh newest

test-colab: ## unit tests and quick chapters with Colab's versions
	@sh tools/test-versions.sh colab

mutations: $(READY) ## break helpers on purpose and see a check fail for each: minutes
	@$(BIN)/python -m pytest tests/mutations

everywhere: $(READY) ## the quick book on every kind of machine, with all data, some and none: hours
	@$(BIN)/python tools/everywhere.py

execute: $(READY) ## execute what changed without building: make execute [CHAPTER=first_cnn]
	@$(BIN)/python -m bookbuild execute $(CHAPTER)

serve: $(READY) ## open the built book on localhost: make serve [PORT=8000]
	@$(BIN)/python -m bookbuild serve $(if $(PORT),--port '$(PORT)')

downloads: $(READY) ## a PDF, an ePub and an archive of notebooks, beside the built book
	@$(BIN)/python -m bookbuild downloads

reference: $(READY) ## record reference results: make reference CHAPTER=first_cnn [QUICK=1 or FULL=1]
	@test -n '$(CHAPTER)' || { echo 'which one? for example: make reference CHAPTER=first_cnn'; exit 2; }
	@$(BIN)/python -m bookbuild reference '$(CHAPTER)' $(if $(QUICK),--quick) $(if $(FULL),--full)

outputs: $(READY) ## store what the nbval-checked cells print: make outputs [CHAPTER=first_cnn]
	@$(BIN)/python -m bookbuild outputs $(CHAPTER)

release: $(READY) ## write the version in pyproject.toml to all that names it, and say what to push
	@$(BIN)/python -m bookbuild release

bench: $(READY) ## measure our helpers side by side with their peers
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lint: $(READY) ## ruff over code and notebooks, and notebook hygiene
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m bookbuild lint

clean: ## remove what was built, not the environment and not the downloaded data
	rm -rf _build .pytest_cache .hypothesis .ruff_cache

# The lock file holds a hash for every file: pip installs these very bytes or nothing.
$(READY): requirements.lock requirements.txt pyproject.toml
	@test -w . || { echo 'cannot write to this folder: run make in a copy of the book of your own'; exit 2; }
	@python="$$(sh tools/find-python.sh)" || exit 1; \
	echo "Making $(VENV) with $$python ..."; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
