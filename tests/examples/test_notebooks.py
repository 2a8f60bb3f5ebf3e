"""The notebooks run from the first cell to the last, each in a process and a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
FEWER_EPOCHS = {
    r"training={\"epochs\": 10}": r"training={\"epochs\": 2}",
    r"prune={\"epochs\": 2}": r"prune={\"epochs\": 1}",
    r"quantize={\"epochs\": 2}": r"quantize={\"epochs\": 1}",
}


def test_there_is_one() -> None:
    assert [path.name for path in NOTEBOOKS] == ["five_lines.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_what_it_printed(notebook: Path) -> None:
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_five_lines(tmp_path: Path) -> None:
    # As it is but for fewer epochs: what files it makes, and not how good they are, is looked at here.
    shortened = tmp_path / "five_lines.ipynb"
    content = NOTEBOOKS[0].read_text(encoding="utf-8")
    for many, few in FEWER_EPOCHS.items():
        assert content.count(many) == 1
        content = content.replace(many, few)
    shortened.write_text(content, encoding="utf-8")
    runner = Path(__file__).with_name("notebook_cells.py")
    done = subprocess.run(
        [sys.executable, runner, shortened],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert any(line.split()[:1] == ["small"] for line in lines)
    assert lines[-1].startswith("predicted [")
    assert 0 < (tmp_path / "small.tflite").stat().st_size <= 15_000
