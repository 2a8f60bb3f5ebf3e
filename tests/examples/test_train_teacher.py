"""The example for training teachers, as its users run it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from learn2compress.config import InputScaling, TaskConfig, TeacherConfig
from learn2compress.teachers.loading import load_teacher

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_teacher.py"
NETWORK = ["--network", "airbench94", "--widths", "12", "16", "16", "--batch-size", "64", "--bfloat16"]


@pytest.fixture
def config(tmp_path: Path, digits: Any) -> Path:
    """A configuration on 700 of the enlarged digits as PNG files."""
    for split, places in (("train", range(600)), ("test", range(600, 700))):
        for place in places:
            path = tmp_path / "images" / split / f"digit{digits.labels[place]}" / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digits.inputs[place]).save(path)
    return write(
        tmp_path / "teacher.yaml",
        task={"kind": "image", "input_shape": [16, 16, 3]},
        data={"format": "image_folder", "uri": "images/train", "held_out_uri": "images/test"},
    )


def write(path: Path, **changes: Any) -> Path:
    fields = {
        "name": "tiny",
        "seed": 5,
        "teacher": {"uri": f"{path.stem}.keras"},
        "students": [{"name": "small", "stage": 1}],
        "push": {"uri": "pushed"},
    }
    path.write_text(yaml.safe_dump(fields | changes, sort_keys=False), encoding="utf-8")
    return path


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(EXAMPLE), str(config), *arguments]


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(config, *arguments), check=False, capture_output=True, text=True)


@pytest.mark.end_to_end
def test_a_training_killed_at_any_time_ends_with_the_same_file(config: Path, digits: Any) -> None:
    arguments = [*NETWORK, "--epochs", "6", "--progressive-sizes", "12"]
    with subprocess.Popen(command(config, *arguments), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = next(line for line in process.stdout if line.startswith("epoch 2/6"))
        process.send_signal(signal.SIGKILL)
    assert "loss" in seen
    path = config.with_suffix(".keras")
    assert not path.exists()
    resumed = run(config, *arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert "resumed after epoch" in resumed.stdout
    killed_bytes = path.read_bytes()
    assert not path.with_suffix(".checkpoints").exists()
    path.unlink()
    undisturbed = run(config, *arguments)
    assert "resumed" not in undisturbed.stdout
    assert path.read_bytes() == killed_bytes
    saved = undisturbed.stdout.splitlines()[-1]
    assert saved == resumed.stdout.splitlines()[-1]
    teacher = load_teacher([path], TeacherConfig(str(path), InputScaling()), TaskConfig(input_shape=(16, 16, 3)), 10)
    assert f"{teacher.num_parameters:,} parameters" in saved
    assert "of 100 held-out examples" in saved
    right = np.mean(teacher.logits(digits.inputs[600:700]).argmax(1) == digits.labels[600:700])
    assert f"right on {right:.2%} of" in saved


def test_a_teacher_that_is_there_is_left_alone(
    tmp_path: Path,
    example: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = write(tmp_path / "teacher.yaml", data={"format": "digits"})
    path = config.with_suffix(".keras")
    path.write_bytes(b"a teacher")
    monkeypatch.setattr(sys, "argv", ["train_teacher.py", str(config)])
    example("train_teacher").main()
    assert "already there" in capsys.readouterr().out
    assert path.read_bytes() == b"a teacher"


@pytest.mark.parametrize(
    ("side", "arguments", "told"),
    [
        (8, ["--network", "airbench94", "--width", "32"], "--width is not for --network; leave one of them out"),
        (8, ["--progressive-sizes", "24"], "--progressive-sizes is for --network"),
        (8, ["--network", "airbench94"], "found images of 8 x 8 pixels, accepted are sides of at least 9 for"),
        (
            8,
            ["--network", "resnet18", "--progressive-sizes", "24"],
            "found images of 8 x 8 pixels, accepted are sides of",
        ),
        (8, ["--epochs", "0"], "argument --epochs: found 0, accepted is at least 1"),
        (
            16,
            ["--network", "resnet18", "--progressive-sizes", "24"],
            "--progressive-sizes: found 24, accepted are heights",
        ),
        (
            16,
            ["--network", "airbench94", "--progressive-sizes", "8"],
            "found 8, accepted are heights up to 16 that leave",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    side: int,
    arguments: list[str],
    told: str,
    tmp_path: Path,
    example: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = {"kind": "image", "input_shape": [side, side, 1]}
    config = write(tmp_path / "teacher.yaml", task=task, data={"format": "digits"})
    monkeypatch.setattr(sys, "argv", ["train_teacher.py", str(config), *arguments])
    with pytest.raises(SystemExit) as stopped:
        example("train_teacher").main()
    assert told in f"{stopped.value.code} {capsys.readouterr().err}"
    assert [path.name for path in tmp_path.iterdir()] == ["teacher.yaml"]
