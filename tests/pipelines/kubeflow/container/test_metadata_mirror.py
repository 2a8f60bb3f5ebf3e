"""Steps of a cluster run leave the lineage of a local run in a store of the team's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from typer.testing import CliRunner

from components.artifacts import DataStatistics, Examples, LiteRtModel, Teacher
from learn2compress.config import MetadataConfig
from learn2compress.config.parsing import ConfigError
from pipelines.cli import app
from pipelines.kubeflow.container.step import main
from pipelines.kubeflow.contract.artifact_types import class_path
from pipelines.kubeflow.contract.mirror_settings import POD_VARIABLE, RUN_VARIABLE, mirror_variables
from pipelines.kubeflow.contract.step_contract import ParameterKind, StepContract
from pipelines.metadata_store import open_shared_store, properties_of

RUN = "5b0a9a54-90b3-4b8f-8d35-3cb7e6ac3a0e"
SHA256 = "ab" * 32


@pytest.fixture
def mirror_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Sets the variables of a pod of the run that mirrors to a file; gives the file."""

    def set_variables(pod: str = "pod-1", **changes: Any) -> str:
        store = changes.pop("store", str(tmp_path / "mirror.sqlite"))
        for name, value in mirror_variables(MetadataConfig(store, **({"required": True} | changes))).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(RUN_VARIABLE, RUN)
        monkeypatch.setenv(POD_VARIABLE, pod)
        return store

    return set_variables


def step(contract: StepContract, executor_input: Mapping[str, Any], folder: Path) -> int:
    arguments = ["--contract", contract.to_json(), "--executor-input", json.dumps(executor_input)]
    return main([*arguments, "--artifact-root", str(folder)])


def records_of(store: MetadataStore) -> dict[str, Any]:
    """All that a store knows about the two steps but numbers, times, places and names of runs."""
    executions = {e.id: e for e in store.get_executions()}
    artifacts = {a.id: a for a in store.get_artifacts()}
    types = {t.id: t for t in [*store.get_artifact_types(), *store.get_execution_types(), *store.get_context_types()]}
    contexts = {c.id: c for c in store.get_contexts() if c.type != "execution_cache"}
    names = {i: "RUN" if c.type == "pipeline_run" else c.name for i, c in contexts.items()}

    def values(node: Any) -> dict[str, Any]:
        both = {("typed", k): v for k, v in node.properties.items()}
        both |= {("own", k): v for k, v in node.custom_properties.items() if not k.startswith("__")}
        return {k: str(v) for k, v in sorted(both.items())}

    return {
        "types": sorted(
            (t.name, str(sorted(t.properties.items()))) for t in types.values() if t.name != "execution_cache"
        ),
        "executions": sorted((e.type, e.last_known_state, str(values(e))) for e in executions.values()),
        "artifacts": sorted((a.type, a.state, str(sorted(values(a).items()))) for a in artifacts.values()),
        "events": sorted(
            (executions[e.execution_id].type, artifacts[e.artifact_id].type, e.type, str(e.path))
            for e in store.get_events_by_execution_ids(list(executions))
        ),
        "contexts": sorted((c.type, names[i], str(values(c))) for i, c in contexts.items()),
        "parents": sorted((names[i], p.name) for i in contexts for p in store.get_parent_contexts_by_context(i)),
        "executions in": sorted(
            (names[i], executions[e.id].type) for i in contexts for e in store.get_executions_by_context(i)
        ),
        "artifacts in": sorted((names[i], a.type) for i in contexts for a in store.get_artifacts_by_context(i)),
    }


class Reading(base_executor.BaseExecutor):
    """Makes examples and what is known about them."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        (examples,), (statistics,) = output_dict["examples"], output_dict["statistics"]
        examples.num_train, examples.source_uri = exec_properties["count"], exec_properties["uri"]
        statistics.num_anomalies = 0


class Teaching(base_executor.BaseExecutor):
    """Makes a teacher of examples, whose properties have all types."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        (examples,), (teacher,) = input_dict["examples"], output_dict["teacher"]
        teacher.num_parameters = 10 * examples.num_train
        teacher.accuracy = exec_properties["ratio"]
        teacher.source_uri = examples.source_uri
        teacher.set_string_custom_property("sha256.of.it", "abc")


