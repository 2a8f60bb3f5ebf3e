"""Prune as a whole: its executor on a real student and shards, its artifacts read back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import SENSITIVITY_FILE, Examples, Sensitivity, Student, Teacher, TeacherLogits
from components.prune.component import Prune
from components.prune.executor import Executor
from components.student_artifact import read_student
from learn2compress.config import PruneConfig, PruneMethod, StageConfig, TaskConfig, TrainingConfig
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.results.reports import read_json
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings

TRAINING = TrainingConfig(stages=(StageConfig(16),), batch_size=32)

Inputs = dict[str, list[Any]]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(digits_inputs: Callable[..., Inputs], tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return digits_inputs(tmp_path_factory.mktemp("prune"), TRAINING)


def component(prune: PruneConfig, root: Path, training: TrainingConfig = TRAINING) -> Prune:
    settings = TrainingSettings(TaskConfig(), training, TeacherUse(False, 1, False, None), 7, str(root / "checkpoints"))
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
    # None of the 64 training examples were kept back: they are too few.
    assert (written.num_examples, written.num_kept_back) == (64, 0)
    assert (analysis.student, analysis.num_examples, analysis.accuracy) == ("only", 64, written.top_1)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_sensitivity_is_an_output_only_where_it_is_asked_for(tmp_path: Path) -> None:
    node = component(PruneConfig(), tmp_path)
    assert set(node.outputs) == {"pruned"}
    assert json.loads(node.exec_properties["sensitivity"]) is False


def test_sensitivity_is_measured_on_the_examples_that_were_kept_back(
    digits_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    training = dataclasses.replace(TRAINING, validation_ratio=0.4)
    inputs = digits_inputs(tmp_path / "inputs", training, num_train=150)
    node = component(PruneConfig(sensitivity=True, epochs=1), tmp_path, training)
    outputs = {"pruned": [artifact_at(Student, tmp_path / "pruned")]}
    outputs["layer_sensitivity"] = [artifact_at(Sensitivity, tmp_path / "sensitivity")]
    student, _ = read_student(inputs["student"][0])
    kept_back = list(read_examples(Path(inputs["examples"][0].uri) / Split.TRAIN))[:60]
    Executor().Do(inputs, outputs, node.exec_properties)

    written = read_json(PruneSensitivity, tmp_path / "sensitivity" / SENSITIVITY_FILE)
    assert (written.num_examples, written.num_kept_back) == (60, 60)
    pixels = np.stack([np.frombuffer(example.input, np.uint8).reshape(8, 8, 1) for example in kept_back])
    predicted = np.argmax(student(pixels.astype(np.float32) / 255.0, training=False), axis=1)
    assert written.top_1 == pytest.approx(np.mean(predicted == [example.label for example in kept_back]))


def test_a_student_of_small_kernels_leaves_as_it_came_and_its_history_says_why(inputs: Inputs, tmp_path: Path) -> None:
    node = component(PruneConfig(min_layer_weights=10_000), tmp_path)
    artifact = artifact_at(Student, tmp_path / "pruned")
    Executor().Do(inputs, {"pruned": [artifact]}, node.exec_properties)
    (before,) = inputs["student"]
    student, history = read_student(artifact)
    for old, new in zip(read_student(before)[0].get_weights(), student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert [record.phase for record in history] == ["train"]
    assert history[-1].note.startswith("not pruned: no kernel has prune.min_layer_weights 10000 weights: the largest, ")
    assert (artifact.phase, artifact.sparsity_ratio, artifact.macs) == ("train", 0.0, before.macs)
