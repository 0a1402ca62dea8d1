# Rason. `make demo` and `make test` install what they need; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.ready
VERSION := $(shell sed -n 's/^version=//p' metadata.txt)
# /usr/bin/qgis_process of Debian 12 is broken as shipped; elsewhere the wrapper is right.
export QGIS_PROCESS ?= $(firstword $(wildcard /usr/bin/qgis_process.bin) qgis_process)
export PYTHONDONTWRITEBYTECODE := 1
OFFSCREEN := QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$(or $(XDG_RUNTIME_DIR),/tmp)

APT := qgis python3-qgis qgis-providers python3-gdal gdal-bin python3-numpy python3-scipy python3-shapely python3-pyproj \
       python3-venv python3-pip xvfb xauth git fonts-noto-cjk
PIP := pytest==9.* pytest-qgis==5.0.2 hypothesis ruff==0.17.* mypy==2.* bandit==1.9.* detect-secrets==1.5.* onnxruntime==1.*

help: ## This list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Install what is missing: QGIS and libraries from apt, test tools into .venv

$(STAMP): Makefile
	@tools/setup.sh $(APT)
	@/usr/bin/python3 -m venv --system-site-packages $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check $(PIP)
	@touch $@

demo: $(STAMP) ## Count and compare a synthetic pair of Rajin and Tumangan; opens QGIS where there is a display
	@/usr/bin/python3 bench/demo.py

test: $(STAMP) ## All tests; ends with pytest's closing line
	@$(OFFSCREEN) $(PYTHON) -m pytest $(ARGS)

lint: $(STAMP) ## Style, types, and the plugin repository's security scan
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet . || { echo "run: $(VENV)/bin/ruff format ."; exit 1; }
	@$(VENV)/bin/mypy
	@$(PYTHON) tools/scan.py

pages: $(STAMP) ## Write docs/algorithms/ from the algorithms
	@$(OFFSCREEN) /usr/bin/python3 tools/algorithm_pages.py

i18n: ## Collect all strings for translators into i18n/rason.ts
	@/usr/bin/python3 tools/translations.py

bench: $(STAMP) ## Measure speed, memory and statistics into bench/results/
	@$(OFFSCREEN) $(PYTHON) bench/run.py

accuracy: $(STAMP) ## Measure accuracy on the real sets in ../shared/imagery and rewrite docs/ACCURACY.md
	@$(OFFSCREEN) $(PYTHON) bench/accuracy.py $(ARGS)

package: ## dist/rason-VERSION.zip from the last commit, checked as the plugin repository checks it
	@mkdir -p dist
	@git archive --prefix=rason/ -o dist/rason-$(VERSION).zip HEAD
	@/usr/bin/python3 tools/check_package.py dist/rason-$(VERSION).zip

install: package ## Install the packaged plugin into this user's QGIS profile
	@target="$${QGIS_PLUGINS:-$$HOME/.local/share/QGIS/QGIS3/profiles/default/python/plugins}"; \
	mkdir -p "$$target" && rm -rf "$$target/rason" && /usr/bin/python3 -m zipfile -e dist/rason-$(VERSION).zip "$$target" && \
	echo "Installed into $$target/rason. Enable it in Plugins > Manage and Install Plugins."

clean: ## Remove everything that was made here
	@rm -rf $(VENV) dist build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .qgis-settings *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo test lint pages i18n bench accuracy package install clean
