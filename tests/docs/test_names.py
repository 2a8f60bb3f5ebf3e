"""Modules, files, classes and keys that a page names are there, so that a page does not outlive what it tells of."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "generators"))
from configuration_page import sections  # noqa: E402
from python_page import public_objects  # noqa: E402

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").rglob("*.md"))]
}
PACKAGES = ("learn2compress", "components", "pipelines")
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in (*PACKAGES, "examples", "tests", "docs/generators")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)
}
CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
TITLES = set(re.findall(r'^```python title="([\w.]+)"$', "\n".join(PAGES.values()), re.MULTILINE))
KEYS = {key.path.rpartition(".")[2] for section in sections() for key in section.keys}
KEYS_OF_OTHERS = {"supersede", "components"}  # the receiver's settings; kustomize
MODULES_OF_OTHERS = {"pipelines.kubeflow.org"}  # the audience of a token
CLASSES_OF_OTHERS = {"CompiledModel", "TensorFlowLiteSwift"}  # LiteRT's, on phones


def pieces(text: str) -> list[str]:
    """What a text has in backticks, blocks left out."""
    return CODE.findall(BLOCK.sub("", text))


def entry_point_groups() -> set[str]:
    names = ("pyproject.toml", "distributions/learn2compress-pipelines/pyproject.toml")
    projects = (tomllib.loads((ROOT / name).read_text(encoding="utf-8"))["project"] for name in names)
    return {group for project in projects for group in project.get("entry-points", {})}


def unknown_modules(text: str) -> list[str]:
    """Dotted names that are neither a module, nor something in one, nor a group of entry points."""
    known = entry_point_groups() | MODULES_OF_OTHERS | {f"learn2compress.{name}" for name in public_objects()}
    dotted = re.compile(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
    names = {name for piece in pieces(text) if "/" not in piece for name in dotted.findall(piece)}
    return sorted(name for name in names - known if not _is_there(name))


def _is_there(name: str) -> bool:
    module, _, last = name.rpartition(".")
    path, above = name.replace(".", "/"), module.replace(".", "/")
    if f"{path}.py" in SOURCES or f"{path}/__init__.py" in SOURCES:
        return True
    source = SOURCES.get(f"{above}.py") or SOURCES.get(f"{above}/__init__.py") or ""
    return re.search(rf"^\s*(?:(?:class|def) {last}\b|{last}\b.*=)", source, re.MULTILINE) is not None


def unknown_files(text: str) -> list[str]:
    """Files of Python that are nowhere in the repository; `NAME` stands for a reader's own."""
    files = {piece for piece in pieces(text) if re.fullmatch(r"[\w/-]+\.py", piece) and "NAME" not in piece} - TITLES
    return sorted(file for file in files if not any(f"/{path}".endswith(f"/{file}") for path in SOURCES))


def unknown_keys(text: str) -> list[str]:
    """Keys such as that of `sharing: width` which the configuration does not have."""
    found = (re.match(r"\{?([a-z_]+): ", piece) for piece in pieces(text))
    return sorted({match[1] for match in found if match} - KEYS - KEYS_OF_OTHERS)


def unknown_classes(text: str) -> list[str]:
    """Names such as `TrainingConfig` that no source has."""
    names = {piece for piece in pieces(text) if re.fullmatch(r"(?:[A-Z][a-z0-9]+){2,}", piece)} - CLASSES_OF_OTHERS
    return sorted(name for name in names if not any(re.search(rf"\b{name}\b", code) for code in SOURCES.values()))


CHECKS = (unknown_modules, unknown_files, unknown_keys, unknown_classes)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_a_page_names_is_there(check: Callable[[str], list[str]], page: str) -> None:
    assert check(PAGES[page]) == []


def test_names_that_are_gone_are_found() -> None:
    text = "`learn2compress.gone.Thing`, `learn2compress.config.file.gone`, `data/gone.py`, `goner: 1`, `GoneConfig`"
    found = [check(text) for check in CHECKS]
    assert found == [
        ["learn2compress.config.file.gone", "learn2compress.gone.Thing"],
        ["data/gone.py"],
        ["goner"],
        ["GoneConfig"],
    ]


def test_every_page_is_reached_from_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = {name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")}
    assert pages - set(re.findall(r"[\w/-]+\.md", navigation)) == set()


@pytest.mark.parametrize("kind", ["how-to", "reference", "explanation"])
def test_a_folder_s_first_page_leads_to_each_of_its_pages(kind: str) -> None:
    index = PAGES[f"docs/{kind}/index.md"]
    pages = {Path(name).name for name in PAGES if name.startswith(f"docs/{kind}/")} - {"index.md"}
    assert pages - set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == set()
