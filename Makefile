# `make demo` and `make test` each do everything from a fresh clone; a second call installs nothing.
PYTHON ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/.installed
# TensorFlow's C++ says much that is not about us.
export TF_CPP_MIN_LOG_LEVEL ?= 3
# For images: `make image BASE=name@sha256:... BUILD_OPTIONS=...`; docs/kubeflow.md says more.
PODMAN ?= podman
IMAGE ?= localhost/learn2compress:dev
# As much as any machine lets root give.
LIMITS := --ulimit nofile=4096:4096 --ulimit nproc=4096:4096

.PHONY: demo test check unit coverage end-to-end format image base-image containers lock clean
.DEFAULT_GOAL := demo

demo: $(INSTALLED)
	$(BIN)/python examples/train_teacher.py pipelines/configs/digits.yaml
	$(BIN)/l2c run pipelines/configs/digits.yaml --root build/runs

test: check unit end-to-end

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/pytest -m "not end_to_end" -n 2 --dist loadfile

# The same with what they run of the three packages, line by line. TensorFlow rewrites functions that it makes graphs
# of, so lines that run in graphs alone are missed.
coverage: $(INSTALLED)
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -m "not end_to_end" -n 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

end-to-end: $(INSTALLED)
	$(BIN)/pytest -m end_to_end -n 2 --dist loadfile

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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

# Resolves anew, with the overrides of pyproject.toml; everything else installs from the locks. The image's has the same
# versions, and nothing for development.
COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-unknown-linux-gnu \
	--generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml
lock: $(INSTALLED)
	$(COMPILE) --extra dev --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file k8s/requirements.lock

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache

# Debian keeps `venv` in a package of its own.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { \
		echo "found no venv for $(PYTHON); install it first: apt-get install python3.11-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		"$$(grep -oE '^uv==[^ ]+' requirements.lock)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@
