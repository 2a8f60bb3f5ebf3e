"""The graph: its nodes and edges are the design's, and each setting reaches only the steps it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_component import BaseComponent

from learn2compress.config import (
    AugmentConfig,
    CompressionConfig,
    EvaluateConfig,
    PushConfig,
    QuantizeConfig,
    ReportConfig,
    StudentConfig,
    TeacherConfig,
    TeacherTraining,
    TrainingConfig,
)
from pipelines.local_runner import create_pipeline
from pipelines.pipeline import create_components
from pipelines.provenance import Provenance, code_digests
from pipelines.run_root import RunRoot

NAMES = ("large", "medium", "small")
DIGESTS = code_digests("residual")


def make_config(**changes: Any) -> CompressionConfig:
    students = tuple(StudentConfig(name, stage) for stage, name in zip((3, 2, 1), NAMES, strict=True))
    return CompressionConfig(
        **({"name": "family", "teacher": TeacherConfig("t.keras"), "students": students} | changes)
    )


def make_provenance(**changes: Any) -> Provenance:
    digests = {"config_sha256": "c", "data_fingerprint": "d", "teacher_sha256": "t", "pretrained_sha256": ""}
    return Provenance(**(digests | {"code_digests": DIGESTS} | changes))


def components_of(config: CompressionConfig, provenance: Provenance | None = None) -> dict[str, BaseComponent]:
    made = create_components(config, provenance or make_provenance(), "/checkpoints")
    return {component.id: component for component in made}


def parameters_of(components: dict[str, BaseComponent]) -> dict[str, dict[str, Any]]:
    return {name: dict(component.exec_properties) for name, component in components.items()}


def changed_steps(before: CompressionConfig, after: CompressionConfig) -> set[str]:
    one, two = parameters_of(components_of(before)), parameters_of(components_of(after))
    return {name for name in one if one[name] != two[name]}


def test_nodes_and_edges_are_those_of_the_design(tmp_path: Path) -> None:
    pipeline = create_pipeline(make_config(), make_provenance(), RunRoot(tmp_path))
    upstream = {node.id: {above.id for above in node.upstream_nodes} for node in pipeline.components}
    data = {"Ingest", "TeacherLoad"}
    expected: dict[str, set[str]] = {
        "Ingest": set(),
        "TeacherLoad": {"Ingest"},
        "Evaluate.teacher": data,
        "JointDistillTrainer": data,
        "Pusher": {"Ingest", "Evaluate.teacher"}
        | {f"{step}.{name}" for step in ("Quantize", "Evaluate") for name in NAMES},
    }
    for name in NAMES:
        expected[f"Prune.{name}"] = data | {"JointDistillTrainer"}
        expected[f"Quantize.{name}"] = data | {f"Prune.{name}"}
        expected[f"Evaluate.{name}"] = data | {"Evaluate.teacher", f"Prune.{name}", f"Quantize.{name}"}
    assert upstream == expected
    downstream = {node.id: {below.id for below in node.downstream_nodes} for node in pipeline.components}
    assert downstream == {name: {reader for reader, read in expected.items() if name in read} for name in expected}


def test_each_branch_reads_its_own_student() -> None:
    components = components_of(make_config())
    for name in NAMES:
        channel = components[f"Prune.{name}"].inputs["student"]
        assert (channel.producer_component_id, channel.output_key) == ("JointDistillTrainer", name)
        pusher = components["Pusher"].inputs
        assert pusher[f"model_{name}"].producer_component_id == f"Quantize.{name}"
        assert pusher[f"evaluation_{name}"].producer_component_id == f"Evaluate.{name}"
    assert set(components["JointDistillTrainer"].outputs) == {*NAMES, "training_logs"}


def test_branches_go_on_with_a_teacher_that_was_trained_jointly() -> None:
    fixed, joint = (
        components_of(make_config(teacher=TeacherConfig("t.keras", training=training))) for training in TeacherTraining
    )
    assert "trained_teacher" not in fixed["JointDistillTrainer"].outputs
    for step in (f"{step}.{name}" for step in ("Prune", "Quantize") for name in NAMES):
        assert fixed[step].inputs["teacher"].producer_component_id == "TeacherLoad"
        channel = joint[step].inputs["teacher"]
        assert (channel.producer_component_id, channel.output_key) == ("JointDistillTrainer", "trained_teacher")
    # What students are compared with stays the teacher that the team brought along.
    for step in ("Evaluate.teacher", "Evaluate.small"):
        assert joint[step].inputs["teacher"].producer_component_id == "TeacherLoad"


def test_components_come_in_topological_order() -> None:
    seen: set[str] = set()
    for name, component in components_of(make_config()).items():
        assert {channel.producer_component_id for channel in component.inputs.values()} <= seen
        seen.add(name)


@pytest.mark.parametrize("phase", ["prune", "quantize"])
def test_a_students_own_settings_reach_its_branch_alone(phase: str) -> None:
    own = StudentConfig("medium", 2, **{phase: {"epochs": 99}})
    after = make_config(students=(StudentConfig("large", 3), own, StudentConfig("small", 1)))
    assert changed_steps(make_config(), after) == {f"{phase.title()}.medium", "Pusher"}
    assert components_of(after)[f"{phase.title()}.medium"].exec_properties["epochs"] == 99


def test_smallest_pruned_layer_reaches_quantization_which_keeps_the_zeros() -> None:
    own = StudentConfig("small", 1, prune={"min_layer_weights": 1000})
    after = make_config(students=(StudentConfig("large", 3), StudentConfig("medium", 2), own))
    assert changed_steps(make_config(), after) == {"Prune.small", "Quantize.small", "Pusher"}


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"push": PushConfig("elsewhere")}, set()),
        # Both are in the file.
        ({"push": PushConfig(license="MIT", contact="a team")}, {f"Quantize.{name}" for name in NAMES}),
        ({"report": ReportConfig(images=False)}, {f"Evaluate.{name}" for name in NAMES}),
        ({"evaluate": EvaluateConfig(top_k=4)}, {f"Evaluate.{name}" for name in ("teacher", *NAMES)}),
        ({"quantize": QuantizeConfig(epochs=9)}, {f"Quantize.{name}" for name in NAMES}),
        (
            {"training": TrainingConfig(epochs=2)},
            {"JointDistillTrainer", *(f"{step}.{name}" for step in ("Prune", "Quantize") for name in NAMES)},
        ),
        (
            {"training": TrainingConfig(augment=AugmentConfig(flip=True))},
            {
                "TeacherLoad",
                "JointDistillTrainer",
                *(f"{step}.{name}" for step in ("Prune", "Quantize") for name in NAMES),
            },
        ),
    ],
    ids=["push", "licence", "report", "evaluate", "quantize", "training", "augmentation"],
)
def test_a_change_reaches_the_steps_it_is_about(changes: dict[str, Any], steps: set[str]) -> None:
    assert changed_steps(make_config(), make_config(**changes)) == {*steps, "Pusher"}


def test_provenance_reaches_the_steps_that_read_what_changed() -> None:
    before = parameters_of(components_of(make_config()))
    for change, steps in (
        ({"data_fingerprint": "other"}, {"Ingest"}),
        ({"teacher_sha256": "other"}, {"TeacherLoad", "Pusher"}),
        ({"pretrained_sha256": "other"}, {"JointDistillTrainer", "Pusher"}),
        ({"code_digests": DIGESTS | {"prune": "other"}}, {*(f"Prune.{name}" for name in NAMES), "Pusher"}),
    ):
        after = parameters_of(components_of(make_config(), make_provenance(**change)))
        assert {name for name in before if before[name] != after[name]} == steps


def test_every_step_names_its_code_and_the_seed_is_that_of_the_configuration() -> None:
    folders = {"JointDistillTrainer": "joint_distill_trainer", "TeacherLoad": "teacher_load"}
    for name, component in components_of(make_config(seed=5)).items():
        kind = name.partition(".")[0]
        assert component.exec_properties["code_digest"] == DIGESTS[folders.get(kind, kind.lower())]
        assert component.exec_properties.get("seed", 5) == 5


def test_the_pusher_is_told_the_whole_configuration() -> None:
    config = make_config(seed=5)
    told = json.loads(components_of(config)["Pusher"].exec_properties["config"])
    assert told["seed"] == 5
    assert [student["name"] for student in told["students"]] == list(NAMES)
