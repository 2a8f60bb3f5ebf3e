"""One finished run of two students on the bundled digits, its held-out images as PNG, and scripts as users run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from learn2compress.config.file import load_config
from learn2compress.data.reading import read_records
from learn2compress.data.records import Split

BENCHMARKS = Path(__file__).parent
CONFIG: dict[str, Any] = {
    "name": "tiny",
    "seed": 5,
    "data": {"format": "digits"},
    "teacher": {"uri": "teacher.keras"},
    "training": {"stages": [{"channels": 12}, {"channels": 20}], "epochs": 2, "learning_rate": 0.01},
    "students": [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}],
    "prune": {"epochs": 1},
    "quantize": {"epochs": 1},
    "evaluate": {"latency_rounds": 3, "threads": []},
    "constraints": {},
    "push": {"uri": "pushed"},
}


@dataclass(frozen=True)
class FinishedRun:
    """Where things are.

    Attributes:
      root: Of the run.
      version: What it pushed.
      images: Held-out images, a folder of PNG files per class.
    """

    root: Path
    version: Path
    images: Path


@pytest.fixture(scope="session")
def finished_run(shared_folder: Callable[..., Path]) -> FinishedRun:
    folder = shared_folder("tiny", run_tiny)
    return FinishedRun(folder / "runs", folder / "pushed" / "versions" / "1", folder / "images")


def run_tiny(folder: Path) -> None:
    """Runs `CONFIG`, and stores the images that it holds out."""
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    teach = [sys.executable, str(BENCHMARKS.parents[1] / "examples" / "train_teacher.py"), str(config)]
    subprocess.run([*teach, "--width", "8", "--epochs", "2"], check=True, capture_output=True)
    l2c = Path(sys.executable).with_name("l2c")
    done = subprocess.run(
        [str(l2c), "run", str(config), "--root", str(folder / "runs")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    images = folder / "images"
    for record in read_records(load_config(config))[0][Split.HELD_OUT]:
        path = images / str(record.label) / f"{record.content_sha256}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.frombuffer(record.content, np.uint8).reshape(8, 8)).save(path)


@pytest.fixture
def script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a benchmark in a process of its own."""

    def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    return run


@pytest.fixture
def refused() -> Callable[[subprocess.CompletedProcess[str]], str]:
    """Asserts that a script ended with one line for its user, and returns that line."""

    def check(process: subprocess.CompletedProcess[str]) -> str:
        assert process.returncode == 2, process.stdout + process.stderr
        assert "Traceback" not in process.stderr
        return process.stderr.splitlines()[-1]

    return check
