"""`l2c compare` reads what two runs of a folder reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from learn2compress.results.latency import Latency
from learn2compress.results.reports import FAMILY_FILE, Accuracy, FamilyReport, ModelReport, Verdict, write_json
from pipelines.compare_command import compare
from pipelines.store_connection import open_address


def put_run(store: MetadataStore, name: str, folder: Path, top_1: float, epochs: int) -> None:
    """Records a run that came to its Pusher, with its report."""
    accuracy = Accuracy(1000, top_1, top_1, top_1, 3, None, (), ())
    latency = Latency(0.5, 0.6, 0.4, 1.0, 0.9, 1.1, 1, "a processor")
    digest = f"{epochs:064x}"
    model = ModelReport("small", digest, 900, 900, 400, 200, 5000, {}, "uint8", "uint8", accuracy, latency, 0)
    teacher = ModelReport("teacher", "0" * 64, 9000, 900, 400, 200, 5000, {}, "", "", accuracy, latency, 0)
    config = {"training": {"epochs": epochs}}
    verdicts = (Verdict("small", True, True),)
    report = FamilyReport("digits", 1, "", ("a", "b"), config, teacher, (model,), {}, verdicts, (), (), {})
    folder.mkdir()
    write_json(folder / FAMILY_FILE, report)
    pushed = mlmd.Artifact(type_id=store.put_artifact_type(mlmd.ArtifactType(name="L2CPushedVersion")), uri=str(folder))
    path = mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key="pushed")])
    contexts = []
    for kind, context_name in (("pipeline", "digits"), ("node", "digits.Pusher"), ("pipeline_run", name)):
        context = mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name=kind)), name=context_name)
        contexts.append(store.get_context_by_type_and_name(kind, context_name) or context)
    type_id = store.put_execution_type(mlmd.ExecutionType(name="Pusher"))
    execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
    store.put_execution(execution, [(pushed, mlmd.Event(type=mlmd.Event.OUTPUT, path=path))], contexts)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store = open_address(StoreAddress.parse(str(tmp_path / "metadata.sqlite")), create=True)
    put_run(store, "one", tmp_path / "one", 0.9, 30)
    put_run(store, "two", tmp_path / "two", 0.85, 5)
    return tmp_path


def test_two_runs_are_compared(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(1, 2, root)
    shown = capsys.readouterr().out
    assert "90.00%" in shown
    assert "training.epochs: 30 -> 5" in shown
    compare(2, 1, root, as_json=True)
    assert json.loads(capsys.readouterr().out)["settings"] == {"training.epochs": [5, 30]}


def test_the_last_two_runs_are_compared_where_none_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(root=root, as_json=True)
    assert json.loads(capsys.readouterr().out)["settings"] == {"training.epochs": [30, 5]}
    with pytest.raises(ConfigError, match="OTHER_RUN_ID: found none beside 1"):
        compare(1, root=root)


def test_one_run_is_too_few(tmp_path: Path) -> None:
    store = open_address(StoreAddress.parse(str(tmp_path / "metadata.sqlite")), create=True)
    put_run(store, "one", tmp_path / "one", 0.9, 30)
    with pytest.raises(ConfigError, match="found 1 finished, accepted are two runs or more"):
        compare(root=tmp_path)


def test_a_run_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="RUN_ID: found 3, accepted are 1, 2"):
        compare(1, 3, root)
