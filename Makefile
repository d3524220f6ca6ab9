# make demo     the whole journey on simulated gymnasts        make test          the whole suite, default environment
# make lint     ruff, mypy                                      make test-newest   the same suite, newest dependencies
# make docs     the documentation, in build/docs; a warning is an error
PYTHON ?= python3.11
VENV ?= .venv
NEWEST ?= .venv-newest

.PHONY: demo test test-newest lint docs clean

demo: $(VENV)/installed
	$(VENV)/bin/gymskel demo --out demo

test: $(VENV)/installed lint
	$(VENV)/bin/python -m pytest $(ARGS)

test-newest: $(NEWEST)/installed
	$(NEWEST)/bin/python -m pytest $(ARGS)

lint: $(VENV)/installed
	$(VENV)/bin/ruff check gymskel tests benchmarks examples notebooks docs
	$(VENV)/bin/ruff format --check gymskel tests benchmarks examples notebooks docs
	$(VENV)/bin/mypy

docs: $(VENV)/installed-docs
	$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs

# the default environment carries MediaPipe; the newest one RTMPose, and everything else at its newest
$(VENV)/installed: setup.cfg pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable ".[mediapipe,test]"
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(NEWEST)/installed: setup.cfg pyproject.toml
	test -x $(NEWEST)/bin/python || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --upgrade pip
	$(NEWEST)/bin/python -m pip install --quiet --upgrade --editable ".[rtmpose,test]"
	touch $@

clean:
	rm -rf $(VENV) $(NEWEST) demo build *.egg-info
