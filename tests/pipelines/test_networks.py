"""Students come from the joint training or from the teacher; a training that nobody needs is not in the graph."""

from __future__ import annotations

import pytest
from tfx.dsl.components.base.base_component import BaseComponent

from learn2compress.config import (
    BudgetConfig,
    CompressionConfig,
    FamilyConfig,
    SearchConfig,
    StudentConfig,
    StudentNetwork,
    TeacherConfig,
    TeacherTraining,
    TrainingConfig,
)
from pipelines.pipeline import create_components
from pipelines.provenance import Provenance, code_digests

OWN, SMALL = StudentConfig("own", network=StudentNetwork.TEACHER), StudentConfig("small", 1)
DIGESTS = code_digests("residual")


def components_of(*students: StudentConfig, **changes: object) -> dict[str, BaseComponent]:
    config = CompressionConfig(**({"name": "family", "teacher": TeacherConfig("t.keras")} | changes), students=students)
    made = create_components(config, Provenance("c", "d", "t", "", DIGESTS), "/checkpoints")
    return {component.id: component for component in made}


def upstream(components: dict[str, BaseComponent], name: str) -> set[str]:
    read = {channel.producer_component_id for channel in components[name].inputs.values()}
    return {producer for producer in read if producer}


def test_alone_nothing_is_trained_jointly() -> None:
    components = components_of(OWN)
    steps = {f"{step}.own" for step in ("TeacherAsStudent", "Prune", "Quantize", "Evaluate")}
    assert set(components) == {"Ingest", "TeacherLoad", "Evaluate.teacher", "Pusher"} | steps
    assert upstream(components, "TeacherAsStudent.own") == {"Ingest", "TeacherLoad"}
    assert upstream(components, "Prune.own") == {"Ingest", "TeacherLoad", "TeacherAsStudent.own"}


def test_beside_others_each_has_its_branch_in_the_order_of_the_configuration() -> None:
    components = components_of(OWN, SMALL)
    assert upstream(components, "Prune.own") == {"Ingest", "TeacherLoad", "TeacherAsStudent.own"}
    assert upstream(components, "Prune.small") == {"Ingest", "TeacherLoad", "JointDistillTrainer"}
    assert {name for name in components["JointDistillTrainer"].outputs if name in ("own", "small")} == {"small"}
    assert [name for name in components if name.startswith("Evaluate.")] == [
        "Evaluate.teacher",
        "Evaluate.own",
        "Evaluate.small",
    ]


def test_an_own_network_does_not_train_the_others_again() -> None:
    alone, beside = components_of(SMALL), components_of(OWN, SMALL)
    for name in ("TeacherLoad", "JointDistillTrainer", "Prune.small", "Quantize.small"):
        assert dict(alone[name].exec_properties) == dict(beside[name].exec_properties)


@pytest.mark.parametrize("changes", [{"training": TrainingConfig(epochs=3)}, {"seed": 3}])
def test_it_follows_the_settings_of_the_trainings(changes: dict[str, object]) -> None:
    before, after = (components_of(OWN, **one)["TeacherAsStudent.own"].exec_properties for one in ({}, changes))
    assert before != after


def test_a_teacher_that_learns_gives_the_signal_and_the_student_is_the_original() -> None:
    teacher = TeacherConfig("t.keras", training=TeacherTraining.JOINT)
    components = components_of(OWN, SMALL, teacher=teacher)
    assert upstream(components, "TeacherAsStudent.own") == {"Ingest", "TeacherLoad"}
    assert "JointDistillTrainer" in upstream(components, "Prune.own")


FAMILY = SearchConfig(family=FamilyConfig(widths=(0.5, 1.0)))
TINY = StudentConfig("tiny", budget=BudgetConfig(max_macs=1000))
BEST = StudentConfig("best")


def test_students_are_picked_from_a_family_each_by_a_step_of_its_own() -> None:
    components = components_of(TINY, BEST, OWN, search=FAMILY)
    assert "JointDistillTrainer" not in components
    assert upstream(components, "FamilyTrainer") == {"Ingest", "TeacherLoad"}
    for name in ("tiny", "best"):
        assert upstream(components, f"Pick.{name}") == {"Ingest", "TeacherLoad", "FamilyTrainer"}
        assert upstream(components, f"Prune.{name}") == {"Ingest", "TeacherLoad", f"Pick.{name}"}
    assert upstream(components, "Prune.own") == {"Ingest", "TeacherLoad", "TeacherAsStudent.own"}
    assert "FamilyTrainer" in upstream(components, "Pusher")


def test_another_pick_trains_nothing_and_picks_no_other_student_anew() -> None:
    before, after = components_of(BEST, search=FAMILY), components_of(TINY, BEST, search=FAMILY)
    for name in ("Ingest", "TeacherLoad", "Evaluate.teacher", "FamilyTrainer", "Pick.best", "Prune.best"):
        assert dict(before[name].exec_properties) == dict(after[name].exec_properties)
