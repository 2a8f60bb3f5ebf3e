"""A step's executor runs on what the open-source driver writes, and the launcher can read what it wrote."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.components.base import base_executor
from tfx.types.artifact import Artifact

from components.artifacts import Evaluation, Examples, LiteRtModel, PushedVersion, TeacherLogits
from components.ingest.component import Ingest
from learn2compress.config import BeamStepConfig, DataConfig, TaskConfig
from learn2compress.data.records import Split
from learn2compress.file_names import LABELS_FILE
from pipelines.kubeflow.container.step import main
from pipelines.kubeflow.container.transient import with_patience
from pipelines.kubeflow.contract.artifact_types import class_path
from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget, StepContract, View, ViewKind
from pipelines.provenance import code_digests

SALT = "0d8c1c4e-33f5-4c73-a7fe-5f8bd27d1a21"
SCHEMES = {"minio": "minio", "s3": "s3", "gs": "gcs"}


class Recorder(base_executor.BaseExecutor):
    """Writes down what it was given, and sets properties of each type."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        (examples,), (model,) = input_dict["examples"], output_dict["model"]
        seen = {
            "properties": exec_properties,
            "labels": (Path(examples.uri) / LABELS_FILE).read_text(),
            "num_train": examples.num_train,
            "content_sha256": examples.content_sha256,
            "note": examples.get_string_custom_property("note"),
        }
        (Path(model.uri) / "seen.json").write_text(json.dumps(seen))
        model.student, model.model_bytes = "small", 12
        model.set_string_custom_property("sha256.small", "abc")
        output_dict["evaluation"][0].accuracy = float("nan")
        output_dict["evaluation"][0].latency_ms = 0.25


