"""Data sets land where the configurations look for them, and all of the configurations' data can be had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from learn2compress.config import DataFormat
from learn2compress.config.file import load_config

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "get_data.py"
CONFIGS = sorted((ROOT / "pipelines" / "configs").glob("*.yaml"))
# Bundled with scikit-learn, and a package of Debian's.
_ELSEWHERE = (DataFormat.DIGITS, DataFormat.IDX)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_each_configurations_data_are_among_them(example: Callable[[str], ModuleType], path: Path) -> None:
    data = load_config(path).data
    if data.format not in _ELSEWHERE:
        folders = {Path(uri).parent.resolve() for uri in (data.uri, data.held_out_uri) if uri}
        places = {
            (ROOT / "build" / "data" / ("" if name == "cifar10" else "text") / name).resolve()
            for name in example("get_data").NAMES
        }
        assert folders <= places


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "text" / "snips").mkdir(parents=True)
    process = subprocess.run(
        [sys.executable, SCRIPT, "snips", "--folder", tmp_path], capture_output=True, text=True, check=True
    )
    assert process.stdout.startswith(f"{tmp_path / 'text' / 'snips'}: already there\n")


def test_an_unknown_name_is_one_line(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, SCRIPT, "imagenet"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert process.returncode == 2
    assert process.stderr == "get_data.py: error: found 'imagenet', accepted are cifar10, snips, mrda, swda\n"


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    process = subprocess.run(
        [sys.executable, SCRIPT, "snips", "--folder", tmp_path / "file"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("get_data.py: error: ")
    assert str(tmp_path / "file") in line
