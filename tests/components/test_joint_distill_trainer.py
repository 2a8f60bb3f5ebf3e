"""JointDistillTrainer as a whole: its executor on real shards, logits and a live teacher, its artifacts read back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Examples, Student, Teacher, TeacherLogits, TrainingLogs
from components.joint_distill_trainer.component import JointDistillTrainer
from components.joint_distill_trainer.executor import Executor
from components.student_artifact import read_student
from learn2compress.config import (
    BudgetConfig,
    DistillationConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.file_names import COST_FILE
from learn2compress.progress import Progress, listening
from learn2compress.results.reports import EpochRecord, returned_epoch
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings
from learn2compress.students.cost import count_macs
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.stored import store_copies

NUM_TRAIN, NUM_HELD_OUT = 256, 64
TRAINING = TrainingConfig(
    stages=(StageConfig(8), StageConfig(16)), epochs=3, batch_size=32, learning_rate=0.01, validation_ratio=0.25
)
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))
CACHED = TeacherUse(is_live=False, cached_views=1, shows_fresh_views=False, learning_rate=None)
JOINT = TeacherUse(is_live=True, cached_views=1, shows_fresh_views=False, learning_rate=0.001)

Outputs = dict[str, list[Any]]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Digits, logits of a teacher that knows them, and an untrained teacher that can run and learn."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("joint")
    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)
    for split, first, last in (("train", 0, NUM_TRAIN), ("held_out", NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)):
        rows = range(first, last)
        examples = [encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", str(i)) for i in rows]
        write_shard(shard_path(root / "examples" / split, 0, 1), examples)
        logits = 6.0 * np.eye(10, dtype="<f4")[digits.target[first:last]]
        write_shard(shard_path(root / "logits" / split, 0, 1, "logits"), [row.tobytes() for row in logits])
    (root / "examples" / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    artifact = artifact_at(Examples, root / "examples")
    artifact.num_train, artifact.num_held_out, artifact.num_classes = NUM_TRAIN, NUM_HELD_OUT, 10
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(root / "model.keras")
    (root / "teacher").mkdir()
    members = load_teacher([root / "model.keras"], TeacherConfig(str(root / "model.keras")), TaskConfig(), 10).members
    store_copies(root / "teacher", [root / "model.keras"], members)
    return {
        "examples": [artifact],
        "teacher": [artifact_at(Teacher, root / "teacher")],
        "teacher_logits": [artifact_at(TeacherLogits, root / "logits")],
    }


def run(
    inputs: Outputs,
    root: Path,
    training: TrainingConfig = TRAINING,
    students: Sequence[StudentConfig] = STUDENTS,
    teacher_use: TeacherUse = CACHED,
) -> Outputs:
    """Runs the component's executor, and gives its output artifacts."""
    settings = TrainingSettings(TaskConfig(), training, teacher_use, 7, str(root / "checkpoints"))
    channels = {"examples": Examples, "teacher": Teacher, "teacher_logits": TeacherLogits}
    node = JointDistillTrainer(
        **{name: channel.Channel(type=kind) for name, kind in channels.items()},
        students=students,
        settings=settings,
        pretrained_sha256="",
        code_digest="code",
    )
    kinds = dict.fromkeys(node.outputs, Student) | {"training_logs": TrainingLogs, "trained_teacher": Teacher}
    outputs = {name: [artifact_at(kinds[name], root / name)] for name in node.outputs}
    Executor().Do(inputs, outputs, node.exec_properties)
    return outputs


def history_of(artifact: Any) -> tuple[EpochRecord, ...]:
    history: tuple[EpochRecord, ...] = read_student(artifact)[1]
    return history


def test_each_student_leaves_as_a_model_of_its_own(inputs: Outputs, tmp_path: Path) -> None:
    outputs = run(inputs, tmp_path)
    assert set(outputs) == {"large", "small", "training_logs"}
    for name in ("large", "small"):
        (artifact,) = outputs[name]
        student, history = read_student(artifact)
        assert student.output_shape == (None, 10)
        assert [(record.phase, record.epoch) for record in history] == [("train", 1), ("train", 2), ("train", 3)]
        assert history[-1].loss < history[0].loss
        # A quarter is kept back, and its accuracy stands beside that of the held-out split.
        assert all(record.validation_top_1 is not None for record in history)
        assert (artifact.student, artifact.phase, artifact.accuracy) == (name, "train", history[-1].held_out_top_1)
        assert (artifact.num_parameters, artifact.macs) == (student.count_params(), count_macs(student))
    assert outputs["small"][0].macs < outputs["large"][0].macs
    (logs,) = outputs["training_logs"]
    cost = json.loads((Path(logs.uri) / COST_FILE).read_text())
    assert cost["student_macs"] == {name: outputs[name][0].macs for name in ("large", "small")}
    assert logs.joint_over_largest == pytest.approx(cost["joint_macs"] / outputs["large"][0].macs)
    assert {path.parent.name for path in Path(logs.uri).glob("*/events.*")} == {"large", "small"}
    assert not list((tmp_path / "checkpoints").iterdir())


