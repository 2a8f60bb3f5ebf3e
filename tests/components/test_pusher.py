"""The executor on real artifacts in a temporary folder: what leaves, what stays, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Evaluation, Examples, LiteRtModel, PushedVersion
from components.pusher.component import Pusher
from components.pusher.executor import Executor
from learn2compress.config import CompressionConfig, ConstraintsConfig, PushConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict
from learn2compress.results.data import ClassCounts, DataReport, SplitCounts, SplitDigests
from learn2compress.results.quantization import Candidate, QuantizationReport, TensorDeviation
from learn2compress.results.reports import (
    Accuracy,
    ClassResult,
    EpochRecord,
    FamilyReport,
    Latency,
    ModelReport,
    read_json,
    write_json,
)
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

LABELS = ("cat", "<dog>")
_NONE = SplitCounts(0, 0)
DATA = DataReport(
    LABELS,
    600,
    100,
    0,
    0,
    3,
    0,
    _NONE,
    _NONE,
    0,
    _NONE,
    0,
    ClassCounts((300, 300), (50, 50)),
    (),
    SplitDigests("a", "b"),
    "c",
)
CONTENT = {"large": b"large model" * 20, "small": b"small model" * 5}


def report_on(name: str, content: bytes, correct: int) -> ModelReport:
    matrix = ((correct, 50 - correct), (50 - correct, correct))
    per_class = tuple(ClassResult(label, 50, correct / 50, correct / 50) for label in LABELS)
    accuracy = Accuracy(
        100, correct / 50, correct / 50 - 0.06, min(1.0, correct / 50 + 0.04), 3, None, per_class, matrix
    )
    latency = Latency(0.1, 0.12, 0.09, 0.5, 0.45, 0.55, 1, "a processor")
    digest = hashlib.sha256(content).hexdigest()
    figures = (len(content), len(content) - 3, 40, 20, 600)
    return ModelReport(name, digest, *figures, {"CONV_2D": 2}, "uint8", "uint8", accuracy, latency, 5000, 0.97, 0.99)


def make_config(tmp_path: Path, **constraints: Any) -> CompressionConfig:
    return CompressionConfig(
        name="pets",
        teacher=TeacherConfig("teacher.keras"),
        students=(StudentConfig("large", 2), StudentConfig("small", 1)),
        constraints=ConstraintsConfig(**constraints),
        push=PushConfig(str(tmp_path / "pushed")),
    )


def component_of(config: CompressionConfig) -> Pusher:
    names = [student.name for student in config.students]
    return Pusher(
        config=config,
        examples=channel.Channel(type=Examples),
        baseline=channel.Channel(type=Evaluation),
        models={name: channel.Channel(type=LiteRtModel) for name in names},
        evaluations={name: channel.Channel(type=Evaluation) for name in names},
        provenance={"teacher_sha256": "feed"},
        code_digest="c0de",
    )


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Artifact]]:
    """Examples, a teacher, and two students with what was measured on them."""
    examples = artifact_at(Examples, tmp_path / "examples")
    examples.content_sha256 = "da7a"
    (tmp_path / "examples" / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    write_json(tmp_path / "examples" / "ingest.json", DATA)
    found = {"examples": [examples], "baseline": [artifact_at(Evaluation, tmp_path / "teacher")]}
    write_json(tmp_path / "teacher" / "report.json", report_on("teacher", b"t" * 9000, 49))
    for name, content in CONTENT.items():
        model = tmp_path / "model" / name
        found[f"model_{name}"] = [artifact_at(LiteRtModel, model)]
        (model / "model.tflite").write_bytes(content)
        write_json(model / "history.json", (EpochRecord("train", 1, 0.5, 0.9), EpochRecord("prune", 1, 0.4, 0.95, 0.5)))
        write_json(model / "config.json", {"recipe": "int8_qat"})
        float32, int8 = Candidate("float32", 0.97, 4000), Candidate("int8_qat", 0.96, 1000)
        deviations = (TensorDeviation("relu", 0.5, 2.0),)
        write_json(
            model / "quantization.json",
            QuantizationReport(
                "int8_qat",
                "int8_qat",
                "better",
                50,
                (float32, int8),
                "the trained network",
                32,
                deviations,
                agreement=0.98,
                num_agreement_examples=50,
            ),
        )
        evaluation = tmp_path / "evaluation" / name
        found[f"evaluation_{name}"] = [artifact_at(Evaluation, evaluation)]
        write_json(evaluation / "report.json", report_on(name, content, 48 if name == "large" else 40))
    return found


def push(tmp_path: Path, inputs: dict[str, list[Artifact]], execution: str = "1", **constraints: Any) -> Any:
    """Runs the executor as TFX does; returns the PushedVersion."""
    pushed = artifact_at(PushedVersion, tmp_path / "execution" / execution)
    exec_properties = component_of(make_config(tmp_path, **constraints)).spec.exec_properties
    Executor().Do(inputs, {"pushed": [pushed]}, exec_properties)
    return pushed


def test_what_a_history_notes_stands_beside_the_decision(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    history = (EpochRecord("train", 1, 0.5, 0.9, note="not pruned: why"), EpochRecord("quantize", 1, 0.4, 0.95))
    write_json(Path(inputs["model_small"][0].uri) / "history.json", history)
    pushed = push(tmp_path, inputs)
    family = read_json(FamilyReport, Path(pushed.uri) / "family.json")
    assert [verdict.notes[-1:] == ("not pruned: why",) for verdict in family.verdicts] == [False, True]
    assert "not pruned: why" in (Path(pushed.uri) / "report.html").read_text("utf-8")


def test_what_was_left_out_of_training_is_in_report_and_card(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    pushed = push(tmp_path, inputs)
    assert read_json(FamilyReport, Path(pushed.uri) / "family.json").data == DATA
    sentence = "3 labelled examples left out of training: the content is held out"
    assert sentence in (Path(pushed.uri) / "report.html").read_text("utf-8")
    assert sentence in (Path(pushed.destination) / "large" / "model_card.md").read_text("utf-8")


def test_the_spec_has_two_inputs_for_each_student(tmp_path: Path) -> None:
    spec = component_of(make_config(tmp_path)).spec
    students = {f"{kind}_{name}" for kind in ("model", "evaluation") for name in CONTENT}
    assert set(spec.inputs) == {"examples", "baseline"} | students
    assert set(spec.outputs) == {"pushed"}
    assert json.loads(spec.exec_properties["students"]) == ["large", "small"]
    assert all(isinstance(value, str) for value in spec.exec_properties.values())


def test_a_component_without_a_students_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"models: found \['large'\], accepted is one for each of"):
        Pusher(
            config=make_config(tmp_path),
            examples=channel.Channel(type=Examples),
            baseline=channel.Channel(type=Evaluation),
            models={"large": channel.Channel(type=LiteRtModel)},
            evaluations={name: channel.Channel(type=Evaluation) for name in CONTENT},
            provenance={},
            code_digest="",
        )


def test_selected_students_leave_with_everything_about_them(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    pushed = push(tmp_path, inputs, max_accuracy_drop=0.05)
    version = tmp_path / "pushed" / "versions" / "1"
    assert pushed.destination == str(version)
    assert (pushed.version, pushed.num_selected, pushed.num_refused) == (1, 1, 1)
    assert {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()} == {
        "SHA256SUMS", "push.json", "report.html", "family.json", "config.yaml",
        "large/large.tflite", "large/labels.txt", "large/report.json", "large/config.json", "large/model_card.md",
        "large/classify.py", "large/image_pixels.py", "large/image_pixels.json",
        "large/quantization.json",
    }  # fmt: skip
    assert (version / "large" / "large.tflite").read_bytes() == CONTENT["large"]
    assert (version / "large" / "labels.txt").read_text() == "cat\n<dog>\n"
    assert json.loads((version / "large" / "config.json").read_text()) == {"recipe": "int8_qat"}
    assert "2.0 steps of its quantization" in (version / "large" / "model_card.md").read_text()
    assert "2.0 steps of its quantization" in (version / "report.html").read_text()
    assert read_json(ModelReport, version / "large" / "report.json").accuracy.top_1 == 0.96
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=version, check=True)
    digest = hashlib.sha256(CONTENT["large"]).hexdigest()
    assert pushed.get_string_custom_property("sha256.large") == digest
    assert pushed.get_string_custom_property("sha256.small") == ""
    assert digest in (version / "large" / "model_card.md").read_text()
    config = parse(CompressionConfig, yaml.safe_load((version / "config.yaml").read_text()))
    assert config == make_config(tmp_path, max_accuracy_drop=0.05)


def test_the_artifact_holds_the_pushed_report(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    pushed = push(tmp_path, inputs, max_accuracy_drop=0.05)
    version, folder = tmp_path / "pushed" / "versions" / "1", Path(pushed.uri)
    for name in ("family.json", "report.html"):
        assert (folder / name).read_bytes() == (version / name).read_bytes()
    family = read_json(FamilyReport, folder / "family.json")
    assert family.version == 1
    assert family.labels == LABELS
    assert family.provenance == {"teacher_sha256": "feed", "data_sha256": "da7a"}
    assert [verdict.selected for verdict in family.verdicts] == [True, False]
    assert family.verdicts[1].reasons == ("accuracy drop 18 points is above max_accuracy_drop 5 points",)
    assert family.pareto_bytes == ("small", "large", "teacher")
    assert [record.phase for record in family.histories["small"]] == ["train", "prune"]
    page = (folder / "report.html").read_text()
    assert "1 of 2 students pushed" in page
    assert "&lt;dog&gt;" in page


def test_examples_are_on_the_page_where_there_are_some(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    private = push(tmp_path, inputs)
    assert "<img" not in (Path(private.uri) / "report.html").read_text()

    picture = "data:image/png;base64,iVBORw0KGgo="
    shown = ShownExample(ExampleGroup.MISTAKE, 0, 1, 0.97, 0, 0.9, "cat/1.png", picture)
    write_json(tmp_path / "evaluation" / "large" / "examples.json", (shown,))
    refused = push(tmp_path, inputs, "2", max_model_bytes=1)
    assert picture in (Path(refused.uri) / "report.html").read_text()

    assert json.loads((Path(refused.uri) / "family.json").read_text())["config"]["report"] == {"images": True}
    assert picture not in (Path(refused.uri) / "family.json").read_text()


def test_nothing_is_pushed_where_nothing_passes(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    pushed = push(tmp_path, inputs, max_model_bytes=1)
    assert (pushed.version, pushed.destination, pushed.num_selected, pushed.num_refused) == (0, "", 0, 2)
    assert not (tmp_path / "pushed").exists()
    assert read_json(FamilyReport, Path(pushed.uri) / "family.json").version == 0
    assert "None of 2 students pushed" in (Path(pushed.uri) / "report.html").read_text()


def test_a_file_that_was_not_measured_is_refused(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    (tmp_path / "model" / "small" / "model.tflite").write_bytes(b"something else")
    with pytest.raises(ConfigError) as caught:
        push(tmp_path, inputs)
    found = hashlib.sha256(b"something else").hexdigest()
    measured = hashlib.sha256(CONTENT["small"]).hexdigest()
    message = f"student 'small': the file has SHA-256 {found}, but the one that was measured has {measured}"
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "pushed").exists()


def test_a_report_on_another_student_is_refused(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    inputs["evaluation_small"] = inputs["evaluation_large"]
    with pytest.raises(ConfigError, match="evaluation_small: the report is on 'large' instead of 'small'"):
        push(tmp_path, inputs)


def test_a_retry_finds_its_version_and_other_measurements_make_another(
    tmp_path: Path, inputs: dict[str, list[Artifact]]
) -> None:
    first = push(tmp_path, inputs)
    family = (Path(first.uri) / "family.json").read_bytes()
    retried = push(tmp_path, inputs, execution="2")
    assert (retried.version, retried.destination) == (1, first.destination)
    assert (Path(retried.uri) / "family.json").read_bytes() == family

    path = tmp_path / "evaluation" / "small" / "report.json"
    write_json(path, dataclasses.replace(read_json(ModelReport, path), peak_memory_bytes=1))
    assert push(tmp_path, inputs, execution="3").version == 2
    assert json.loads(family)["version"] == 1


def test_a_destination_that_cannot_be_written_is_one_line(tmp_path: Path, inputs: dict[str, list[Artifact]]) -> None:
    (tmp_path / "pushed").write_text("a file")
    with pytest.raises(
        ConfigError, match=r"^push.uri: .*/pushed can't be written: .*; see that it is a folder or a URL"
    ):
        push(tmp_path, inputs)


def test_the_configuration_survives_the_way_through_parameters(tmp_path: Path) -> None:
    config = make_config(tmp_path, min_accuracy=0.5)
    parameters = component_of(config).spec.exec_properties
    assert json.loads(parameters["config"]) == to_dict(config)
    assert json.loads(parameters["constraints"])["min_accuracy"] == 0.5
    assert parameters["uri"] == config.push.uri
