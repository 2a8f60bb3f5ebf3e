"""The model that students start from is loaded behind the teachers' checks, and released stage by stage."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import keras
import pytest

from learn2compress.config import PretrainedConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.students.joint import build_joint_network
from learn2compress.students.pretrained import frozen_layers, load_pretrained
from learn2compress.students.trunk import trunk_of
from learn2compress.teachers.safety import UnsafeTeacherError, content_sha256

TASK = TaskConfig(input_shape=(8, 8, 1))
EXITS = ("relu1", "relu2", "relu3")


def build() -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = x = keras.Input(TASK.input_shape)
    for stage in (1, 2, 3):
        x = keras.layers.Conv2D(4 * stage, 3, padding="same", use_bias=False, name=f"conv{stage}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{stage}")(x)
        x = keras.layers.ReLU(name=f"relu{stage}")(x)
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x)))


def training_of(path: Path, exits: tuple[str, ...] = EXITS) -> TrainingConfig:
    return TrainingConfig(pretrained=PretrainedConfig(str(path), exits))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_saved_model_gives_a_trunk_with_its_weights(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    model = build()
    model.save(path)
    trunk = load_pretrained(training_of(path), TASK, content_sha256(path))
    assert trunk is not None
    assert len(trunk.outputs) == 3
    assert (trunk.get_layer("conv2").get_weights()[0] == model.get_layer("conv2").get_weights()[0]).all()


def test_without_a_model_there_is_no_trunk() -> None:
    assert load_pretrained(TrainingConfig(), TASK) is None


def test_a_file_that_changed_since_the_run_was_started_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    build().save(path)
    with pytest.raises(ConfigError, match=r"training.pretrained.uri: .* changed after the run was started: start"):
        load_pretrained(training_of(path), TASK, "0" * 64)


def test_a_hostile_file_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    path, hostile = tmp_path / "model.keras", tmp_path / "hostile.keras"
    build().save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(hostile, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1]["class_name"] = "Lambda"
                content = json.dumps(config).encode()
            target.writestr(member, content)
    with pytest.raises(UnsafeTeacherError, match=r"training.pretrained.uri: .*found a Lambda, which runs foreign code"):
        load_pretrained(training_of(hostile), TASK)


def test_a_saved_model_folder_is_refused_and_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    build().export(folder, verbose=False)
    with pytest.raises(ConfigError, match=r"training.pretrained.uri: .* found a SavedModel"):
        load_pretrained(training_of(folder), TASK)
    with pytest.raises(ConfigError, match=r"training.pretrained.uri: .*none.keras: found nothing"):
        load_pretrained(training_of(tmp_path / "none.keras"), TASK)


def test_a_wrong_exit_is_named_with_its_field(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    build().save(path)
    with pytest.raises(ConfigError, match=r"training.pretrained.exits.1: found 'relu22', accepted is a layer of the"):
        load_pretrained(training_of(path, ("relu1", "relu22")), TASK)


def schedule(num_epochs: int, used_stages: int = 3, **changes: float) -> list[str]:
    """Which stages stand still in each epoch, such as "12": the first and the second."""
    config = dataclasses.replace(PretrainedConfig("model.keras", EXITS), **changes)
    training = TrainingConfig(pretrained=config, epochs=num_epochs)
    trunk = trunk_of(build(), config, TASK)
    network = build_joint_network(TASK, 10, training, [StudentConfig("only", used_stages)], trunk)
    found = []
    for epoch in range(num_epochs):
        frozen = frozen_layers(training, network, epoch)
        stages = [stage for stage in "123" if f"conv{stage}" in frozen]
        assert frozen == {f"{kind}{stage}" for stage in stages for kind in ("conv", "norm")}
        found.append("".join(stages))
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["", "", "", "", "", ""]),
        ({"frozen_epochs_ratio": 0.5}, ["123", "123", "123", "", "", ""]),
        ({"frozen_epochs_ratio": 1.0}, ["123"] * 6),
        ({"unfreeze_ratio": 0.67}, ["12", "12", "1", "1", "", ""]),
        ({"frozen_epochs_ratio": 0.33, "unfreeze_ratio": 0.33}, ["123", "123", "12", "1", "", ""]),
        ({"frozen_stages": 1}, ["1"] * 6),
        ({"frozen_stages": 3}, ["123"] * 6),
        ({"frozen_stages": 1, "frozen_epochs_ratio": 0.17, "unfreeze_ratio": 0.5}, ["123", "12", "12", "12", "1", "1"]),
        ({"frozen_stages": 2, "unfreeze_ratio": 0.5}, ["12"] * 6),
    ],
)
def test_stages_are_released_from_the_last_to_the_first(changes: dict[str, float], expected: list[str]) -> None:
    assert schedule(6, **changes) == expected


def test_only_the_stages_in_use_take_turns() -> None:
    assert schedule(4, used_stages=2, unfreeze_ratio=0.5) == ["1", "1", "", ""]
    assert schedule(4, used_stages=1, unfreeze_ratio=0.5) == ["", "", "", ""]


def test_without_a_trunk_nothing_is_frozen() -> None:
    training = TrainingConfig()
    network = build_joint_network(TASK, 10, training, [StudentConfig("only")])
    assert frozen_layers(training, network, 0) == frozenset()
