"""`l2c compress`: what it refuses at once, and what it hands over to `learn2compress.compress`."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import learn2compress
from learn2compress.command_line.compress import compress
from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.command_line.failures import InterruptedWorkError, RunFailedError

Command = Callable[..., subprocess.CompletedProcess[str]]


def give_inputs(folder: Path) -> None:
    """Makes what stands for a teacher and data where nothing reads them."""
    (folder / "teacher.keras").touch()
    for name in ("train", "test", "val"):
        (folder / "data" / name).mkdir(parents=True)


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Runs the verb in this process with a function in place of `learn2compress.compress`."""
    give_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(stand_in: Callable[..., Any], *arguments: str) -> Any:
        monkeypatch.setattr(learn2compress, "compress", stand_in, raising=False)
        app = typer.Typer()
        app.command()(compress)
        return CliRunner().invoke(app, ["teacher.keras", "data/train", *arguments])

    return run


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--students", "500kb"), "--students: found '500kb'"),
        (("--students", "5kB", "--set", "epochs"), "--set: found 'epochs'"),
        (("--students", "5kB", "--set", "push.uri=x"), "--set push: found a setting that --output has"),
        (("--students", "5kB", "--set", "students=[]"), "--set students: found a setting that --students has"),
        (("--students", "5kB", "--output", "file"), "--output: file can't be made: File exists"),
        (("--students", "5kB", "--output", "taken"), "--output: found taken/compress.log, which is no file"),
        (("--students", "5kB", "--output", "/proc/self"), "--output: /proc/self can't be written"),
        (("--students", "5kB", "--held-out", "dat"), "--held-out: found nothing at 'dat' (beside it: data)"),
        (("--students", "5kB", "--validation", "dat"), "--validation: found nothing at 'dat' (beside it: data)"),
        (("--students", "5kB", "--set", "validation=x"), "--set validation: found a setting that --validation has"),
    ],
)
def test_what_it_cant_use_is_one_line(
    l2c_with: Command, tmp_path: Path, arguments: tuple[str, ...], found: str
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "taken" / "compress.log").mkdir(parents=True)
    give_inputs(tmp_path)
    process = l2c_with("", "compress", "teacher.keras", "data", *arguments, cwd=tmp_path)
    assert process.returncode == 2, process.stderr
    assert process.stderr.startswith(f"l2c: error: {found}"), process.stderr
    assert len(process.stderr.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_sizes_are_asked_for(l2c_with: Command) -> None:
    process = l2c_with("", "compress", "teacher.keras", "data")
    assert process.returncode == 2
    assert "Missing option '--students'" in process.stderr


@dataclasses.dataclass
class Student:
    """What `_save` needs of a measured student; the real ones are in the end-to-end test below."""

    content: bytes
    reasons: tuple[str, ...] = ()

    @property
    def model_bytes(self) -> int:
        return len(self.content)

    def save(self, path: Path) -> None:
        path.write_bytes(self.content)


class Family(dict[str, Student]):
    """Likewise."""

    @property
    def selected(self) -> dict[str, Student]:
        return {name: student for name, student in self.items() if not student.reasons}

    def report(self) -> None:
        print("the table")

    def save_report(self, path: Path) -> None:
        path.write_text("the page")


@pytest.mark.parametrize("is_refused", [False, True])
def test_it_hands_over_what_was_typed_and_writes_what_was_selected(
    invoke: Callable[..., Any], tmp_path: Path, is_refused: bool
) -> None:
    handed: dict[str, Any] = {}

    def stand_in(teacher: str, train: str, held_out: str | None = None, **keywords: Any) -> Family:
        handed.update(keywords, teacher=teacher, train=train, held_out=held_out)
        small = Student(b"small", ("1 point too much",) if is_refused else ())
        return Family(large=Student(b"large", ("10 kB too large",)), small=small)

    arguments = ["--students", "500kB,100kB", "--held-out", "data/test", "--validation", "data/val"]
    arguments += ["--set", "training.epochs=5", "--set", "seed=3", "--checkpoint", "state", "-o", str(tmp_path / "out")]
    result = invoke(stand_in, *arguments)
    assert handed == {
        "teacher": "teacher.keras",
        "train": "data/train",
        "held_out": "data/test",
        "validation": "data/val",
        "students": {"large": 500_000, "small": 100_000},
        "checkpoint": Path("state"),
        "training": {"epochs": 5},
        "seed": 3,
    }
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["compress.log", "report.html", *(() if is_refused else ("small.tflite",))]
    assert result.exit_code == (ExitCode.NOTHING_PUSHED if is_refused else 0), result.output
    assert "Training on " in result.output
    assert "the table" in result.output
    assert "large is not written: 10 kB too large" in result.output


def test_a_failure_names_its_log_which_has_the_traceback(invoke: Callable[..., Any]) -> None:
    def stand_in(*_: str, **__: Any) -> Family:
        raise OSError("the disk is full")

    result = invoke(stand_in, "--students", "5kB", "--output", "out")
    assert isinstance(result.exception, RunFailedError)
    assert str(result.exception.error) == "the disk is full"
    assert "in stand_in" in result.exception.log_file.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing was kept, the same command starts anew; --checkpoint FOLDER"),
        (("--checkpoint", "state"), "run the same command to resume from state"),
    ],
)
def test_after_an_interrupt_it_says_what_was_kept(
    invoke: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    def stand_in(*_: str, **__: Any) -> Family:
        raise KeyboardInterrupt

    result = invoke(stand_in, "--students", "5kB", *arguments)
    assert isinstance(result.exception, InterruptedWorkError)
    assert said in str(result.exception)


def test_no_file_of_an_earlier_family_is_taken_for_one_of_this(invoke: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("large", "small", "mine"):
        (tmp_path / "out" / f"{name}.tflite").write_bytes(b"old")

    def stand_in(*_: str, **__: Any) -> Family:
        return Family(large=Student(b"large"), small=Student(b"small", ("1 point too much",)))

    result = invoke(stand_in, "--students", "500kB,100kB", "--output", "out")
    assert not (tmp_path / "out" / "small.tflite").exists()
    assert (tmp_path / "out" / "large.tflite").read_bytes() == b"large"
    assert (tmp_path / "out" / "mine.tflite").read_bytes() == b"old"
    assert "removed out/small.tflite, which an earlier call wrote" in result.output
    assert "not of this family, and left as found in out: mine.tflite" in result.output


def make_discs(folder: Path, count: int) -> None:
    """Writes images of discs, red, green and blue, a folder for each."""
    rows, columns = np.mgrid[:16, :16]
    random = np.random.default_rng(count)
    for channel, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image = random.integers(0, 60, (16, 16, 3), dtype=np.uint8)
            middle = random.integers(5, 11, 2)
            image[(rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < 16, 2 - channel] = 220
            Image.fromarray(image).save(folder / name / f"{number}.png")


@pytest.mark.end_to_end
def test_a_teacher_becomes_files(l2c_with: Command, tmp_path: Path) -> None:
    make_discs(tmp_path / "data" / "train", 60)
    make_discs(tmp_path / "data" / "test", 30)
    inputs = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    teacher = keras.Model(inputs, keras.layers.Dense(3, name="classes")(pooled))
    teacher.get_layer("classes").set_weights([40 * np.eye(3)[:, ::-1], np.zeros(3)])
    teacher.save(tmp_path / "teacher.keras")
    process = l2c_with(
        "",
        *("compress", "teacher.keras", "data/train", "--students", "60kB,20kB", "--held-out", "data/test"),
        *("--set", "training.epochs=2", "--set", "quantize.epochs=1", "--set", "prune.epochs=1", "--output", "out"),
        *("--checkpoint", "state"),
        cwd=tmp_path,
    )
    assert process.returncode == 0, process.stderr
    assert "Training on " in process.stdout
    assert "oneDNN" not in process.stdout + process.stderr  # nor anything else that libraries say
    for name, limit in (("large", 60_000), ("small", 20_000)):
        content = (tmp_path / "out" / f"{name}.tflite").read_bytes()
        assert content[4:8] == b"TFL3"
        assert len(content) <= limit
    assert "<html" in (tmp_path / "out" / "report.html").read_text()
