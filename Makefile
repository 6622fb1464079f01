# Two commands: `make demo` compares two recipes, `make test` proves the project.
.DEFAULT_GOAL := help
.PHONY: help demo evaluate genres topics bench bench-server bench-scale test proofs test-bert coverage browser pictures notebook torture lint lock faiss-env spark-env clean

# TF=2 takes TensorFlow 2.15, in an environment of its own; so does what needs an environment where
# TensorFlow 1.15 cannot run.
ifndef TF
TF := $(if $(filter-out help clean browser,$(MAKECMDGOALS)),$(shell sh tools/choose_tensorflow.sh),1)
endif
MACHINE := $(shell uname -s)-$(shell uname -m)
PLATFORM := $(or $(if $(filter Linux-aarch64 Linux-arm64,$(MACHINE)),linux-arm64),\
    $(if $(filter Darwin-arm64,$(MACHINE)),macos-arm64),$(if $(CUDA),linux-cuda),linux-x86_64)
ifeq ($(TF),2)
VENV := .venv-tf2
VERSIONS := 3.11 3.10 3.9
LOCK := requirements-tf2-$(PLATFORM).txt
LOCK_DEV := requirements-tf2-dev-$(PLATFORM:linux-cuda=linux-x86_64).txt
else
VENV := .venv
VERSIONS := 3.7
LOCK := requirements.txt
LOCK_DEV := requirements-dev.txt
endif
PYTHON := $(VENV)/bin/python
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes

help:
	@echo "make demo   set everything up and compare two recipes for a title and for a text"
	@echo "  (TF=2, for each command: with TensorFlow 2.15; CUDA=1: with its CUDA libraries)"
	@echo "make faiss-env  add what large indexes need (build_index.py --ann) to the environment"
	@echo "make evaluate   measure every recipe and baseline on the sample; data/report.html shows it"
	@echo "make genres   train genre models on the sample and measure them"
	@echo "make topics   find the topics of the sample, as data/topics.html, and join them to an index"
	@echo "make test   set up what is missing, lint and run the tests on all cores (15 minutes)"
	@echo "make proofs   run the tests that take longest, which make test leaves out"
	@echo "make test-bert   run what depends on TensorFlow's version: make test-bert TF=2"
	@echo "make coverage   run the tests and show which share of the lines they reach"
	@echo "make notebook  run recommender.ipynb from a clean kernel and store what it shows"
	@echo "make pictures  take the README's pictures of the pages"
	@echo "make torture  kill it, fill its disk, feed it rubbish, and print what was lost (15 minutes)"
	@echo "make lint   check style, types, spelling and what imports what"
	@echo "make spark-env   install pyspark, and see that Java is there: extract_features.py --spark"
	@echo "make lock   write requirements*.txt anew from requirements*.in"
	@echo "make bench  measure beside Google's script, bert-as-service, PyTorch and onnxruntime (half an hour)"
	@echo "make bench-server  measure the server under load (a quarter of an hour)"
	@echo "make bench-scale  measure what becomes of large and changing catalogues"
	@echo "make clean  remove the environment and what the demo wrote"

# A target file is a mark of what is done, so that a second run redoes nothing.
$(VENV)/installed: $(LOCK) tools/find_python.sh
	@python=$$(sh tools/find_python.sh $(VERSIONS)) && echo "make: environment $(VENV) from $$python" && \
	    $$python -m venv --clear $(VENV)
	$(PIP_INSTALL) -r $(LOCK)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed $(LOCK_DEV)
	$(PIP_INSTALL) -r $(LOCK_DEV)
	@touch $@

# An extra, for large indexes: build_index.py --ann.
faiss-env: $(VENV)/installed-faiss

$(VENV)/installed-faiss: $(VENV)/installed requirements-faiss.txt
	$(PIP_INSTALL) -r requirements-faiss.txt
	@touch $@

$(VENV)/installed-spark: $(VENV)/installed requirements-spark.txt
	$(PIP_INSTALL) -r requirements-spark.txt
	@touch $@

spark-env: $(VENV)/installed-spark
	@sh tools/get_java.sh

tmp/all-MiniLM-L6-v2/bert_config.json: | $(VENV)/installed
	$(PYTHON) download.py --model minilm

