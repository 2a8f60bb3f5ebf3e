"""What is imported is declared, what is declared is locked, and the image installs nothing that only tests need."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("learn2compress", "components", "pipelines")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Declared, though no file of the product imports them.
LOADED_BY_OTHERS = {
    "s3fs": "fsspec loads it for s3:// addresses",
    "tensorboard": "a program to look at the training curves with",
}
USED_BY_TESTS_AS_PROGRAMS = {
    "ruff", "mypy", "import-linter", "pre-commit", "uv", "zizmor", "pytest-xdist", "coverage", "flask", "flask-cors",
    "opencv-contrib-python-headless", "types-pyyaml",
}  # fmt: skip
# Packages that another one consists of, at its own version.
PARTS = {"ml-pipelines-sdk": "tfx", "kfp-pipeline-spec": "kfp"}
# Modules and packages beside a script that imports them, not packages that are installed.
BESIDE = {
    path.stem
    for folder in ("tests/benchmarks", "tests/pipelines/kubeflow", "examples")
    for path in (ROOT / folder).iterdir()
    if path.is_dir() or path.suffix == ".py"
} | {"text_features"}  # what is pushed beside the `classify.py` of a text student
# Recipes of other tools, which benchmarks run in an environment of their own.
OTHER_ENVIRONMENT = {"tf_keras", "tensorflow_model_optimization"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Iterable[str]) -> dict[str, str]:
    """Exact versions by package."""
    found = {}
    for requirement in requirements:
        name, _, version = requirement.partition("==")
        assert version, f"{requirement}: not an exact version"
        found[normalized(name.partition("[")[0])] = version
    return found


def locked(file: str) -> dict[str, str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return {normalized(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


DEPENDENCIES = declared(PROJECT["dependencies"])
DEVELOPMENT = declared(PROJECT["optional-dependencies"]["dev"])


def imported(file: Path) -> Iterator[str]:
    """Dotted names of other people's modules."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in {*PRODUCT, *BESIDE, *OTHER_ENVIRONMENT}:
                yield name


@functools.cache
def providers() -> dict[str, list[str]]:
    return {top: [normalized(name) for name in names] for top, names in metadata.packages_distributions().items()}


@functools.cache
def modules_in(package: str) -> frozenset[str]:
    """Paths of a package's folders and files, without endings."""
    paths = [path for path in metadata.files(package) or [] if path.suffix == ".py"]
    return frozenset(str(place).removesuffix(".py") for path in paths for place in (path, *path.parents))


def packages_of(module: str) -> set[str]:
    """Packages that a module may come from; several where they share a folder, such as `google`."""
    found = set(providers()[module.partition(".")[0]])
    for end in range(2, module.count(".") + 2):
        if len(found) > 1:
            folder = "/".join(module.split(".")[:end])
            found = {package for package in found if folder in modules_in(package)} or found
    return {PARTS.get(package, package) for package in found}


def undeclared(folders: Iterable[str], accepted: set[str]) -> set[str]:
    names = {name for folder in folders for file in (ROOT / folder).rglob("*.py") for name in imported(file)}
    return {name for name in names if not packages_of(name) & accepted}


def unused(packages: Iterable[str], folders: Iterable[str]) -> set[str]:
    names = {name for folder in folders for file in (ROOT / folder).rglob("*.py") for name in imported(file)}
    return set(packages) - {package for name in names for package in packages_of(name)}


def test_what_the_product_imports_is_declared() -> None:
    assert undeclared(PRODUCT, set(DEPENDENCIES)) == set()


def test_what_tests_and_examples_import_is_declared() -> None:
    assert undeclared(("tests", "examples"), {*DEPENDENCIES, *DEVELOPMENT}) == set()


def test_what_is_declared_is_imported() -> None:
    assert unused(DEPENDENCIES, PRODUCT) == set(LOADED_BY_OTHERS)
    assert unused(DEVELOPMENT, ("tests",)) <= USED_BY_TESTS_AS_PROGRAMS


def test_a_missing_declaration_is_found() -> None:
    assert undeclared(PRODUCT, set(DEPENDENCIES) - {"protobuf"}) >= {"google.protobuf.json_format"}


@pytest.mark.parametrize("file", ["requirements.lock", "k8s/requirements.lock"])
def test_the_locks_hold_the_declared_versions(file: str) -> None:
    expected = DEPENDENCIES | (DEVELOPMENT if file == "requirements.lock" else {})
    assert {name: locked(file).get(name) for name in expected} == expected


def test_the_image_has_the_same_versions_and_nothing_of_the_tests() -> None:
    everything, image = locked("requirements.lock"), locked("k8s/requirements.lock")
    assert image.items() <= everything.items()
    assert not {"mediapipe", "opencv-contrib-python-headless", "pytest", "moto"} & set(image)


def test_each_declaration_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|dev) = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert len(lists) == 2
    silent = [line for line in lists[0].splitlines() if "  # " not in line]
    assert silent == []
