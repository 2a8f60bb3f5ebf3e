"""A run that is killed in the middle of every component, started again each time, ends with the same files.

All kills hit one root, one after the other: what ended before a kill is cached
after it, and a training goes on from its checkpoint.
"""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress.results.reports import FamilyReport, read_json

pytestmark = pytest.mark.end_to_end

TRAININGS = {"JointDistillTrainer": "train", "Prune.large": "prune", "Quantize.large": "quantize"}
STEPS = (
    "Ingest",
    "TeacherLoad",
    "Evaluate.teacher",
    "JointDistillTrainer",
    "Prune.large",
    "Quantize.large",
    "Evaluate.large",
    "Pusher",
)
TIMEOUT_SECONDS = 400.0
# A loss that no training has: found later, it came through the checkpoint.
MARK = 123456.0


class StartedRun:
    """A run in a process of its own, whose plain lines are followed."""

    def __init__(self, folder: Any):
        self.process: subprocess.Popen[str] = folder.start()
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def shows(self, text: str) -> bool:
        return any(text in line for line in self._lines)

    def children(self) -> list[str]:
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended
                found += (task / "children").read_text().split()
        return found

    def end_when(self, condition: Callable[[], bool], how: signal.Signals = signal.SIGKILL) -> tuple[int, str]:
        """Sends a signal as soon as the condition holds; gives the exit status and the standard error."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition():
            ended = self.process.poll() is not None or time.monotonic() > deadline
            assert not ended, "\n".join(self._lines)
            time.sleep(0.002)
        self.process.send_signal(how)
        assert self.process.stderr is not None
        with self.process.stderr as errors:
            told = errors.read()
        self._reader.join()
        return self.process.wait(), told

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self._lines.extend(iter(output.readline, ""))


@pytest.fixture(scope="module")
def folder(teacher: Path, run_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_folder(tmp_path_factory.mktemp("killed")).write(teacher={"uri": str(teacher)})


def in_the_middle_of(step: str, run: StartedRun, folder: Any) -> bool:
    """Whether a step has done a part of its work."""
    artifacts = folder.root / "artifacts" / "little"
    if not run.shows(f"] {step} ..."):
        return False
    if step in TRAININGS:
        return any(folder.root.glob("checkpoints/*/checkpoint.npz"))
    match step:
        case "Ingest":
            return any(artifacts.glob("Ingest/examples/*/train"))
        case "TeacherLoad":
            return any(artifacts.glob("TeacherLoad/teacher/*/model.tflite"))
        case "Evaluate.teacher" | "Evaluate.large":
            return bool(run.children())  # times are taken in a clean process
    return any(folder.versions.glob(".incoming-*"))


def mark_checkpoint(root: Path) -> int:
    """Changes the loss of the first epoch in the only checkpoint; gives the number of its epochs."""
    (path,) = root.glob("checkpoints/*/checkpoint.npz")
    with np.load(path) as saved:
        arrays = dict(saved)
    history = json.loads(arrays["history"].tobytes())
    for records in history.values():
        records[0]["loss"] = MARK
    arrays["history"] = np.frombuffer(json.dumps(history).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path.write_bytes(buffer.getvalue())
    return len(history["large"])


def check_visible_versions(folder: Any) -> None:
    for version in folder.versions.glob("[0-9]*"):
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=version, check=True)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_leaves_a_run_that_can_go_on(folder: Any, step: str) -> None:
    run = StartedRun(folder)
    status, _ = run.end_when(lambda: in_the_middle_of(step, run, folder))
    assert status == -signal.SIGKILL
    states = folder.last_states()
    assert states.pop(step) == "interrupted"
    assert set(states.values()) <= {"complete", "cached"}
    assert folder.query("runs")[-1]["state"] == "interrupted"
    if step in TRAININGS:
        assert mark_checkpoint(folder.root) >= 1
    check_visible_versions(folder)


def test_the_resumed_run_ends_with_the_same_files(folder: Any, undisturbed: tuple[Any, Any]) -> None:
    process = folder.run()
    assert process.returncode == 0, process.stderr
    assert {step for step, state in folder.last_states().items() if state == "complete"} == {"Pusher"}
    assert [path.name for path in folder.versions.glob("[0-9]*")] == ["1"]
    check_visible_versions(folder)
    assert folder.files(1) == undisturbed[1].files(1)
    assert [path.name for path in folder.root.joinpath("checkpoints").iterdir()] == ["last_data"]


def test_trainings_went_on_from_their_checkpoints(folder: Any, undisturbed: tuple[Any, Any]) -> None:
    family = read_json(FamilyReport, folder.versions / "1" / "family.json")
    expected = read_json(FamilyReport, undisturbed[1].versions / "1" / "family.json")
    marked = {
        name: {record.phase for record in records if record.loss == MARK} for name, records in family.histories.items()
    }
    assert marked == {"large": {"train", "prune", "quantize"}, "medium": {"train"}, "small": {"train"}}
    for name, records in family.histories.items():
        found = [(record.phase, record.epoch, record.held_out_top_1) for record in records]
        assert found == [(record.phase, record.epoch, record.held_out_top_1) for record in expected.histories[name]]


def test_an_interrupted_run_says_how_to_go_on(folder: Any, teacher: Path) -> None:
    run = StartedRun(folder.write(teacher={"uri": str(teacher)}, seed=12))
    step = "JointDistillTrainer"
    told = run.end_when(lambda: in_the_middle_of(step, run, folder), signal.SIGINT)
    assert told == (130, "l2c: error: interrupted; run the same command to go on\n")
    assert folder.last_states()[step] == "interrupted"
    assert len(list(folder.root.glob("checkpoints/*/checkpoint.npz"))) == 1
