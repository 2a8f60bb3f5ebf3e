"""The branch of one student: Prune and Quantize, or a search in their place."""

from __future__ import annotations

from typing import Any

import pytest
from tfx.types.channel import Channel

from components.artifacts import Examples, Student, Teacher, TeacherLogits
from learn2compress.config import CompressionConfig, SearchConfig, StudentConfig, TeacherConfig
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings
from pipelines.branches import Branches

CODE = {"prune": "p", "quantize": "q", "search": "s"}


@pytest.fixture
def trained() -> Channel:
    return Channel(type=Student)


def branches(**changes: Any) -> Branches:
    own = StudentConfig("small", 1, quantize={"epochs": 9})
    config = CompressionConfig(name="family", teacher=TeacherConfig("t.keras"), students=(own,), **changes)
    settings = TrainingSettings(config.task, config.training, TeacherUse.of(config.teacher), config.seed, "/states")
    channels = (Channel(type=kind) for kind in (Examples, Teacher, TeacherLogits))
    return Branches(config, *channels, settings, CODE)


def test_a_student_is_pruned_and_then_quantized(trained: Channel) -> None:
    made = branches()
    steps, variants = made.of(made.config.students[0], trained)
    prune, quantize = steps
    assert [step.id for step in steps] == ["Prune.small", "Quantize.small"]
    assert prune.inputs["student"] is trained
    assert quantize.inputs["student"] is prune.outputs["pruned"]
    assert quantize.exec_properties["epochs"] == 9
    assert variants["small"] == (prune.outputs["pruned"], quantize.outputs["model"])


def test_a_search_takes_their_place_and_gives_several_variants(trained: Channel) -> None:
    made = branches(search=SearchConfig(variants=2))
    (search,), variants = made.of(made.config.students[0], trained)
    assert search.id == "Search.small"
    assert list(variants) == list(made.config.shipped_names)
    assert len({variant.model for variant in variants.values()}) == 2