data/sample_index.h5: data/sample_movies.csv recommender/index.py recommender/building.py $(VENV)/installed | tmp/all-MiniLM-L6-v2/bert_config.json
	$(PYTHON) extract_features.py --bert_dir tmp/all-MiniLM-L6-v2 --input_file data/sample_movies.csv --output_dir data/sample_features
	$(PYTHON) build_index.py --input_file data/sample_movies.csv --features data/sample_features --output $@ --map

demo: data/sample_index.h5
	@echo
	@echo "Two lists for each question: by mean4, the research's recipe, and by best, which finds most."
	@echo "The last number in a line is the film's rank in the other list."
	$(PYTHON) recommend.py --index $< --title "The Matrix" --compare
	@echo
	$(PYTHON) recommend.py --index $< --compare --overview "A hacker learns that the world around him is a simulation run by machines"

# For a catalogue of your own: make evaluate INPUT_FILE=data/movies_metadata.csv FEATURES=data/features
# and, if there are descriptions of its films by others, QUERIES=data/queries.csv.
INPUT_FILE := data/sample_movies.csv
FEATURES := data/sample_features
QUERIES := $(if $(filter data/sample_movies.csv,$(INPUT_FILE)),data/sample_queries.csv)
evaluate: data/sample_index.h5
	$(PYTHON) evaluate.py --input_file $(INPUT_FILE) --features $(FEATURES) \
	    $(if $(QUERIES),--queries $(QUERIES)) --html data/report.html

topics: data/sample_index.h5
	$(PYTHON) topics.py --index $< --output data/sample_topics.h5 --html data/topics.html
	$(PYTHON) build_index.py --input_file data/sample_movies.csv --features data/sample_features \
	    --output data/sample_topics_index.h5 --map --topics data/sample_topics.h5

# For a catalogue of your own: make genres INPUT_FILE=data/movies_metadata.csv FEATURES=data/features
# FOLDS=1. A model that is there is not trained again.
FOLDS := 5
GENRE_FEATURES := data/genre_features_bert data/genre_features_gru
genres: data/sample_index.h5 $(GENRE_FEATURES:=/features.h5)
	$(PYTHON) evaluate.py --input_file $(INPUT_FILE) --features $(FEATURES) \
	    --recipes mean4,best --genre_features $(GENRE_FEATURES)

.SECONDARY: tmp/genres-bert/genre_head.json tmp/genres-gru/genre_head.json
data/genre_features_%/features.h5: tmp/genres-%/genre_head.json
	$(PYTHON) extract_features.py --bert_dir tmp/genres-$* --input_file $(INPUT_FILE) \
	    --output_dir $(@D)
	@touch $@

tmp/genres-%/genre_head.json: $(VENV)/installed | tmp/all-MiniLM-L6-v2/bert_config.json
	$(PYTHON) train_genres.py --encoder $* --bert_dir tmp/all-MiniLM-L6-v2 \
	    $(if $(filter bert,$*),--train_layers 6) --folds $(FOLDS) --input_file $(INPUT_FILE)

# The tests of a file run in one process, files in one more than there are cores: tests/conftest.py.
PACKAGES := bert extracting fetching recommender serving
PYTEST := $(PYTHON) -m pytest -n auto
# Google's graph cannot be imported under TensorFlow 2.
ALL_TESTS := --doctest-modules $(if $(filter 2,$(TF)),--ignore bert/reference.py) tests $(PACKAGES) *.py
ENVIRONMENT := $(if $(filter 2,$(TF)),$(VENV)/installed-dev,lint $(VENV)/installed-spark) $(VENV)/installed-faiss tmp/all-MiniLM-L6-v2/bert_config.json
# Spark runs beside TensorFlow 1.15 alone.
GET_JAVA = @$(if $(filter 2,$(TF)),true,sh tools/get_java.sh 2>&1 | grep -v "^make: there is no") || true
TELL_OF_JAVA = @$(if $(filter 2,$(TF)),true,sh tools/get_java.sh 2>/dev/null) || \
    echo "make: all tests passed, but those of Spark did not run: there is no Java here; install a" \
    "runtime (Debian, Ubuntu: sudo apt-get install default-jre-headless)"
