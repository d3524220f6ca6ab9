# make demo      the whole journey on simulated gymnasts
# make test      lint, and the tests of every module: minutes
# make test-all  the slow ones as well: whole trainings, killed processes, notebooks; then the newest dependencies and the documentation
# make lint      ruff and mypy
# make docs      the documentation, in build/docs; a warning is an error
# make sdist     the source package, in dist/
PYTHON ?= python3.11
VENV ?= .venv
NEWEST ?= .venv-newest
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
# a process for each core; an idle one takes tests from the others
PARALLEL ?= -n auto --dist worksteal

# without it every process would compile the package and the tests anew, for ten seconds
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-slow test-newest lint docs sdist clean

demo: $(VENV)/installed
	$(VENV)/$(BIN)/gymskel demo --out demo

test: $(VENV)/installed lint
	$(VENV)/$(BIN)/python -m pytest -m "not slow" $(PARALLEL) $(ARGS)

test-all: test test-slow test-newest docs

test-slow: $(VENV)/installed
	$(VENV)/$(BIN)/python -m pytest -m slow $(PARALLEL) $(ARGS)

test-newest: $(NEWEST)/installed
	$(NEWEST)/$(BIN)/python -m pytest -m "not slow" $(PARALLEL) $(ARGS)

lint: $(VENV)/installed
	$(VENV)/$(BIN)/ruff check gymskel tests benchmarks examples notebooks docs setup.py
	$(VENV)/$(BIN)/ruff format --check gymskel tests benchmarks examples notebooks docs setup.py
	$(VENV)/$(BIN)/mypy

docs: $(VENV)/installed-docs
	$(VENV)/$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

sdist: $(VENV)/installed
	$(VENV)/$(BIN)/python -m pip install --quiet build
	$(VENV)/$(BIN)/python -m build --sdist

# the default environment carries MediaPipe; the newest one RTMPose, and everything else at its newest
$(VENV)/installed: setup.cfg pyproject.toml
	test -x $(VENV)/$(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/$(BIN)/python -m pip install --quiet --upgrade pip
	$(VENV)/$(BIN)/python -m pip install --quiet --editable ".[mediapipe,test]"
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(VENV)/$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(NEWEST)/installed: setup.cfg pyproject.toml
	test -x $(NEWEST)/$(BIN)/python || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/$(BIN)/python -m pip install --quiet --upgrade pip
	$(NEWEST)/$(BIN)/python -m pip install --quiet --upgrade --editable ".[rtmpose,test]"
	touch $@

clean:
	rm -rf $(VENV) $(NEWEST) demo build dist *.egg-info
