"""The mirror on servers: MariaDB with steps that write at the same time, and a gRPC server of ML Metadata."""

from __future__ import annotations

import logging
import multiprocessing
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import absl.logging
import grpc
import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from ml_metadata.proto import metadata_store_service_pb2, metadata_store_service_pb2_grpc

from components.artifacts import Examples, LiteRtModel
from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from pipelines.kubeflow.container.executor_input import ExecutorInput, RuntimeArtifact
from pipelines.kubeflow.container.metadata_mirror import record_execution
from pipelines.kubeflow.contract.artifact_types import class_path, restore_artifact
from pipelines.kubeflow.contract.mirror_settings import MirrorSettings
from pipelines.kubeflow.contract.step_contract import StepContract
from pipelines.lineage.reading import lineage_of
from pipelines.metadata_store import open_shared_store
from pipelines.store_connection import PASSWORD_VARIABLE

PASSWORD = "hunter2-and-more"
VARIANTS = ("large", "medium", "small", "tiny")
RUN = "9cf3e0f6-3d92-45b4-b0f6-0f3ed4a0a6f2"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    missing = [name for name in ("mariadbd", "mariadb-install-db", "mariadb") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"found no {', '.join(missing)}: apt-get install mariadb-server")
    data, socket_file, port = tmp_path / "data", tmp_path / "socket", free_port()
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    options = [f"--datadir={data}", f"--socket={socket_file}", f"--port={port}", "--bind-address=127.0.0.1"]
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", "--user=root", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    setup = (
        f"create database lineage; create user team@'%' identified by '{PASSWORD}'; grant all on lineage.* to team@'%'"
    )
    client = ["mariadb", "--no-defaults", f"--socket={socket_file}", "--user=root", "--execute", setup]
    try:
        while subprocess.run(client, capture_output=True, check=False).returncode:
            assert server.poll() is None
            time.sleep(0.2)
        yield f"mysql://team@127.0.0.1:{port}/lineage"
    finally:
        server.terminate()
        server.wait()


class Engine(metadata_store_service_pb2_grpc.MetadataStoreServiceServicer):
    """Answers as ML Metadata's server does, which its wheel leaves out, with the engine that is in the wheel."""

    def __init__(self, store: MetadataStore):
        for method in metadata_store_service_pb2.DESCRIPTOR.services_by_name["MetadataStoreService"].methods:
            setattr(self, method.name, self._answering(store, method.name, method.output_type.name))

    def _answering(self, store: MetadataStore, method: str, response: str) -> Callable[[Any, Any], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            found = getattr(metadata_store_service_pb2, response)()
            try:
                store._call_method(method, request, found)
            except Exception as error:  # whatever it is, the client is told
                code = getattr(error, "error_code", grpc.StatusCode.INTERNAL.value[0])
                context.abort(next(c for c in grpc.StatusCode if c.value[0] == code), str(error))
            return found

        return answer


@pytest.fixture
def grpc_server(tmp_path: Path) -> Iterator[str]:
    """The address of a server of ML Metadata."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "behind.sqlite")
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))  # one connection to one file
    metadata_store_service_pb2_grpc.add_MetadataStoreServiceServicer_to_server(Engine(MetadataStore(config)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}"
    server.stop(None)


def quantize(address: str, variant: str, pod: str) -> None:
    """What is recorded of a step that reads the examples and makes the model of a variant."""
    contract = StepContract(
        pipeline="flowers",
        component=f"Quantize.{variant}",
        component_type="components.quantize.component.Quantize",
        executor="unused.Executor",
        inputs={"examples": class_path(Examples)},
        outputs={"model": class_path(LiteRtModel)},
        parameters={},
        overrides={},
        views={},
    )
    examples = RuntimeArtifact("3", "minio://bucket/examples", Path("/unused"), {"num_train": 12.0})
    model = RuntimeArtifact("", f"minio://bucket/{variant}", Path("/unused"), {})
    executor_input = ExecutorInput({}, {"examples": examples}, {"model": model}, Path("/unused"))
    settings = MirrorSettings(StoreAddress.parse(address), PASSWORD, True, 300.0, RUN, pod)
    with record_execution(settings, contract, executor_input, {"epochs": 3}) as publish:
        publish(
            {"model": restore_artifact(LiteRtModel, "/there", {"student": variant, "model_sha256": sha256(variant)})}
        )


def sha256(variant: str) -> str:
    return f"{VARIANTS.index(variant):064x}"


def quantize_together(address: str, variant: str, pod: str, start: Barrier) -> None:
    start.wait(timeout=60)
    quantize(address, variant, pod)


def check_records(store: MetadataStore) -> None:
    """Every variant's step once, with one record of the examples that they all read."""
    types = [t.name for t in [*store.get_artifact_types(), *store.get_execution_types(), *store.get_context_types()]]
    assert len(set(types)) == len(types)
    executions = store.get_executions()
    assert sorted(e.name for e in executions) == [f"{RUN}/Quantize.{variant}" for variant in VARIANTS]
    assert {e.last_known_state for e in executions} == {mlmd.Execution.COMPLETE}
    assert len(store.get_artifacts_by_type("L2CExamples")) == 1
    assert len(store.get_artifacts_by_type("L2CLiteRtModel")) == len(VARIANTS)
    assert sorted(c.type for c in store.get_contexts()) == ["node"] * len(VARIANTS) + ["pipeline", "pipeline_run"]
    assert len(store.get_events_by_execution_ids([e.id for e in executions])) == 2 * len(VARIANTS)
    for variant in VARIANTS:
        found = lineage_of(store, sha256(variant))
        assert found.model.made_by is not None
        assert found.model.made_by.step == f"Quantize.{variant}"
        assert found.model.made_by.inputs[0].uri == "minio://bucket/examples"


def test_steps_that_start_together_on_an_empty_database_write_one_lineage(
    mariadb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each variant by two pods at a time, as when a lost one turns out to live.
    pods = [(variant, pod) for variant in VARIANTS for pod in ("one", "two")]
    processes = multiprocessing.get_context("fork")
    start = processes.Barrier(len(pods))
    steps = [processes.Process(target=quantize_together, args=(mariadb, *pod, start)) for pod in pods]
    for step in steps:
        step.start()
    for step in steps:
        step.join()
    assert [step.exitcode for step in steps] == [0] * len(steps)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    store = open_shared_store(mariadb)
    check_records(store)
    assert {e.custom_properties["__attempts__"].int_value for e in store.get_executions()} <= {1, 2}


def test_the_password_is_shown_nowhere(
    mariadb: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    verbosity = absl.logging.get_verbosity()
    with caplog.at_level(logging.DEBUG, logger="absl"):
        absl.logging.set_verbosity(absl.logging.DEBUG)
        try:
            open_shared_store(mariadb).get_executions()
            monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD + "-wrong")
            with pytest.raises(ConfigError, match=r"^--store: mysql://127.0.0.1:\d+/lineage: ") as caught:
                open_shared_store(mariadb)
            assert absl.logging.get_verbosity() == absl.logging.DEBUG
        finally:
            absl.logging.set_verbosity(verbosity)
    captured = capfd.readouterr()
    for text in (caplog.text, captured.out, captured.err, str(caught.value)):
        assert PASSWORD not in text


def test_steps_write_through_a_server_of_ml_metadata(grpc_server: str) -> None:
    with futures.ThreadPoolExecutor(len(VARIANTS)) as pool:
        list(pool.map(lambda variant: quantize(grpc_server, variant, "one"), VARIANTS))
    check_records(open_shared_store(grpc_server))
