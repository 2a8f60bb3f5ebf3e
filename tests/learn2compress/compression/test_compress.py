"""The whole way, in one call: what comes out, and that a call that was cut off is resumed to the same files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress import progress

LIMITS = {"large": 40_000, "small": 20_000}


class Killed(BaseException):
    """Ends the work as Ctrl-C does."""


def test_each_student_is_a_file_within_its_size(family: Any) -> None:
    assert list(family) == ["large", "small"]
    for name, student in family.items():
        assert 0 < student.model_bytes == len(student.content) <= LIMITS[name]
    assert family["large"].macs > family["small"].macs > 0


def test_the_file_holds_the_labels(family: Any) -> None:
    with zipfile.ZipFile(io.BytesIO(family["small"].content)) as archive:
        assert archive.read("labels.txt").decode().split() == ["blue", "green", "red"]


def test_what_was_measured_is_what_the_file_predicts(family: Any, others: Any) -> None:
    for student in family.values():
        right = student.predict(others.images / 255).argmax(axis=1) == others.labels
        assert student.report.accuracy.num_examples == len(others.labels)
        assert student.accuracy == pytest.approx(right.mean())
    assert family.measured.teacher.accuracy.top_1 > 0.9


def test_a_call_that_ended_is_not_done_again(
    family: Any, compressed: Callable[..., Any], checkpoint: Path, heard: list[progress.Progress]
) -> None:
    again = compressed(checkpoint)
    assert {name: student.content for name, student in again.items()} == {
        name: student.content for name, student in family.items()
    }
    assert again.measured.students == family.measured.students
    assert not [report for report in heard if " epoch " in report.work or report.work.startswith("measure")]


def test_a_call_that_is_killed_in_each_of_its_parts_is_resumed_to_the_same_files(
    family: Any, compressed: Callable[..., Any], tmp_path: Path
) -> None:
    resumed: list[progress.Progress] = []
    # One after the other in one folder: each call resumes what the one before it left.
    for work in ("train epoch 2/2", "quantize epoch 1/1", "measure small"):

        def kill(report: progress.Progress, work: str = work) -> None:
            resumed.append(report)
            if report.work == work:
                raise Killed

        with pytest.raises(Killed), progress.listening(kill):
            compressed(tmp_path)
        (left,) = tmp_path.iterdir()
        (left / "prune-small.started").mkdir(exist_ok=True)  # a process that is killed cleans nothing up
        if work.startswith("train"):
            resumed.clear()
    with progress.listening(resumed.append):
        again = compressed(tmp_path)
    assert {name: student.content for name, student in again.items()} == {
        name: student.content for name, student in family.items()
    }
    assert {"prune epoch 1/1", "quantize epoch 1/1", "measure small"} <= {report.work for report in resumed}
    # Its first epoch was done: nothing of it is trained again.
    assert not [report for report in resumed if report.work == "train epoch 1/2" and report.total > 2]


def test_other_settings_are_another_work(
    family: Any, compressed: Callable[..., Any], checkpoint: Path, heard: list[progress.Progress]
) -> None:
    before = sorted(path.name for path in checkpoint.iterdir())

    class Stop(Exception):
        pass

    def stop(report: progress.Progress) -> None:
        if report.work.startswith("train epoch"):
            raise Stop

    with pytest.raises(Stop), progress.listening(stop):
        compressed(checkpoint, seed=1)
    assert len(list(checkpoint.iterdir())) == len(before) + 1


def test_the_teachers_own_network_is_resumed_to_the_same_file(
    teacher: Any, discs: Any, others: Any, tmp_path: Path
) -> None:
    import learn2compress as l2c

    def compress(folder: Path) -> Any:
        return l2c.compress(
            teacher,
            (discs.images / 255, discs.labels),
            (others.images / 255, others.labels),
            students={"own": "teacher"},
            checkpoint=folder,
            prune={"epochs": 1, "min_layer_weights": 100},
            quantize={"epochs": 2},
            evaluate={"latency_rounds": 3, "threads": []},
        )

    def kill(report: progress.Progress) -> None:
        if report.work == "quantize epoch 1/2":
            raise Killed

    with pytest.raises(Killed), progress.listening(kill):
        compress(tmp_path / "killed")
    resumed, whole = compress(tmp_path / "killed")["own"], compress(tmp_path / "whole")["own"]
    assert resumed.content == whole.content
    assert whole.accuracy > 0.9
    assert [record.phase for record in whole.file.history] == ["teacher", "prune", "quantize", "quantize"]
