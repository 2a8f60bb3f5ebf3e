"""Prune as a whole: its executor on a real student and shards, its artifacts read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import SENSITIVITY_FILE, Examples, Sensitivity, Student, Teacher, TeacherLogits
from components.prune.component import Prune
from components.prune.executor import Executor
from components.student_artifact import read_student
from components.training_inputs import TeacherUse, TrainingSettings
from learn2compress.config import PruneConfig, PruneMethod, StageConfig, TaskConfig, TrainingConfig
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.results.reports import read_json

TRAINING = TrainingConfig(stages=(StageConfig(16),), batch_size=32)

Inputs = dict[str, list[Any]]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(digits_inputs: Callable[[Path, TrainingConfig], Inputs], tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return digits_inputs(tmp_path_factory.mktemp("prune"), TRAINING)


def component(prune: PruneConfig, root: Path) -> Prune:
    settings = TrainingSettings(TaskConfig(), TRAINING, TeacherUse(False, 1, False, None), 7, str(root / "checkpoints"))
    channels = {"examples": Examples, "teacher": Teacher, "teacher_logits": TeacherLogits, "student": Student}
    return Prune(
        **{name: channel.Channel(type=kind) for name, kind in channels.items()},
        student_name="only",
        prune=prune,
        settings=settings,
        code_digest="code",
    )


def test_a_narrower_student_leaves_with_its_sensitivity(inputs: Inputs, tmp_path: Path) -> None:
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
    num_held_out = inputs["examples"][0].num_held_out
    assert (analysis.student, analysis.num_examples, analysis.accuracy) == ("only", num_held_out, written.top_1)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_sensitivity_is_an_output_only_where_it_is_asked_for(tmp_path: Path) -> None:
    node = component(PruneConfig(), tmp_path)
    assert set(node.outputs) == {"pruned"}
    assert json.loads(node.exec_properties["sensitivity"]) is False
