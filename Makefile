# Two commands do everything: `make sweep` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# tests on all cores, each file on one
PARALLEL ?= -n auto --dist loadfile
SUBMISSIONS := $(patsubst %/,%,$(dir $(wildcard submissions/*/submission.json)))
RESULTS ?= $(patsubst %/,%,$(dir $(lastword $(sort $(wildcard results/*/records.parquet)))))

.DEFAULT_GOAL := help
.PHONY: help setup sweep report test test-all test-slurm test-ray tools lint verify docs bench figures \
	reference sync dashboard clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "dan_bench needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + ": make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## create .venv and install what requirements.lock pins (PYTHON=python3.13 chooses another)

sweep: $(READY) ## train, measure and print everything (20 to 25 minutes; finished runs are kept)
	@$(BIN)/python -m dan_bench.train -m +sweep=default

report: $(READY) ## print the table of results/ again
	@$(BIN)/python -m dan_bench.report

test: $(READY) lint ## lint, types, layers and all quick tests
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(READY) lint tools ## the same with the slow tests, and properties on examples that are new each time
	$(BIN)/python -m pytest --hypothesis-profile=search $(PARALLEL)

test-slurm: $(READY) ## a sweep on a Slurm cluster brought up here (as root, by apt; else it skips)
	@command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get install --quiet --yes slurm-wlm slurmctld slurmd munge; } || \
		echo "no slurmctld, slurmd or munged: the test will skip"
	$(BIN)/python -m pytest tests/sweep/test_slurm.py

test-ray: $(READY) ## sweeps on Ray: installs it, and starts clusters of this machine's
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
		--constraint requirements.lock -e '.[ray]'
	$(BIN)/python -m pytest tests/sweep/test_ray.py

tools: ## what some tests need: file systems, a browser, a terminal, LaTeX (as root, by apt; else they skip)
	@(for tool in mkfs.xfs mkfs.btrfs mkfs.ext4 chromium tmux pdflatex; do command -v $$tool >/dev/null || exit 1; done) || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get install --quiet --yes xfsprogs btrfs-progs e2fsprogs chromium tmux \
			texlive-latex-base texlive-latex-recommended; } || \
		echo "no mkfs.xfs, mkfs.btrfs, mkfs.ext4, chromium, tmux or pdflatex: the tests that need it will skip"

lint: $(READY) ## ruff, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

verify: $(if $(SUBMISSIONS),$(READY)) ## check what lies in submissions/; this runs the code in it
	@$(if $(SUBMISSIONS),$(BIN)/python -m dan_bench.report verify $(SUBMISSIONS),echo "no submissions")

docs: $(READY) ## the pages and the API reference as a site, site/html/index.html, from local files alone
	rm -rf site
	mkdir -p site/source
	cp --parents $$(git ls-files README.md CONTRIBUTING.md CHANGELOG.md LICENSE docs results) site/source
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY) ## speed of the training step and of the noise, as ratios
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/training_step.py output=torus
	$(BIN)/python benchmarks/noise.py

figures: $(READY) ## draw results/figures from the committed reference (RESULTS=results: from your own runs)
	@$(BIN)/python -m dan_bench.report figures --results $(RESULTS) --out results/figures

reference: $(READY) ## run the published grid, five seeds (hours; goes on where it was), and publish it
	@$(BIN)/python -m dan_bench.reference

sync: $(READY) ## upload the wandb runs that were offline, once each (ARGS=--dry-run lists them)
	@$(BIN)/python -m dan_bench.dashboard sync $(ARGS)

dashboard: $(READY) ## look at the runs in wandb's terminal viewer, without an account
	@$(BIN)/python -m dan_bench.dashboard view

clean: ## remove .venv and caches; results and data sets stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
