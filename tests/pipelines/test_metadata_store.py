"""ML Metadata is read as TFX writes it, wherever it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from pipelines.metadata_store import (
    consumers_of,
    inputs_of,
    live_artifacts,
    mark_deleted,
    open_shared_store,
    open_store,
    open_stores,
    outputs_of,
    producer_of,
    properties_of,
    state_of,
)
from pipelines.run_root import RunRoot
from pipelines.store_connection import open_address


@pytest.fixture
def store(tmp_path: Path) -> MetadataStore:
    return open_address(StoreAddress.parse(str(tmp_path / "metadata.sqlite")), create=True)


def put_artifact(store: MetadataStore) -> int:
    kind = store.put_artifact_type(mlmd.ArtifactType(name="Model", properties={"model_bytes": mlmd.INT}))
    artifact = mlmd.Artifact(type_id=kind, uri="/model", state=mlmd.Artifact.LIVE)
    artifact.properties["model_bytes"].int_value = 12
    artifact.custom_properties["note"].string_value = "kept"
    artifact.custom_properties["tfx_version"].string_value = "bookkeeping"
    (number,) = store.put_artifacts([artifact])
    return int(number)


def put_execution(store: MetadataStore, state: int, artifact: int, event: int) -> int:
    kind = store.put_execution_type(mlmd.ExecutionType(name="Step"))
    (number,) = store.put_executions([mlmd.Execution(type_id=kind, last_known_state=state)])
    path = mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key="model")])
    store.put_events([mlmd.Event(artifact_id=artifact, execution_id=number, type=event, path=path)])
    return int(number)


def test_what_made_an_artifact_is_what_ran_and_no_cached_step(store: MetadataStore) -> None:
    artifact = put_artifact(store)
    put_execution(store, mlmd.Execution.FAILED, artifact, mlmd.Event.OUTPUT)
    made = put_execution(store, mlmd.Execution.COMPLETE, artifact, mlmd.Event.OUTPUT)
    put_execution(store, mlmd.Execution.CACHED, artifact, mlmd.Event.OUTPUT)
    producer = producer_of(store, artifact)
    assert producer is not None
    assert (producer.id, state_of(producer)) == (made, "complete")
    assert [(key, found.id) for key, found in outputs_of(store, made)] == [("model", artifact)]
    assert inputs_of(store, made) == []


def test_what_read_an_artifact_is_what_ran_to_its_end(store: MetadataStore) -> None:
    artifact = put_artifact(store)
    put_execution(store, mlmd.Execution.RUNNING, artifact, mlmd.Event.INPUT)
    read = put_execution(store, mlmd.Execution.COMPLETE, artifact, mlmd.Event.INPUT)
    assert [execution.id for execution in consumers_of(store, artifact)] == [read]
    assert producer_of(store, artifact) is None


def test_properties_are_without_tfxs_bookkeeping(store: MetadataStore) -> None:
    put_artifact(store)
    (artifact,) = store.get_artifacts()
    assert properties_of(artifact) == {"model_bytes": 12, "note": "kept"}


def test_a_deleted_artifact_lives_no_more(store: MetadataStore) -> None:
    put_artifact(store)
    mark_deleted(store, live_artifacts(store))
    assert live_artifacts(store) == []
    assert len(store.get_artifacts()) == 1  # its lineage stays


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--root .*: found no runs there"):
        open_store(RunRoot(tmp_path / "none"))


def test_an_empty_file_never_becomes_a_store(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    root.metadata.touch()
    with pytest.raises(ConfigError, match=r"^--root .*: found metadata.sqlite, but it is empty"):
        open_store(root)
    with pytest.raises(ConfigError, match=r"^--store: .* can't be opened as a store of ML Metadata: it is empty"):
        open_shared_store(str(root.metadata))
    assert root.metadata.read_bytes() == b""


def test_a_store_that_cant_be_opened_is_passed_over(store: MetadataStore, tmp_path: Path) -> None:
    said: list[str] = []
    put_artifact(store)
    bad = RunRoot(tmp_path / "none")
    (opened,) = open_stores([bad, RunRoot(tmp_path)], said.append)
    assert len(opened.get_artifacts()) == 1
    assert len(said) == 1
    with pytest.raises(ConfigError, match="found no runs there"):
        list(open_stores([bad], said.append))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://team:hunter2@db/lineage", "found a password in it"),
        ("postgres://db/lineage", "found 'postgres://db/lineage', accepted are mysql://USER@HOST"),
        ("", "found ''"),
        ("nowhere.sqlite", "can't be opened as a store of ML Metadata"),
        ("grpc://127.0.0.1:1", "see that a server of ML Metadata runs there"),
    ],
)
def test_an_address_without_a_store_is_told_in_one_line(address: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^--store: ") as caught:
        open_shared_store(address)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
