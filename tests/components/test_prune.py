"""Prune as a whole: its executor on a real student and shards, its artifacts read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import SENSITIVITY_FILE, Examples, Sensitivity, Student, Teacher, TeacherLogits
from components.prune.component import Prune
from components.prune.executor import Executor
from components.student_files import read_student, write_student
from components.training_inputs import TeacherUse, TrainingSettings
from learn2compress.config import PruneConfig, PruneMethod, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.pruning_results import PruneSensitivity
from learn2compress.results import EpochRecord, read_json
from learn2compress.students.joint import build_joint_network, standalone_student

TRAINING = TrainingConfig(stages=(StageConfig(16),), batch_size=32)
NUM_TRAIN, NUM_HELD_OUT = 64, 32


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Digits, logits of a teacher that knows them, and a student of 16 and 32 channels."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("prune")
    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)
    for split, first, last in (("train", 0, NUM_TRAIN), ("held_out", NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)):
        rows = range(first, last)
        examples = [encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", str(i)) for i in rows]
        write_shard(shard_path(root / "examples" / split, 0, 1), examples)
        logits = 6.0 * np.eye(10, dtype="<f4")[digits.target[first:last]]
        write_shard(shard_path(root / "logits" / split, 0, 1, "logits"), [row.tobytes() for row in logits])
    examples_artifact = artifact_at(Examples, root / "examples")
    examples_artifact.num_train, examples_artifact.num_held_out = NUM_TRAIN, NUM_HELD_OUT
    examples_artifact.num_classes = 10
    student = artifact_at(Student, root / "student")
    network = build_joint_network(TaskConfig(), 10, TRAINING, [StudentConfig("only", 1)])
    write_student(student, standalone_student(network, "only"), "only", (EpochRecord("train", 1, 0.5, 0.9),))
    return {
        "examples": [examples_artifact],
        "teacher": [artifact_at(Teacher, root / "teacher")],
        "teacher_logits": [artifact_at(TeacherLogits, root / "logits")],
        "student": [student],
    }


def component(prune: PruneConfig, root: Path) -> Prune:
    settings = TrainingSettings(TaskConfig(), TRAINING, TeacherUse(False, 1, None), 7, str(root / "checkpoints"))
    channels = {"examples": Examples, "teacher": Teacher, "teacher_logits": TeacherLogits, "student": Student}
    return Prune(
        **{name: channel.Channel(type=kind) for name, kind in channels.items()},
        student_name="only",
        prune=prune,
        settings=settings,
        code_digest="code",
    )


def test_a_narrower_student_leaves_with_its_sensitivity(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    node = component(PruneConfig(method=PruneMethod.CHANNELS, sensitivity=True, epochs=1), tmp_path)
    outputs = {
        name: [artifact_at({"pruned": Student, "layer_sensitivity": Sensitivity}[name], tmp_path / name)]
        for name in node.outputs
    }
    assert set(outputs) == {"pruned", "layer_sensitivity"}
    Executor().Do(inputs, outputs, node.exec_properties)

    (before,), (pruned,), (analysis,) = inputs["student"], outputs["pruned"], outputs["layer_sensitivity"]
    student, history = read_student(pruned)
    assert student.name == read_student(before)[0].name
    assert [record.phase for record in history] == ["train", "prune"]
    assert pruned.student == "only"
    assert pruned.macs == pytest.approx(0.5 * before.macs, rel=0.2)
    assert pruned.num_parameters == student.count_params() < before.num_parameters
    written = read_json(PruneSensitivity, Path(analysis.uri) / SENSITIVITY_FILE)
    assert [layer.layer for layer in written.layers] == ["stage1_conv1", "only_conv"]
    assert (analysis.student, analysis.num_examples, analysis.accuracy) == ("only", NUM_HELD_OUT, written.top_1)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_sensitivity_is_an_output_only_where_it_is_asked_for(tmp_path: Path) -> None:
    node = component(PruneConfig(), tmp_path)
    assert set(node.outputs) == {"pruned"}
    assert json.loads(node.exec_properties["sensitivity"]) is False
