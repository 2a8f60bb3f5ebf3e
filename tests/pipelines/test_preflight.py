"""What would fail hours later is told at once: all of it, and nothing is left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from learn2compress.config import (
    CompressionConfig,
    ConstraintsConfig,
    DataConfig,
    DataFormat,
    DeviceConfig,
    EvaluateConfig,
    PretrainedConfig,
    PruneConfig,
    PushConfig,
    StudentConfig,
    StudentNetwork,
    TaskConfig,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress, StoreKind
from pipelines.preflight import NotReadyError, check_compiled, check_root, check_run
from pipelines.run_root import RunRoot
from pipelines.store_connection import open_address


def save_teacher(path: Path, num_classes: int = 3, size: int = 16) -> Path:
    inputs = keras.Input((size, size, 1))
    hidden = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(hidden)
    keras.Model(inputs, keras.layers.Dense(num_classes)(pooled)).save(path)
    return path


@pytest.fixture
def config(tmp_path: Path) -> CompressionConfig:
    """Three colours in folders, and a teacher that fits."""
    for shade, name in enumerate(("apple", "lime", "plum")):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(np.full((16, 16), 80 * shade, np.uint8)).save(tmp_path / "data" / name / "0.png")
    return CompressionConfig(
        name="little",
        teacher=TeacherConfig(str(save_teacher(tmp_path / "teacher.keras"))),
        students=(StudentConfig("large", 3), StudentConfig("small", 1)),
        task=TaskConfig(input_shape=(16, 16, 1)),
        data=DataConfig(DataFormat.IMAGE_FOLDER, str(tmp_path / "data")),
        push=PushConfig(str(tmp_path / "pushed")),
        constraints=ConstraintsConfig(max_model_bytes=1_000_000),
    )


@pytest.fixture
def root(tmp_path: Path) -> RunRoot:
    return RunRoot(tmp_path / "runs")


@pytest.fixture
def problems(root: RunRoot) -> Callable[[CompressionConfig], tuple[str, ...]]:
    """What is told of a configuration that is not ready."""

    def find(config: CompressionConfig) -> tuple[str, ...]:
        with pytest.raises(NotReadyError) as caught:
            check_run(config, root)
        return caught.value.problems

    return find


Problems = Callable[[CompressionConfig], tuple[str, ...]]


def test_what_is_ready_is_left_as_it_is(config: CompressionConfig, root: RunRoot, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert all("pruned" in sentence for sentence in check_run(config, root))
    assert check_compiled(config) == check_run(config, root)
    assert sorted(tmp_path.rglob("*")) == before


def test_everything_is_told_at_once(config: CompressionConfig, problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    wrong = dataclasses.replace(
        config,
        teacher=TeacherConfig(str(tmp_path / "none.keras")),
        data=DataConfig(DataFormat.IMAGE_FOLDER, str(tmp_path / "nowhere")),
        push=PushConfig("nosuch://models"),
        evaluate=EvaluateConfig(device=DeviceConfig("phone-1", str(tmp_path / "benchmark_model"))),
    )
    found = problems(wrong)
    starts = ("push.uri: nosuch://models", "--root: ", "evaluate.device.", "data.uri: found nothing", "teacher.uri: ")
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True)), found
    assert not any("\n" in line for line in found)


@pytest.mark.parametrize(
    ("num_classes", "size", "message"),
    [
        (5, 16, "found outputs of shape [None, 5], accepted is [batch, 3]"),
        (3, 8, "found an input of float32 [8, 8, 1], accepted is float32 [16, 16, 1]"),
    ],
)
def test_a_teacher_that_does_not_fit_task_and_classes_is_refused(
    config: CompressionConfig, problems: Problems, tmp_path: Path, num_classes: int, size: int, message: str
) -> None:
    save_teacher(tmp_path / "teacher.keras", num_classes, size)
    (found,) = problems(config)
    assert message in found


def test_without_known_classes_the_input_is_checked_alone(
    config: CompressionConfig, root: RunRoot, problems: Problems, tmp_path: Path
) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((9, 16, 16, 1), np.uint8), y=np.arange(9) % 3)
    unlisted = dataclasses.replace(config, data=DataConfig(DataFormat.NPZ, str(tmp_path / "data.npz")))
    save_teacher(tmp_path / "teacher.keras", num_classes=5)
    check_run(unlisted, root)
    save_teacher(tmp_path / "teacher.keras", size=8)
    (found,) = problems(unlisted)
    assert "found an input of float32 [8, 8, 1]" in found


OWN = StudentConfig("own", network=StudentNetwork.TEACHER)


def save_normalizing(path: Path) -> None:
    inputs = keras.Input((16, 16, 1))
    normalized = keras.layers.LayerNormalization(name="norm")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, keras.layers.Dense(3)(normalized)).save(path)


@pytest.mark.parametrize("data_format", [DataFormat.IMAGE_FOLDER, DataFormat.NPZ])
def test_a_layer_of_ones_own_network_that_8_bit_training_does_not_know_is_named(
    config: CompressionConfig, root: RunRoot, tmp_path: Path, data_format: DataFormat
) -> None:
    save_normalizing(tmp_path / "teacher.keras")
    own = dataclasses.replace(config, students=(OWN, *config.students))
    if data_format is DataFormat.NPZ:  # only reading all of it tells the classes
        np.savez(tmp_path / "data.npz", x=np.zeros((9, 16, 16, 1), np.uint8), y=np.arange(9) % 3)
        own = dataclasses.replace(own, data=DataConfig(data_format, str(tmp_path / "data.npz")))
    told = [sentence for sentence in check_run(own, root) if sentence.startswith("student own")]
    assert "student own can't be trained in 8 bits: layer 'norm': found LayerNormalization" in told[0]


def test_a_network_that_can_be_no_student_is_refused(
    config: CompressionConfig, problems: Problems, tmp_path: Path
) -> None:
    keras.saving.load_model(tmp_path / "teacher.keras").export(tmp_path / "saved", verbose=False)
    wrong = dataclasses.replace(config, students=(OWN,), teacher=TeacherConfig(str(tmp_path / "saved")))
    (found,) = problems(wrong)
    assert found.startswith("students.own.network: found 'teacher' with a SavedModel")


def test_an_exit_that_is_no_layer_is_refused(config: CompressionConfig, problems: Problems, tmp_path: Path) -> None:
    students = (StudentConfig("small", 1),)
    trunk = PretrainedConfig(str(tmp_path / "teacher.keras"), exits=("frist",))
    wrong = dataclasses.replace(config, students=students, training=TrainingConfig(pretrained=trunk))
    (found,) = problems(wrong)
    assert found.startswith("training.pretrained.exits.0: found 'frist', accepted is a layer of the model")


def test_students_of_a_trunk_without_prunable_kernels_are_named(
    config: CompressionConfig, root: RunRoot, tmp_path: Path
) -> None:
    trunk = PretrainedConfig(str(tmp_path / "teacher.keras"), exits=("first",))
    unprunable = dataclasses.replace(
        config,
        students=(StudentConfig("small", 1),),
        training=TrainingConfig(pretrained=trunk),
        prune=PruneConfig(min_layer_weights=10**6),
    )
    (sentence,) = check_run(unprunable, root)
    assert sentence.startswith("student small will not be pruned")


def test_a_layer_to_prune_that_no_student_has_is_refused(config: CompressionConfig, problems: Problems) -> None:
    wrong = dataclasses.replace(config, prune=PruneConfig(layer_sparsity_ratios={"no_such_layer": 0.5}))
    (found,) = problems(wrong)
    assert "no_such_layer" in found


def test_a_compilation_contacts_no_destination(config: CompressionConfig) -> None:
    check_compiled(dataclasses.replace(config, push=PushConfig("s3://no-such-bucket-anywhere/models")))
    with pytest.raises(NotReadyError, match=r"^push\.uri: nosuch://models can't be written: Protocol not known"):
        check_compiled(dataclasses.replace(config, push=PushConfig("nosuch://models")))


def test_metadata_that_somebody_else_writes_are_told(root: RunRoot) -> None:
    root.folder.mkdir()
    open_address(StoreAddress(StoreKind.SQLITE, path=str(root.metadata)), create=True)
    check_root(root)
    connection = sqlite3.connect(root.metadata, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError, match=r"^--root: the metadata in .* can't be changed: database is locked"):
        check_root(root)
    connection.close()


def test_no_run_is_written_into_another_programs_database(root: RunRoot) -> None:
    root.folder.mkdir()
    root.metadata.touch()
    check_root(root)
    with contextlib.closing(sqlite3.connect(root.metadata)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(ConfigError, match=r"^--root: .*metadata.sqlite: it is another program's database"):
        check_root(root)


def test_metadata_that_are_none_or_read_only_are_told(root: RunRoot) -> None:
    root.folder.mkdir()
    root.metadata.write_bytes(b"not a database " * 100)
    with pytest.raises(ConfigError, match="can't be changed: file is not a database"):
        check_root(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(root: RunRoot) -> None:
    root.folder.mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="can't be written: Permission denied"):
        check_root(root)


def test_a_full_disk_is_told(root: RunRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = type("Usage", (), {"free": 12_000_000})
    monkeypatch.setattr("pipelines.preflight.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ConfigError, match=r"has 12 MB left, and a run needs 100 MB at least"):
        check_root(root)


def test_a_root_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        check_root(RunRoot(tmp_path / os.fsdecode(b"runs\xff")))


@pytest.mark.parametrize("constraints", [ConstraintsConfig(), ConstraintsConfig(min_agreement=None)])
def test_it_is_said_where_nothing_limits_what_is_pushed(
    config: CompressionConfig, root: RunRoot, constraints: ConstraintsConfig
) -> None:
    without = dataclasses.replace(config, constraints=constraints)
    expected = "constraints: no limit is set, so every student that is better than guessing is pushed"
    for sentences in (check_run(without, root), check_compiled(without)):
        assert [sentence.startswith(expected) for sentence in sentences].count(True) == 1
    assert not any(sentence.startswith("constraints") for sentence in check_run(config, root))


def test_top_k_of_all_classes_is_refused_as_a_limit(
    config: CompressionConfig, root: RunRoot, problems: Problems
) -> None:
    limited = dataclasses.replace(config, constraints=ConstraintsConfig(min_top_k_accuracy=0.9))
    (found,) = problems(limited)  # three classes, and k is 3
    assert found.startswith("constraints.min_top_k_accuracy: found it with evaluate.top_k 3 and 3 classes")
    assert found.endswith("set evaluate.top_k below 3")
    check_run(dataclasses.replace(limited, evaluate=EvaluateConfig(top_k=2)), root)


def test_a_teacher_of_more_classes_is_told_with_what_to_set(
    config: CompressionConfig, problems: Problems, tmp_path: Path
) -> None:
    save_teacher(tmp_path / "teacher.keras", 1000)
    (found,) = problems(config)
    assert "say which output (from 0) is which in teacher.outputs: {apple: NUMBER, lime: NUMBER, ...}" in found
    assert found.endswith("otherwise train the teacher's last layer on this data")


@pytest.mark.parametrize("is_listed", [True, False], ids=["image_folder", "npz"])
def test_a_teacher_of_more_outputs_than_it_has_names_is_told_how_many(
    config: CompressionConfig, problems: Problems, tmp_path: Path, is_listed: bool
) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((9, 16, 16, 1), np.uint8), y=np.arange(9) % 3)
    path = save_teacher(tmp_path / "teacher.keras", 1000)
    (found,) = problems(
        dataclasses.replace(
            config,
            teacher=TeacherConfig(str(path), classes=("plum", "apple", "lime")),
            data=config.data if is_listed else DataConfig(DataFormat.NPZ, str(tmp_path / "data.npz")),
        )
    )
    assert "found outputs of shape [None, 1000], accepted is [batch, 3]" in found
    assert "in place of teacher.classes" in found
