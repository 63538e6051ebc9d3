# Every command people and CI use. `make demo` and `make test` install what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8765

# tests start hundreds of processes, and each would compile everything anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check style types map docs bench faults lock clean

# Hash-checked install of the locked requirements, redone only when they change. pip would compile them one after
# the other; what cannot be compiled are templates, which pip leaves as well.
$(VENV)/.installed: requirements/dev.txt requirements/runtime.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	-@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python -m bot demo --port $(PORT)

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

check: $(VENV)/.installed
	@$(MAKE) --no-print-directory -j 2 style types map

style: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed
	$(BIN)/mypy

map: $(VENV)/.installed
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py

# Reference pages made from the code.
docs: $(VENV)/.installed
	$(BIN)/python -m bot docs

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run_overhead.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/digest.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/grounding.py --data $(or $(DATA),../shared/data)

faults: $(VENV)/.installed
	$(BIN)/python -m pytest tests/faults -m "slow or sweep" -rP
	$(BIN)/python -m tests.faults.chaos --runs 2000 --seed 11
	$(BIN)/python -m tests.faults.chaos --runs 2000 --seed 11 --database postgres

# Resolves the .in files anew; the results carry hashes and name no registry.
lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/runtime.in -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) var build
