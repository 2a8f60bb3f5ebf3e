from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import learn2compress

PACKAGE = Path(learn2compress.__file__).parent


def test_an_import_takes_no_tensorflow() -> None:
    code = "import sys, learn2compress; assert not {'tensorflow', 'keras', 'numpy'} & sys.modules.keys(), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_all_names_are_there_and_typed() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(learn2compress.__all__)
    assert set(dir(learn2compress)) == typed | {"__version__"}
    for name in learn2compress.__all__:
        assert getattr(learn2compress, name).__name__ == name


def test_the_stub_names_the_modules_that_are_imported() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert getattr(learn2compress, alias.name).__module__ == node.module


def test_another_name_is_an_error_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'learn2compress' has no attribute 'compres'"):
        learn2compress.compres  # type: ignore[attr-defined]  # noqa: B018
