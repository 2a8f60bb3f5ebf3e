"""Training state in an object store: a real S3 server, and trainings that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import fsspec
import keras
import numpy as np
import pytest

from learn2compress.config import DistillationConfig, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.progress import Progress, listening
from learn2compress.students.joint import build_joint_network
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.checkpoint_store import CheckpointStore
from learn2compress.training.loop import fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

ROOT = "s3://states/of/trainings"

# Dies in its third epoch's checkpoint: written on that machine, not uploaded yet.
KILLED = """
import os, signal, sys
from learn2compress.training.checkpoint_store import CheckpointStore
from tests_module import ROOT, Checkpoint, data_in, train

keep, calls = CheckpointStore.keep, []

def dying(self, path):
    calls.append(path)
    if len(calls) == 3:
        assert path.exists()
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, path)

CheckpointStore.keep = dying
train(data_in(sys.argv[1]), Checkpoint.at(ROOT, "one"))
"""


def data_in(folder: str) -> TrainingData:
    root = Path(folder)
    return TrainingData(
        train=root / "examples" / "train",
        train_logits=root / "logits" / "train",
        held_out=root / "examples" / "held_out",
        num_train=512,
        num_held_out=256,
        num_classes=10,
        input_shape=(8, 8, 1),
        batch_size=64,
        shuffle_buffer=1000,
    )


def train(data: TrainingData, checkpoint: Checkpoint | None = None) -> keras.Model:
    make_deterministic(5)
    students = (StudentConfig("large", 2), StudentConfig("small", 1))
    network = build_joint_network(TaskConfig(), 10, TrainingConfig(stages=(StageConfig(8), StageConfig(8))), students)
    fit(network, data, TrainingPlan("train", 4, 0.01, DistillationConfig(), 3), checkpoint=checkpoint)
    return network


def test_a_training_killed_before_an_upload_ends_at_the_same_weights_on_another_machine(
    bucket: fsspec.AbstractFileSystem, digits_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "tests_module.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "killed.py").write_text(KILLED, encoding="utf-8")
    killed = subprocess.run(
        [sys.executable, str(tmp_path / "killed.py"), str(digits_folder)],
        env=os.environ | {"TMPDIR": str(tmp_path)},  # its copy outlives it
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    heard: list[Progress] = []
    checkpoint = Checkpoint.at(ROOT, "one")
    with listening(heard.append):
        resumed = train(data_in(str(digits_folder)), checkpoint)
    assert next(report for report in heard if "resumed" in report.detail).done == 2
    undisturbed = train(data_in(str(digits_folder)))
    for expected, found in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)

    checkpoint.discard()
    bucket.invalidate_cache()
    assert bucket.find("states") == []


def test_another_machine_finds_decisions_and_parts(bucket: fsspec.AbstractFileSystem) -> None:
    here, weight = Checkpoint.at(ROOT, "two"), keras.Variable(np.arange(3.0))
    assert here.once("sizes", lambda: "12") == "12"
    here.part("trial_0").save([weight], {})
    there, restored = Checkpoint.at(f"{ROOT}/", "two"), keras.Variable(np.zeros(3))
    assert there.folder != here.folder
    assert there.once("sizes", lambda: "13") == "12"
    assert there.part("trial_0").restore([restored]) == {}
    np.testing.assert_array_equal(restored, weight)
    assert Checkpoint.at(ROOT, "another").part("trial_0").restore([restored]) is None


def test_what_cannot_be_uploaded_is_told_and_stops_nothing(bucket: fsspec.AbstractFileSystem) -> None:
    checkpoint, heard = Checkpoint.at(ROOT, "three"), list[Progress]()
    bucket.rm("states", recursive=True)
    with listening(heard.append):
        checkpoint.save([keras.Variable(np.zeros(3))], {})
    (report,) = heard
    assert report.detail.startswith("not kept: ")
    assert checkpoint.restore([keras.Variable(np.zeros(3))]) == {}


@pytest.mark.parametrize("root", ["s3://no-such-bucket/states", "nothing-like-it://states"])
def test_a_place_that_cannot_be_written_is_told_before_the_training(
    bucket: fsspec.AbstractFileSystem, root: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^checkpoint_root: {root}/one can't be read and written: "):
        Checkpoint.at(root, "one")


def test_a_folder_is_used_as_it_is(tmp_path: Path) -> None:
    assert Checkpoint.at(str(tmp_path), "one").folder == tmp_path / "one"


def test_names_that_leave_the_folder_are_not_fetched() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/hostile/one/../../escaped": b"x", "/hostile/one/state": b"y"})
    store = CheckpointStore("memory://hostile/one")
    assert [path.name for path in store.folder.rglob("*")] == ["state"]
    memory.rm("/hostile", recursive=True)
