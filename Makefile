# `make demo` and `make test` each do everything from a fresh clone; a second call installs nothing.
PYTHON ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/.installed
# TensorFlow's C++ says much that is not about us.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test check unit end-to-end format lock clean
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

end-to-end: $(INSTALLED)
	$(BIN)/pytest -m end_to_end

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Resolves anew, with the overrides of pyproject.toml; everything else installs from the lock.
lock: $(INSTALLED)
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --extra dev \
		--generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements.lock

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
