"""A step is recorded once, however often its records are written."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.artifacts import Examples, LiteRtModel
from learn2compress.config.store_address import StoreAddress
from pipelines.kubeflow.container.execution_records import StepRecord, write_end, write_start, write_stop
from pipelines.kubeflow.contract.artifact_types import restore_artifact
from pipelines.metadata_store import inputs_of, outputs_of, properties_of, step_of
from pipelines.store_connection import open_address


@pytest.fixture
def store(tmp_path: Path) -> MetadataStore:
    return open_address(StoreAddress.parse(str(tmp_path / "lineage.sqlite")), create=True)


def record(pod: str = "pod-1") -> StepRecord:
    examples = restore_artifact(Examples, "s3://b/examples", {"num_train": 12.0})
    return StepRecord("flowers", "run-1", "Quantize.small", "a.Quantize", {"epochs": 3}, pod, {"examples": examples})


def model() -> LiteRtModel:
    return restore_artifact(LiteRtModel, "s3://b/model", {"student": "small"})


def test_a_step_has_its_inputs_outputs_and_parameters(store: MetadataStore) -> None:
    write_start(store, record())
    write_end(store, record(), {"model": model()})
    (execution,) = store.get_executions()
    assert (execution.name, execution.last_known_state) == ("run-1/Quantize.small", mlmd.Execution.COMPLETE)
    assert step_of(store, execution) == "Quantize.small"
    assert properties_of(execution) == {"epochs": 3}
    ((key, examples),) = inputs_of(store, execution.id)
    assert (key, examples.uri, properties_of(examples)) == ("examples", "s3://b/examples", {"num_train": 12})
    assert [(key, found.uri) for key, found in outputs_of(store, execution.id)] == [("model", "s3://b/model")]


def test_written_again_it_is_the_same_record(store: MetadataStore) -> None:
    for _ in range(3):
        write_start(store, record())
        write_end(store, record(), {"model": model()})
    (execution,) = store.get_executions()
    assert execution.custom_properties["__attempts__"].int_value == 1
    assert len(store.get_artifacts()) == len(store.get_events_by_execution_ids([execution.id])) == 2


def test_another_pod_is_another_attempt(store: MetadataStore) -> None:
    write_start(store, record())
    write_stop(store, record(), failed=True, reason="out of luck")
    write_start(store, record("pod-2"))
    write_stop(store, record("pod-2"), failed=False, reason="told to stop")
    (execution,) = store.get_executions()
    assert execution.custom_properties["__attempts__"].int_value == 2
    assert execution.last_known_state == mlmd.Execution.CANCELED


def test_an_end_without_a_start_is_a_whole_record(store: MetadataStore) -> None:
    write_end(store, record(), {"model": model()})
    (execution,) = store.get_executions()
    assert execution.last_known_state == mlmd.Execution.COMPLETE
    assert len(store.get_artifacts()) == 2


def test_two_steps_that_read_the_same_share_its_record(store: MetadataStore) -> None:
    write_start(store, record())
    write_start(store, dataclasses.replace(record(), component="Quantize.large"))
    assert len(store.get_executions()) == 2
    assert len(store.get_artifacts()) == 1