class ReadSpec(ComponentSpec):
    PARAMETERS: ClassVar = {"count": ExecutionParameter(type=int), "uri": ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        "examples": ChannelParameter(type=Examples),
        "statistics": ChannelParameter(type=DataStatistics),
    }


class TeachSpec(ComponentSpec):
    PARAMETERS: ClassVar = {"ratio": ExecutionParameter(type=float), "settings": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {"examples": ChannelParameter(type=Examples)}
    OUTPUTS: ClassVar = {"teacher": ChannelParameter(type=Teacher)}


class Read(BaseComponent):
    SPEC_CLASS = ReadSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Reading)


class Teach(BaseComponent):
    SPEC_CLASS = TeachSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Teaching)


def components() -> list[BaseComponent]:
    channels = {"examples": Channel(type=Examples), "statistics": Channel(type=DataStatistics)}
    read = Read(ReadSpec(count=12, uri="", **channels))
    settings = json.dumps({"epochs": 3})
    spec = TeachSpec(examples=read.outputs["examples"], ratio=0.5, settings=settings, teacher=Channel(type=Teacher))
    return [read, Teach(spec).with_id("Teach.small")]


def run_on_cluster(component: BaseComponent, written: dict[str, Any], folder: Path) -> None:
    """Hands a component's step its inputs as the backend does, and adds to `written` what it tells the launcher."""
    contract = StepContract(
        pipeline="little",
        component=component.id,
        component_type=component.type,
        executor=class_path(component.executor_spec.executor_class),
        inputs={key: class_path(channel.type) for key, channel in component.inputs.items()},
        outputs={key: class_path(channel.type) for key, channel in component.outputs.items()},
        parameters={name: ParameterKind.of(component.spec.PARAMETERS[name].type) for name in component.exec_properties},
        overrides={},
        views={},
    )
    uris = {name: f"s3://bucket/{RUN}/{component.id}/{name}" for name in component.outputs}
    output_file = folder / f"{component.id}.json"
    numbers = {k: float(v) if isinstance(v, int) else v for k, v in component.exec_properties.items()}
    content = {
        "inputs": {
            "parameterValues": numbers,
            "artifacts": {name: {"artifacts": [written[name]]} for name in component.inputs},
        },
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": uri}]} for name, uri in uris.items()},
            "outputFile": str(output_file),
        },
    }
    assert step(contract, content, folder) == 0
    message = json_format.Parse(output_file.read_text(), pipeline_spec_pb2.ExecutorOutput())
    for name, entry in json_format.MessageToDict(message)["artifacts"].items():
        written[name] = entry["artifacts"][0]


def test_the_mirror_holds_what_a_local_run_of_the_same_steps_writes(
    tmp_path: Path, mirror_to: Callable[..., str]
) -> None:
    local = metadata.sqlite_metadata_connection_config(str(tmp_path / "local.sqlite"))
    LocalDagRunner().run(Pipeline("little", str(tmp_path / "root"), local, components()))

    store = mirror_to()
    written: dict[str, Any] = {}
    for component in components():
        run_on_cluster(component, written, tmp_path / "cluster")

    here, there = records_of(open_shared_store(store)), records_of(MetadataStore(local))
    assert [kind for kind, *_ in here["executions"]] == [component.type for component in components()]
    for what in there:
        assert here[what] == there[what], what


class Sometimes(base_executor.BaseExecutor):
    """Makes a model, unless its parameter says that it fails."""

    failure: ClassVar[BaseException] = RuntimeError("out of luck")

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        assert input_dict["examples"][0].num_train == 12
        (model,) = output_dict["model"]
        if exec_properties["fails"]:
            raise self.failure
        model.student, model.model_sha256 = "small", SHA256


CONTRACT = StepContract(
    pipeline="flowers",
    component="Quantize.small",
    component_type="components.quantize.component.Quantize",
    executor=class_path(Sometimes),
    inputs={"examples": class_path(Examples)},
    outputs={"model": class_path(LiteRtModel)},
    parameters={"fails": ParameterKind.INTEGER, "epochs": ParameterKind.INTEGER},
    overrides={},
    views={},
)


def attempt(folder: Path, *, fails: bool) -> int:
    content = {
        "inputs": {
            "parameterValues": {"fails": float(fails), "epochs": 3.0},
            "artifacts": {"examples": {"artifacts": [{"uri": "s3://b/examples", "metadata": {"num_train": 12.0}}]}},
        },
        "outputs": {
            "artifacts": {"model": {"artifacts": [{"uri": f"s3://b/{RUN}/model"}]}},
            "outputFile": str(folder / "out.json"),
        },
    }
    return step(CONTRACT, content, folder)


