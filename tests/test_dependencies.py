"""What each distribution imports is declared by it, what is declared is locked, and the image has nothing of the tests.

The library is the distribution `learn2compress` of the repository's root; `components/` and `pipelines/` are
`learn2compress-pipelines`, whose metadata are in `distributions/`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LIBRARY, PIPELINES = ("learn2compress",), ("components", "pipelines")
PRODUCT = (*LIBRARY, *PIPELINES)
FILES = {"learn2compress": ROOT / "pyproject.toml"}
FILES |= {path.parent.name: path for path in ROOT.glob("distributions/*/pyproject.toml")}
PROJECTS = {name: tomllib.loads(path.read_text(encoding="utf-8"))["project"] for name, path in FILES.items()}
PROJECT, PIPELINES_PROJECT = PROJECTS["learn2compress"], PROJECTS["learn2compress-pipelines"]

# Declared, though no file of the pipelines imports them.
LOADED_BY_OTHERS = {
    "s3fs": "fsspec loads it for s3:// addresses",
    "tensorboard": "a program to look at the training curves with",
}
USED_BY_TESTS_AS_PROGRAMS = {
    "ruff", "mypy", "import-linter", "pre-commit", "uv", "zizmor", "pytest-xdist", "coverage", "flask", "flask-cors",
    "opencv-contrib-python-headless", "types-pyyaml", "mkdocs", "mkdocs-material", "mkdocstrings-python", "griffelib",
}  # fmt: skip
# Packages that another one consists of, at its own version.
PARTS = {"ml-pipelines-sdk": "tfx", "kfp-pipeline-spec": "kfp"}
# Modules and packages beside a script that imports them, not packages that are installed.
BESIDE = {
    path.stem
    for folder in ("tests/benchmarks", "tests/pipelines/kubeflow", "examples", "docs/generators")
    for path in (ROOT / folder).iterdir()
    if path.is_dir() or path.suffix == ".py"
} | {"text_features", "image_pixels"}  # what is pushed beside `classify.py`
# Recipes of other tools, which benchmarks run in an environment of their own.
OTHER_ENVIRONMENT = {"tf_keras", "tensorflow_model_optimization"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Iterable[str]) -> dict[str, Requirement]:
    """Requirements by package."""
    parsed = map(Requirement, requirements)
    return {normalized(requirement.name): requirement for requirement in parsed}


def locked(file: str) -> dict[str, str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return {normalized(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


DEPENDENCIES = declared(PROJECT["dependencies"])
PIPELINES_DEPENDENCIES = declared(PIPELINES_PROJECT["dependencies"])
OPTIONAL = {name: declared(found) for name, found in PROJECT["optional-dependencies"].items()}
DEVELOPMENT = OPTIONAL["dev"]


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


def test_what_the_library_imports_is_declared_by_it() -> None:
    assert undeclared(LIBRARY, set(DEPENDENCIES)) == set()
    assert unused(DEPENDENCIES, LIBRARY) == set()


def test_what_the_pipelines_import_is_declared_by_them() -> None:
    assert undeclared(PIPELINES, set(PIPELINES_DEPENDENCIES)) == set()
    assert unused(PIPELINES_DEPENDENCIES, PIPELINES) - {"learn2compress"} == set(LOADED_BY_OTHERS)


def test_the_library_declares_nothing_of_the_pipeline_frameworks() -> None:
    assert set(PIPELINES_DEPENDENCIES) - set(DEPENDENCIES) >= {
        "tfx",
        "kfp",
        "apache-beam",
        "tensorflow-data-validation",
        "ml-metadata",
    }


def test_what_tests_and_examples_import_is_declared() -> None:
    accepted = {*DEPENDENCIES, *PIPELINES_DEPENDENCIES, *DEVELOPMENT}
    assert undeclared(("tests", "examples"), accepted) == set()
    assert unused(DEVELOPMENT, ("tests",)) <= USED_BY_TESTS_AS_PROGRAMS


@pytest.mark.parametrize("folders", [LIBRARY, PIPELINES])
def test_a_missing_declaration_is_found(folders: tuple[str, ...]) -> None:
    declaration = DEPENDENCIES if folders == LIBRARY else PIPELINES_DEPENDENCIES
    missing = undeclared(folders, set(declaration) - {"protobuf"})
    assert any(name.startswith("google.protobuf.") for name in missing), missing


def test_both_are_of_one_release_and_need_each_other_at_it() -> None:
    assert {project["version"] for project in PROJECTS.values()} == {PROJECT["version"]}
    assert str(PIPELINES_DEPENDENCIES["learn2compress"].specifier) == f"=={PROJECT['version']}"
    assert importlib.import_module("learn2compress").__version__ == PROJECT["version"]


@pytest.mark.parametrize("name", PROJECTS)
def test_other_packages_may_be_newer_up_to_a_release_that_may_break_it(name: str) -> None:
    for package, requirement in declared(PROJECTS[name]["dependencies"]).items():
        operators = {one.operator for one in requirement.specifier}
        has_own_range = package != "learn2compress" and not (name != "learn2compress" and package in DEPENDENCIES)
        # fsspec's versions are dates, which say nothing of what breaks.
        accepted = [{">=", "<"}] if has_own_range and package not in ("fsspec", "s3fs") else [{">="}, {"=="}, set()]
        assert operators in accepted, requirement


@pytest.mark.parametrize("file", ["requirements.lock", "k8s/requirements.lock"])
def test_the_locks_hold_versions_that_are_accepted(file: str) -> None:
    found = locked(file)
    expected = list(DEPENDENCIES.items()) + list(PIPELINES_DEPENDENCIES.items())
    expected += DEVELOPMENT.items() if file == "requirements.lock" else ()
    for package, requirement in expected:
        if package != "learn2compress":
            assert package in found, f"{package} is not in {file}: make lock"
            assert requirement.specifier.contains(Version(found[package])), f"{requirement} in {file}: make lock"


def test_the_image_has_the_same_versions_and_nothing_of_the_tests() -> None:
    everything, image = locked("requirements.lock"), locked("k8s/requirements.lock")
    assert image.items() <= everything.items()
    assert not {"mediapipe", "opencv-contrib-python-headless", "pytest", "moto"} & set(image)


@pytest.mark.parametrize("name", PROJECTS)
def test_each_declaration_says_why_it_is_there(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    (lines,) = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    silent = [line for line in lines.splitlines() if "  # " not in line and not line.strip().startswith("#")]
    assert silent == []