def test_the_same_seed_gives_the_same_students(inputs: Outputs, tmp_path: Path) -> None:
    first, again = (run(inputs, tmp_path / name) for name in ("first", "again"))
    for name in ("large", "small"):
        assert first[name][0].content_sha256 == again[name][0].content_sha256


def test_a_student_that_joins_late_leaves_trained_though_training_may_stop_early(
    inputs: Outputs, tmp_path: Path
) -> None:
    training = dataclasses.replace(TRAINING, epochs=8, early_stopping_epochs=1)
    late = (STUDENTS[0], dataclasses.replace(STUDENTS[1], joins_after_ratio=0.5))
    outputs = run(inputs, tmp_path, training, late)
    history = history_of(outputs["small"][0])
    assert history[0].epoch == 5
    assert len(history) >= 2
    assert returned_epoch(history).validation_top_1 == max(record.validation_top_1 or 0.0 for record in history)
    assert history[-1].loss < history[0].loss
    assert outputs["small"][0].accuracy == returned_epoch(history).held_out_top_1
    assert sum(record.returned for record in history_of(outputs["large"][0])) == 1


def test_students_leave_with_what_they_learned_apart_under_the_names_that_they_shared(
    inputs: Outputs, tmp_path: Path
) -> None:
    shared = run(inputs, tmp_path / "shared")
    unshared = run(inputs, tmp_path / "unshared", dataclasses.replace(TRAINING, unshared_ratio=0.5))
    trunks = []
    for name in ("large", "small"):
        student, history = read_student(unshared[name][0])
        assert [record.epoch for record in history] == [1, 2, 3]
        assert unshared[name][0].content_sha256 != shared[name][0].content_sha256
        assert [layer.name for layer in student.layers] == [
            layer.name for layer in read_student(shared[name][0])[0].layers
        ]
        trunks.append(student.get_layer("stage1_conv1").get_weights()[0])
    assert not np.array_equal(*trunks)
    assert not list((tmp_path / "unshared" / "checkpoints").iterdir())


def test_early_stopping_without_examples_to_decide_by_is_refused_before_training(
    inputs: Outputs, tmp_path: Path
) -> None:
    # 5% of so few would be fewer than 50: none are kept back.
    training = dataclasses.replace(TRAINING, validation_ratio=0.05, early_stopping_epochs=1)
    with pytest.raises(ConfigError, match="early_stopping_epochs: found 0 labelled examples kept back"):
        run(inputs, tmp_path, training)


def test_smaller_steps_for_few_examples_are_said_aloud(inputs: Outputs, tmp_path: Path) -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        run(inputs, tmp_path, dataclasses.replace(TRAINING, epochs=1, batch_size=None))
    (sentence,) = [progress.detail for progress in heard if progress.is_notice]
    assert sentence.startswith(f"{NUM_TRAIN} training examples are fewer than 5,000: 32 a step instead of 64")
    # 256 examples less the 64 kept back, in steps of 32.
    assert max(progress.total for progress in heard if progress.work == "train epoch 1/1") == 6


def test_a_teacher_that_learns_leaves_with_the_accuracy_of_its_epoch(inputs: Outputs, tmp_path: Path) -> None:
    training = dataclasses.replace(TRAINING, distillation=DistillationConfig(hint_weight=0.1), early_stopping_epochs=2)
    outputs = run(inputs, tmp_path, training, teacher_use=JOINT)
    (trained,), (before,) = outputs["trained_teacher"], inputs["teacher"]
    models = [keras.saving.load_model(next(Path(artifact.uri).glob("*.keras"))) for artifact in (before, trained)]
    assert any(not np.array_equal(a, b) for a, b in zip(*(model.get_weights() for model in models), strict=True))
    scores = models[1].predict(held_out()[0] / 255.0, verbose=0)
    assert trained.accuracy == pytest.approx(np.mean(scores.argmax(axis=1) == held_out()[1]))


def test_a_budget_becomes_a_width(inputs: Outputs, tmp_path: Path) -> None:
    students = (StudentConfig("large", 2, budget=BudgetConfig(max_macs=60000)), StudentConfig("small", 1))
    outputs = run(inputs, tmp_path, dataclasses.replace(TRAINING, epochs=1), students)
    assert 30000 < outputs["large"][0].macs <= 60000


def held_out() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = slice(NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)
    return (digits.images[rows] * 255 / 16).astype(np.uint8)[..., None], digits.target[rows]
