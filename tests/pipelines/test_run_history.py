"""Runs are numbered as they came; one whose process is gone was interrupted, one that pushed nothing has no outcome."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from pipelines.run_history import list_runs, outcome_of, show_run
from pipelines.run_root import RunRoot
from pipelines.store_connection import open_address


def put_step(
    store: MetadataStore,
    run: str,
    step: str,
    state: int,
    kind: str = "",
    student: str = "",
    accuracy: float = 0.0,
    version: int = 0,
) -> None:
    """Records a step of a run, with the evaluation or the version that it made."""
    type_id = store.put_execution_type(mlmd.ExecutionType(name=step))
    execution = mlmd.Execution(type_id=type_id, last_known_state=state)
    contexts = []
    for name, context_kind in (("flowers", "pipeline"), (f"flowers.{step}", "node"), (run, "pipeline_run")):
        context = mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name=context_kind)), name=name)
        contexts.append(store.get_context_by_type_and_name(context_kind, name) or context)
    made = []
    if kind:
        types = {"student": mlmd.STRING, "accuracy": mlmd.DOUBLE, "version": mlmd.INT}
        artifact = mlmd.Artifact(
            type_id=store.put_artifact_type(mlmd.ArtifactType(name=kind, properties=types)), uri="/artifact"
        )
        artifact.properties["student"].string_value = student
        artifact.properties["accuracy"].double_value = accuracy
        artifact.properties["version"].int_value = version
        path = mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key="key")])
        made.append((artifact, mlmd.Event(type=mlmd.Event.OUTPUT, path=path)))
    store.put_execution(execution, made, contexts)


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    store = open_address(StoreAddress.parse(str(root.metadata)), create=True)
    put_step(store, "before", "Ingest", mlmd.Execution.RUNNING)
    with root.locked():
        put_step(store, "now", "Ingest", mlmd.Execution.COMPLETE)
        put_step(store, "now", "TeacherLoad", mlmd.Execution.RUNNING)
        with pytest.raises(ConfigError, match="another run is using it"), root.locked():
            pass  # nor does whoever is kept out change it
        assert [run.state for run in list_runs(root)] == ["interrupted", "running"]
        assert [step.state for step in show_run(root, 2).steps] == ["complete", "running"]
        assert [step.state for step in show_run(root, 1).steps] == ["interrupted"]
    assert [run.state for run in list_runs(root)] == ["interrupted", "interrupted"]
    assert [step.state for step in show_run(root, 2).steps] == ["complete", "interrupted"]
    put_step(store, "before", "Pusher", mlmd.Execution.FAILED)
    assert list_runs(root)[0].state == "failed"


def test_a_run_has_the_accuracies_of_its_students_and_its_version(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    store = open_address(StoreAddress.parse(str(root.metadata)), create=True)
    put_step(store, "one", "Evaluate.teacher", mlmd.Execution.COMPLETE, "L2CEvaluation", "teacher", 0.99)
    put_step(store, "one", "Evaluate.small", mlmd.Execution.CACHED, "L2CEvaluation", "small", 0.9)
    put_step(store, "one", "Pusher", mlmd.Execution.COMPLETE, "L2CPushedVersion", version=4)
    put_step(store, "two", "Evaluate.small", mlmd.Execution.COMPLETE, "L2CEvaluation", "small", 0.8)
    one, two = list_runs(root)
    assert (one.accuracies, one.version, one.state) == ({"small": 0.9}, 4, "complete")
    assert (two.accuracies, two.version) == ({"small": 0.8}, None)
    assert two.as_dict()["accuracies"] == {"small": 0.8}


def test_a_store_without_runs_has_none_to_show(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    open_address(StoreAddress.parse(str(root.metadata)), create=True)
    assert list_runs(root) == []
    with pytest.raises(ConfigError, match="RUN_ID: found 1, but there is no run yet"):
        show_run(root, 1)
    with pytest.raises(ConfigError, match="found no run that reached its Pusher"):
        outcome_of(root, None, None)