test: $(ENVIRONMENT)
	@sh tools/get_browser.sh 2>&1 | grep -v "^make: there is no" || true
	$(GET_JAVA)
	$(PYTEST) -m "not long" $(ALL_TESTS)
	@sh tools/get_browser.sh 2>/dev/null || echo "make: all tests passed, but those of the pages" \
	    "(tests/test_browser*.py) did not run: there is no chromium with its chromedriver here;" \
	    "install both (Debian, Ubuntu: sudo apt-get install chromium chromium-driver)"
	$(TELL_OF_JAVA)

proofs: $(ENVIRONMENT)
	$(GET_JAVA)
	$(PYTEST) -m long tests
	$(TELL_OF_JAVA)

# By itself: measured so, each program that a test starts takes half as much time again.
coverage: $(ENVIRONMENT)
	$(PYTEST) $(ALL_TESTS) --cov=$(CURDIR) --cov-config=$(CURDIR)/pyproject.toml --cov-report=
	@echo "Lines that the tests reach, in percent:"
	@for package in $(PACKAGES); do \
	    echo "$$package $$($(PYTHON) -m coverage report --format=total --include="$$package/*")"; done
	@echo "programs $$($(PYTHON) -m coverage report --format=total --include='*.py')"

test-bert: $(VENV)/installed-dev tmp/all-MiniLM-L6-v2/bert_config.json
	@sh tools/get_browser.sh
	$(PYTEST) $$(sed -n 's,^test_,tests/&,p' tests/bert_tests.txt)

browser:
	@sh tools/get_browser.sh

pictures: $(VENV)/installed-dev data/sample_index.h5 browser
	$(PYTHON) -m tests.pictures

notebook: $(VENV)/installed-dev data/sample_index.h5
	$(PYTHON) -m tests.notebook

torture: $(VENV)/installed-dev tmp/all-MiniLM-L6-v2/bert_config.json
	$(PYTHON) -m torture

lint: $(VENV)/installed-dev
ifeq ($(TF),2)
	@echo "make: the linters are those of TensorFlow 1.15's environment: make lint TF=1" >&2; exit 1
else
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/codespell
	.venv/bin/lint-imports --no-cache
endif

lock: export CUSTOM_COMPILE_COMMAND := make lock
lock: $(VENV)/installed-dev
ifeq ($(TF),2)
	sh tools/lock_tf2.sh $(VENV)/bin/uv
else
	$(PYTHON) -m piptools compile $(LOCK_OPTIONS) --output-file requirements.txt requirements.in
	$(PYTHON) -m piptools compile $(LOCK_OPTIONS) --output-file requirements-dev.txt requirements-dev.in
	$(PYTHON) -m piptools compile $(LOCK_OPTIONS) --output-file requirements-faiss.txt requirements-faiss.in
	$(PYTHON) -m piptools compile $(LOCK_OPTIONS) --output-file requirements-spark.txt requirements-spark.in
endif

# No address of an index goes into the lock: it installs from wherever pip is set up to look.
LOCK_OPTIONS := --quiet --generate-hashes --allow-unsafe --strip-extras --resolver=backtracking \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

bench: $(VENV)/installed | tmp/all-MiniLM-L6-v2/bert_config.json
	$(PYTHON) -m benchmarks.run --output benchmarks/results.md

bench-server: $(VENV)/installed-dev | tmp/all-MiniLM-L6-v2/bert_config.json
	$(PYTHON) -m benchmarks.server --output benchmarks/server.md

bench-scale: $(VENV)/installed-dev $(VENV)/installed-faiss $(VENV)/installed-spark data/sample_index.h5
	$(PYTHON) -m benchmarks.scale.updates
	$(PYTHON) -m benchmarks.scale.search
	$(PYTHON) -m benchmarks.scale.halves
	$(PYTHON) -m benchmarks.scale.million
	$(PYTHON) -m benchmarks.scale.workers

clean:
	rm -rf .venv .venv-tf2 .uv benchmarks/.envs benchmarks/.data data/sample_features \
	    data/sample_index.h5 data/report.html data/topics.html data/sample_topics.h5 \
	    data/sample_topics_index.h5 data/genre_features_bert data/genre_features_gru
