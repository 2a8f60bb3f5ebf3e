# `make demo` and `make test` each do everything from a fresh clone; a second call installs nothing.
# Behind a company's own certificate authority: `make demo SSL_CERT_FILE=/path/to/certificates.pem`, or the variable in
# the environment, or PIP_CERT.
PYTHON ?= python3.11
# A pipe fails with its first command.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
INSTALLED := .venv/.installed
# Of what uv says, its stages and errors, not a line for each package.
WITHOUT_LIST := sed -u '/^ [+~-] /d'
# TensorFlow's C++ says much that is not about us.
export TF_CPP_MIN_LOG_LEVEL ?= 3
# uv and Python read SSL_CERT_FILE, pip PIP_CERT: whichever is set serves all.
ifneq ($(SSL_CERT_FILE)$(PIP_CERT),)
export SSL_CERT_FILE := $(abspath $(or $(SSL_CERT_FILE),$(PIP_CERT)))
export PIP_CERT := $(abspath $(or $(PIP_CERT),$(SSL_CERT_FILE)))
endif
# For images: `make image BASE=name@sha256:... BUILD_OPTIONS=...`; docs/how-to/kubeflow.md says more.
PODMAN ?= podman
IMAGE ?= localhost/learn2compress:dev
# As much as any machine lets root give.
LIMITS := --ulimit nofile=4096:4096 --ulimit nproc=4096:4096

# Two files of tests at a time, in the order of tests/conftest.py.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

# The distribution of `components/` and `pipelines/`; that of the library is this folder.
PIPELINES := distributions/learn2compress-pipelines

.PHONY: demo install gpu data wheels test check unit coverage end-to-end format site image base-image containers lock clean
.DEFAULT_GOAL := demo

demo: $(INSTALLED)
	@echo "A teacher of handwritten digits, which scikit-learn bundles:"
	@$(BIN)/python examples/train_teacher.py pipelines/configs/digits.yaml
	@echo "Students of that teacher: l2c run pipelines/configs/digits.yaml --root build/runs"
	@$(BIN)/l2c run pipelines/configs/digits.yaml --root build/runs
	@echo
	@echo "What to type next (l2c is in $(BIN): \`source $(BIN)/activate\` puts it onto the PATH):"
	@echo "  $(BIN)/l2c report --root build/runs"
	@echo "  $(BIN)/l2c lineage $$(ls -t build/pushed/digits/versions/*/*/*.tflite | head -n 1) --root build/runs"
	@echo "  $(BIN)/l2c runs --root build/runs"
	@echo "The same with a model and photos of your own: docs/tutorial/photos.md"

install: $(INSTALLED)

# NVIDIA's libraries for TensorFlow, in the versions of the image that has them. The next install takes them away.
gpu: $(INSTALLED)
	@echo "NVIDIA's libraries: gigabytes to download, then their bytecode to compile"
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --compile-bytecode --requirement k8s/requirements-gpu.lock \
		2>&1 | $(WITHOUT_LIST)

# The public data that pipelines/configs/ name: `make data`, or `make data DATA="snips --downloads FOLDER"` for one of them
# from an archive that is in FOLDER.
data: $(INSTALLED)
	@$(BIN)/python examples/get_data.py $(DATA)

# Both distributions, into build/dist. What an earlier build left would get into them.
wheels: $(INSTALLED)
	rm -rf build/lib build/dist $(PIPELINES)/build
	$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --out-dir build/dist .
	$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --out-dir build/dist $(PIPELINES)

# All tests in one run: the long ones begin first, see tests/conftest.py, and no core waits for the last.
test: check
	$(BIN)/pytest $(SIDE_BY_SIDE)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/pytest -m "not end_to_end" $(SIDE_BY_SIDE)

# The same with what they run of the three packages, line by line. TensorFlow rewrites functions that it makes graphs
# of, so lines that run in graphs alone are missed.
coverage: $(INSTALLED)
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -m "not end_to_end" $(SIDE_BY_SIDE)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

end-to-end: $(INSTALLED)
	$(BIN)/pytest -m end_to_end $(SIDE_BY_SIDE)

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The documents as a site of plain files, in build/site; a broken link fails it.
site: $(INSTALLED)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

image:
	$(PODMAN) build --network=host --file k8s/Dockerfile --tag $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) \
		--build-arg REVISION=$$(git rev-parse HEAD) $(LIMITS) $(BUILD_OPTIONS) .

# Something to give as BASE where no container registry is reached: Debian from its packages.
base-image:
	mmdebstrap --variant=minbase --include=python3.11,python3.11-venv,ca-certificates bookworm - \
		| $(PODMAN) import - localhost/debian-python:bookworm

# The compiled pipeline in containers of that image; needs `apt-get install podman runc`.
containers: $(INSTALLED) image
	PODMAN="$(PODMAN)" L2C_TEST_IMAGE=$(IMAGE) $(BIN)/pytest tests/pipelines/kubeflow/containers

# Resolves both distributions anew, with the overrides of pyproject.toml; everything else installs from the locks. Those
# of the image have the same versions, and nothing for development; one of them has NVIDIA's libraries. An override
# stands for what all packages ask of TensorFlow, its extra included, so that lock overrides once more.
COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-unknown-linux-gnu \
	--generate-hashes --no-emit-index-url --no-header --no-annotate --no-emit-package learn2compress \
	pyproject.toml $(PIPELINES)/pyproject.toml
lock: $(INSTALLED)
	$(COMPILE) --extra dev --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file k8s/requirements.lock
	echo 'tensorflow[and-cuda]' | $(COMPILE) --constraint requirements.lock --override - \
		--output-file k8s/requirements-gpu.lock

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache

# Debian keeps `venv` in a package of its own.
$(INSTALLED): requirements.lock pyproject.toml $(PIPELINES)/pyproject.toml
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { \
		echo "found no venv for $(PYTHON); install it first: apt-get install python3.11-venv" >&2; exit 1; }
	@echo "[1/4] a virtual environment in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "[2/4] uv, which installs the rest"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		"$$(grep -oE '^uv==[^ ]+' requirements.lock)"
	@echo "[3/4] $$(grep -c '==' requirements.lock) locked packages, 4.4 GB in all: minutes where they are not in uv's cache;"
	@echo "      then two minutes to compile their bytecode"
	@$(BIN)/uv pip sync --python $(BIN)/python --compile-bytecode requirements.lock 2>&1 | $(WITHOUT_LIST)
	@echo "[4/4] this checkout"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
		--editable . --editable $(PIPELINES)
	@touch $@
