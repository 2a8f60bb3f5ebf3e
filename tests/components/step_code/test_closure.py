"""What is behind a module: everything that it may import, and nothing else."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import learn2compress
from components.step_code.closure import DATA_SUFFIXES, OUR_PACKAGES, Closure, closure_of, module_files

ROOT = Path(learn2compress.__file__).parents[1]
STEPS = [folder.parent.name for folder in sorted((ROOT / "components").glob("*/executor.py"))]
# Modules that import by a name which only a run decides, and why their closure is whole nonetheless.
DYNAMIC = {
    "components.ingest.tfdv": "a module of tfx-bsl, beside the package that it imports",
    "learn2compress.public_names": "what a person who imports the library asks for, which no step does",
}

FILES = {
    "__init__.py": "from made_up.reexporting import Kept, Other\n",
    "root.py": """
from __future__ import annotations
import sys
from typing import TYPE_CHECKING
import numpy as np
from made_up import Kept
from . import sibling
from .deep import inner as renamed
if TYPE_CHECKING:
    from made_up import for_types
else:
    from made_up import not_for_types
PLUGIN = "made_up.named"
def late():
    import made_up.late
    import importlib
    importlib.import_module("made_up.by_name")
    import h5py.h5d
""",
    "reexporting/__init__.py": '''"""Words."""
from made_up.reexporting.kept import Kept
from made_up.reexporting.other import Other
__all__ = ["Kept", "Other"]
''',
    "reexporting/kept.py": "class Kept: pass\n",
    "reexporting/other.py": "class Other: pass\n",
    "sibling.py": "",
    "deep/__init__.py": "import made_up.run_by_package\n",
    "deep/inner.py": "from ..cousin import *\n",
    "deep/page.css": "p {}",
    "deep/notes.md": "no part of the package",
    "for_types.py": "",
    "not_for_types.py": "",
    "named.py": "",
    "late.py": "",
    "by_name.py": "",
    "cousin.py": "",
    "run_by_package.py": "",
    "unused.py": "",
}


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Closure:
    for name, text in FILES.items():
        path = tmp_path / "made_up" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    module_files.cache_clear()
    closure_of.cache_clear()
    return closure_of(("made_up.root",), ("made_up",))


def test_every_import_that_can_run_is_followed(made_up: Closure) -> None:
    assert set(made_up.modules) == {
        "made_up.root",
        "made_up.reexporting.kept",
        "made_up.sibling",
        "made_up.deep",
        "made_up.deep.inner",
        "made_up.run_by_package",
        "made_up.cousin",
        "made_up.not_for_types",
        "made_up.named",
        "made_up.late",
        "made_up.by_name",
    }


def test_files_beside_the_modules_count_if_the_package_ships_them(made_up: Closure) -> None:
    assert set(made_up.data_files) == {"made_up.deep/page.css"}
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    assert {f"*{suffix}" for suffix in DATA_SUFFIXES} == set(shipped) - {
        "py.typed",
        "*.pyi",
    }  # types change nothing that runs


def test_imports_from_elsewhere_are_listed(made_up: Closure) -> None:
    assert {"numpy", "h5py.h5d"} <= made_up.foreign_modules
    assert not any(name.startswith("made_up") for name in made_up.foreign_modules)


def test_a_root_that_is_no_module_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"components\.nothing: no module of learn2compress, components"):
        closure_of(("components.nothing",))


@pytest.mark.parametrize("step", STEPS)
def test_no_step_reaches_an_import_that_only_a_run_can_name(step: str) -> None:
    for module in closure_of((f"components.{step}.executor",)).modules:
        (path,) = (files[module] for package in OUR_PACKAGES if module in (files := module_files(package)))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
                "import_module", "__import__", "find_spec", "exec", "eval", "run_path", "run_module",
            }:  # fmt: skip
                assert isinstance(node.args[0], ast.Constant) or module in DYNAMIC, f"{path}:{node.lineno}"