def counts(store: MetadataStore) -> tuple[int, ...]:
    ids = [execution.id for execution in store.get_executions()]
    events = store.get_events_by_execution_ids(ids)
    return len(ids), len(store.get_artifacts()), len(events), len(store.get_contexts())


def test_a_pod_that_is_tried_again_goes_on_with_the_record_of_the_first(
    tmp_path: Path, mirror_to: Callable[..., str]
) -> None:
    store = open_shared_store_of(mirror_to("pod-1"))
    assert attempt(tmp_path, fails=True) == 1
    (failed,) = store().get_executions()
    assert failed.last_known_state == mlmd.Execution.FAILED
    assert failed.custom_properties["__reason__"].string_value == "out of luck"
    assert counts(store()) == (1, 1, 1, 3)

    mirror_to("pod-2")
    for _ in range(2):
        assert attempt(tmp_path, fails=False) == 0
        (done,) = store().get_executions()
        assert (done.id, done.last_known_state) == (failed.id, mlmd.Execution.COMPLETE)
        assert done.custom_properties["__attempts__"].int_value == 2
        assert counts(store()) == (1, 2, 2, 3)
    assert properties_of(done) == {"epochs": 3, "fails": 1}


def test_a_record_that_was_cut_off_is_nobodys_work_and_its_retry_goes_on_with_it(
    tmp_path: Path, mirror_to: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = mirror_to("pod-1")
    # As the kernel ends a step whose pod is told to go: nothing is written any more.
    monkeypatch.setattr(Sometimes, "failure", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path, fails=True)
    (cut,) = open_shared_store(store).get_executions()
    assert cut.last_known_state == mlmd.Execution.RUNNING
    result = CliRunner().invoke(app, ["lineage", SHA256, "--store", store, "--json"])
    assert isinstance(result.exception, ConfigError)  # a reader takes no notice of it

    mirror_to("pod-2")
    assert attempt(tmp_path, fails=False) == 0
    (done,) = open_shared_store(store).get_executions()
    assert (done.id, done.last_known_state) == (cut.id, mlmd.Execution.COMPLETE)
    assert done.custom_properties["__attempts__"].int_value == 2


def open_shared_store_of(path: str) -> Callable[[], MetadataStore]:
    return lambda: open_shared_store(path)


def test_lineage_of_a_file_is_read_from_the_mirror(tmp_path: Path, mirror_to: Callable[..., str]) -> None:
    store = mirror_to()
    assert attempt(tmp_path, fails=False) == 0
    result = CliRunner().invoke(app, ["lineage", SHA256, "--store", store, "--json"], catch_exceptions=False)
    model = json.loads(result.stdout)["model"]
    assert (model["uri"], model["made_by"]["step"]) == (f"s3://b/{RUN}/model", "Quantize.small")
    (examples,) = model["made_by"]["inputs"]
    assert (examples["key"], examples["properties"], examples["made_by"]) == ("examples", {"num_train": 12}, None)


def test_a_store_that_is_away_stops_a_step_only_where_it_is_required(
    tmp_path: Path, mirror_to: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    away = str(tmp_path / "nowhere" / "mirror.sqlite")
    mirror_to(store=away, timeout_seconds=1, required=False)
    assert attempt(tmp_path, fails=False) == 0
    assert capsys.readouterr().err.count("step: lineage of Quantize.small is not recorded: ") == 2
    (tmp_path / "out.json").unlink()

    mirror_to(store=away, timeout_seconds=1)
    assert attempt(tmp_path, fails=False) == 2
    errors = capsys.readouterr().err
    assert f"step: error: kubernetes.metadata: {away} can't be opened" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out.json").exists()


def test_lineage_is_recorded_at_the_end_where_the_store_was_away_at_the_start(
    tmp_path: Path, mirror_to: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "late"
    store = mirror_to(store=str(folder / "mirror.sqlite"), timeout_seconds=1, required=False)
    monkeypatch.setattr(Sometimes, "__init__", lambda *_: folder.mkdir())
    assert attempt(tmp_path, fails=False) == 0
    assert counts(open_shared_store(store)) == (1, 2, 2, 3)
