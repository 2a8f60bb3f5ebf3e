"""Which family a configuration means, and a team's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.config import StudentConfig, TaskConfig, TaskKind, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.config.training import OWN_ARCHITECTURES
from learn2compress.students.architecture import find_architecture
from learn2compress.students.joint import build_joint_network
from learn2compress.students.projection import Projection
from learn2compress.students.residual import Residual

TEXT = TaskConfig(TaskKind.TEXT, (64,))

OWN_FAMILY = """
import keras
from learn2compress.config import TaskKind
from learn2compress.students.architecture import Architecture


class Flat(Architecture):
    task_kind = TaskKind.IMAGE

    def stage(self, features, stage, number, layers):
        conv = layers.make(
            keras.layers.Conv2D, f"own{number}", filters=layers.channels(stage.channels), kernel_size=1
        )
        return conv(features)

    def head(self, features, num_classes, layers):
        return layers.logits(keras.layers.Flatten(name=layers.name("flat"))(features), num_classes)


class NoFamily:
    pass
"""


@pytest.fixture
def installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with families of its own, as pip leaves it."""
    (tmp_path / "own_families.py").write_text(OWN_FAMILY)
    metadata = tmp_path / "own_families-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-families\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[learn2compress.architectures]\n"
        "flat = own_families:Flat\nno_family = own_families:NoFamily\nmissing = own_families:Missing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_each_kind_of_task_has_a_default() -> None:
    assert isinstance(find_architecture(TrainingConfig(), TaskConfig()), Residual)
    assert isinstance(find_architecture(TrainingConfig(), TEXT), Projection)


@pytest.mark.parametrize("kind", list(TaskKind))
def test_each_own_architecture_is_for_the_kind_of_task_that_the_configuration_says(kind: TaskKind) -> None:
    task = TEXT if kind is TaskKind.TEXT else TaskConfig()
    for name in OWN_ARCHITECTURES[kind]:
        assert find_architecture(TrainingConfig(architecture=name), task).task_kind is kind


def test_a_family_for_the_other_kind_of_task_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"training.architecture: found 'mobilenet', which is for image tasks, accepted is"
    ):
        find_architecture(TrainingConfig(architecture="mobilenet"), TEXT)


@pytest.mark.usefixtures("installed_package")
def test_a_teams_own_family_builds_students() -> None:
    training = TrainingConfig(architecture="flat")
    network = build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)])
    assert network.get_layer("own2").filters == 32
    assert network.output["only"].shape == (None, 10)


@pytest.mark.usefixtures("installed_package")
@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            "no_family",
            "training.architecture: found own_families:NoFamily, which makes a NoFamily, accepted is a subclass",
        ),
        ("missing", "training.architecture: own_families:Missing can't be imported"),
    ],
)
def test_what_is_no_family_is_refused(family: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_architecture(TrainingConfig(architecture=family), TaskConfig())