class Unlucky(base_executor.BaseExecutor):
    """Fails halfway the first time, as where a store is away for a moment."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        folder, tried = Path(output_dict["model"][0].uri), Path(exec_properties["empty"])
        if not tried.exists():
            tried.touch()
            (folder / "half").touch()
            raise ConnectionResetError("the store is away")
        (folder / "whole").touch()


def artifact(uri: str, **fields: Any) -> dict[str, Any]:
    # MLMD's number for a name, and a schema that is there and empty.
    return {"artifacts": [{"name": "17", "type": {"instanceSchema": ""}, "uri": uri, **fields}]}


def output(uri: str, title: str = "system.Artifact") -> dict[str, Any]:
    return {"artifacts": [{"type": {"schemaTitle": title, "schemaVersion": "0.0.1"}, "uri": uri}]}


CONTRACT = StepContract(
    pipeline="flowers",
    component="Quantize.small",
    component_type="components.quantize.component.Quantize",
    executor=class_path(Recorder),
    inputs={"examples": class_path(Examples)},
    outputs={
        "model": class_path(LiteRtModel),
        "logits": class_path(TeacherLogits),
        "evaluation": class_path(Evaluation),
    },
    parameters={
        "epochs": ParameterKind.INTEGER,
        "rate": ParameterKind.NUMBER,
        "training": ParameterKind.TEXT,
        "empty": ParameterKind.TEXT,
        "run_epochs": ParameterKind.INTEGER,
    },
    overrides={"run_epochs": (ParameterTarget("training", ("epochs",)),)},
    views={},
)
PARAMETERS = {"epochs": 3.0, "rate": 1.0, "training": '{"epochs": 3, "loss": "kl"}', "empty": "", "run_epochs": 5.0}


class Launcher:
    """Puts inputs where the backend's launcher puts them, and reads back what it would read."""

    def __init__(self, folder: Path, scheme: str):
        self.folder = folder
        self.scheme = scheme
        self.output_file = folder / "kfp_outputs" / "output_metadata.json"

    def uri(self, key: str) -> str:
        return f"{self.scheme}://bucket/v2/artifacts/flowers/{SALT}/{key}"

    def path(self, key: str) -> Path:
        return self.folder / SCHEMES[self.scheme] / "bucket/v2/artifacts/flowers" / SALT / key

    def executor_input(self, parameters: dict[str, Any], **changes: Any) -> str:
        self.path("ingest/examples").mkdir(parents=True, exist_ok=True)
        (self.path("ingest/examples") / LABELS_FILE).write_text("rose\n")
        metadata = {
            "num_train": 1437.0,
            "content_sha256": "fe",
            "note": "kept",
            "pipeline_name": "flowers",
            "display_name": "Ingest examples",
            "store_session_info": "{}",
            "made_by_a_later_version": {"a": [1.0]},
        }
        content = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {"examples": artifact(self.uri("ingest/examples"), metadata=metadata)},
            },
            "outputs": {
                "artifacts": {
                    **{name: output(self.uri(f"quantize-small/{name}")) for name in CONTRACT.outputs},
                    "executor-logs": output(self.uri("quantize-small/executor-logs")),
                },
                "outputFile": str(self.output_file),
            },
        }
        return json.dumps(content | changes)

    def run(self, contract: StepContract, executor_input: str) -> int:
        arguments = ["--contract", contract.to_json(), "--executor-input", executor_input]
        return main([*arguments, "--artifact-root", str(self.folder)])

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Of each output, parsed as strictly as the launcher does."""
        text = self.output_file.read_text()
        assert "null" not in text
        message = json_format.Parse(text, pipeline_spec_pb2.ExecutorOutput())
        found = json_format.MessageToDict(message)["artifacts"]
        for name, entry in found.items():
            assert entry["artifacts"][0]["uri"] == self.uri(f"quantize-small/{name}")
        return {name: entry["artifacts"][0]["metadata"] for name, entry in found.items()}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_executor_gets_its_types_and_folders_back(scheme: str, tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, scheme)
    assert launcher.run(CONTRACT, launcher.executor_input(PARAMETERS)) == 0
    seen = json.loads((launcher.path("quantize-small/model") / "seen.json").read_text())
    assert seen == {
        "properties": {"epochs": 3, "rate": 1.0, "training": '{"epochs": 5, "loss": "kl"}', "empty": ""},
        "labels": "rose\n",
        "num_train": 1437,
        "content_sha256": "fe",
        "note": "kept",
    }
    # As text, since 3 equals 3.0.
    assert json.dumps(seen["properties"]["epochs"]) == "3"
    assert json.dumps(seen["num_train"]) == "1437"


def test_outputs_carry_their_properties_and_readable_names(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, "minio")
    assert launcher.run(CONTRACT, launcher.executor_input(PARAMETERS)) == 0
    metadata = launcher.metadata()
    assert set(metadata) == set(CONTRACT.outputs)  # what the backend added is the backend's
    assert metadata["model"] == {
        "student": "small",
        "model_bytes": 12.0,
        "sha256.small": "abc",
        "artifact_type": "L2CLiteRtModel",
        "pipeline_name": "flowers",
        "display_name": "Quantize.small model",
    }
    # JSON has no NaN: a figure like that is left out.
    assert {name for name in metadata["evaluation"] if name.startswith(("acc", "lat"))} == {"latency_ms"}
    # Object stores have no empty folders.
    assert any(launcher.path("quantize-small/logits").iterdir())


def test_a_store_that_is_away_for_a_moment_fails_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(with_patience, "__defaults__", ((0.0,),))
    launcher = Launcher(tmp_path, "minio")
    contract = dataclasses.replace(CONTRACT, executor=class_path(Unlucky))
    parameters = PARAMETERS | {"empty": str(tmp_path / "tried")}
    assert launcher.run(contract, launcher.executor_input(parameters)) == 0
    assert [path.name for path in launcher.path("quantize-small/model").iterdir()] == ["whole"]


def test_metrics_are_numbers_and_nothing_else(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, "minio")
    contract = dataclasses.replace(CONTRACT, views={"evaluation_metrics": View(ViewKind.METRICS, "evaluation")})
    content = json.loads(launcher.executor_input(PARAMETERS))
    place = output(launcher.uri("quantize-small/evaluation_metrics"), "system.Metrics")
    content["outputs"]["artifacts"]["evaluation_metrics"] = place
    assert launcher.run(contract, json.dumps(content)) == 0
    # Kubeflow without ML Metadata makes an artifact of each, and refuses text (mlmd-removal, launcher_v2.go).
    assert launcher.metadata()["evaluation_metrics"] == {"latency_ms": 0.25}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("epochs", 3.5), ("epochs", "3"), ("rate", True), ("training", 1.0), ("empty", None), ("run_epochs", [5.0])],
)
def test_a_parameter_of_another_type_is_refused_in_one_line(
    parameter: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher = Launcher(tmp_path, "s3")
    assert launcher.run(CONTRACT, launcher.executor_input(PARAMETERS | {parameter: value})) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"step: error: parameter {parameter}: found {value!r}, accepted is")
    assert not launcher.output_file.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{$}}", "--executor-input"),
        ("[]", "--executor-input"),
        ('{"outputs": {}}', "--executor-input"),
        (json.dumps({"outputs": {"outputFile": "/x", "artifacts": {"model": output("oci://image")}}}), "artifact URI"),
        (json.dumps({"outputs": {"outputFile": "/x", "artifacts": {"model": output("s3://a/../b")}}}), "artifact URI"),
        (json.dumps({"outputs": {"outputFile": "/x"}}), "there is no output"),
    ],
)
def test_what_no_driver_writes_is_refused_in_one_line(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Launcher(tmp_path, "s3").run(CONTRACT, text) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


def test_an_artifact_on_a_volume_of_its_own_is_read_there(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, "gs")
    content = json.loads(launcher.executor_input(PARAMETERS))
    volume = tmp_path / "volume"
    launcher.path("ingest/examples").rename(volume)
    content["inputs"]["artifacts"]["examples"]["artifacts"][0]["customPath"] = str(volume)
    assert launcher.run(CONTRACT, json.dumps(content)) == 0


def test_ingest_reads_the_digits_as_the_driver_asks(tmp_path: Path) -> None:
    component = Ingest(
        data=DataConfig(),
        task=TaskConfig(),
        data_fingerprint="fingerprint",
        beam_options=BeamStepConfig().arguments,
        code_digest=code_digests("residual")["ingest"],
        family_name="digits",
        checkpoint_root=str(tmp_path / "checkpoints"),
    )
    contract = StepContract(
        pipeline="digits",
        component="Ingest",
        component_type=component.type,
        executor=class_path(component.executor_spec.executor_class),
        inputs={},
        outputs={key: class_path(channel.type) for key, channel in component.outputs.items()},
        parameters={name: ParameterKind.of(component.spec.PARAMETERS[name].type) for name in component.exec_properties},
        overrides={},
        views={},
    )
    parameters = {
        name: float(value) if isinstance(value, int) else value for name, value in component.exec_properties.items()
    }
    launcher = Launcher(tmp_path, "minio")
    content = json.loads(launcher.executor_input(parameters))
    content["outputs"]["artifacts"] = {
        name: output(launcher.uri(f"quantize-small/{name}")) for name in contract.outputs
    }
    del content["inputs"]["artifacts"]
    assert launcher.run(contract, json.dumps(content)) == 0
    metadata = launcher.metadata()["examples"]
    assert (metadata["num_train"] + metadata["num_held_out"], metadata["num_classes"]) == (1797.0, 10.0)
    assert any((launcher.path("quantize-small/examples") / Split.TRAIN).iterdir())
    versions = json.loads(metadata["made_with"])
    assert versions["numpy"] == np.__version__
    assert versions["python"] == platform.python_version()
    assert "matplotlib" not in versions


def test_an_image_of_other_code_than_the_package_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = StepContract(
        pipeline="digits",
        component="Pusher",
        component_type="components.pusher.component.Pusher",
        executor="components.pusher.executor.Executor",
        inputs={},
        outputs={"pushed": class_path(PushedVersion)},
        parameters={"code_digest": ParameterKind.TEXT},
        overrides={},
        views={},
    )
    uri = "s3://bucket/pushed"
    content = {
        "inputs": {"parameterValues": {"code_digest": "of another image"}},
        "outputs": {"artifacts": {"pushed": output(uri)}, "outputFile": str(tmp_path / "out.json")},
    }
    assert Launcher(tmp_path, "s3").run(contract, json.dumps(content)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "image: code or versions behind Pusher have digest" in line
    assert f"matplotlib {importlib.metadata.version('matplotlib')}" in line
    assert "of another image" in line
