"""A file is led back to the artifact that its push took, also where the same bytes were made twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from learn2compress.config.store_address import StoreAddress
from pipelines.lineage import SameBytes, lineage_of, lineage_tree
from pipelines.lineage_picture import lineage_picture
from pipelines.store_connection import open_address

CONTENT = b"the same bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OLD, NEW = "3.15.1", "99.0"


def put_artifact(store: MetadataStore, kind: str, **properties: str) -> int:
    types = dict.fromkeys(properties, mlmd.STRING)
    type_id = store.put_artifact_type(mlmd.ArtifactType(name=kind, properties=types), can_add_fields=True)
    artifact = mlmd.Artifact(type_id=type_id, uri="/artifact")
    for name, value in properties.items():
        artifact.properties[name].string_value = value
    return int(store.put_artifacts([artifact])[0])


def put_execution(store: MetadataStore, step: str, inputs: list[int], outputs: list[int]) -> int:
    type_id = store.put_execution_type(mlmd.ExecutionType(name=step))
    execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
    contexts = []
    for kind, name in (("pipeline", "flowers"), ("node", f"flowers.{step}")):
        context = mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name=kind)), name=name)
        existing = store.get_context_by_type_and_name(kind, name)
        contexts.append(existing or context)
    number, _, _ = store.put_execution(execution, [], contexts)
    path = mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key="key")])
    store.put_events(
        [mlmd.Event(artifact_id=i, execution_id=number, type=mlmd.Event.INPUT, path=path) for i in inputs]
        + [mlmd.Event(artifact_id=i, execution_id=number, type=mlmd.Event.OUTPUT, path=path) for i in outputs]
    )
    return int(number)


def made_and_pushed(store: MetadataStore, version: Path, keras: str) -> int:
    """Records a model that was made with a version of Keras and pushed there; returns the execution that made it."""
    made_with = {"numpy": "2.1.0"} | ({"keras": keras} if keras else {})
    model = put_artifact(store, "L2CLiteRtModel", model_sha256=SHA256, student="large", made_with=json.dumps(made_with))
    made_by = put_execution(store, "Quantize.large", [], [model])
    pushed = put_artifact(store, "L2CPushedVersion", destination=str(version))
    put_execution(store, "Pusher", [model], [pushed])
    (version / "large").mkdir(parents=True)
    (version / "large" / "large.tflite").write_bytes(CONTENT)
    (version / "family.json").write_text(json.dumps({"made_with": {"large": made_with}}))
    return made_by


@pytest.fixture
def store(tmp_path: Path) -> MetadataStore:
    return open_address(StoreAddress.parse(str(tmp_path / "metadata.sqlite")), create=True)


@pytest.fixture
def executions(store: MetadataStore, tmp_path: Path) -> dict[str, int]:
    """Executions that made the same bytes, by version of Keras: of the version 1 and the version 2."""
    return {keras: made_and_pushed(store, tmp_path / str(n), keras) for n, keras in ((1, OLD), (2, NEW))}


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(("version", "keras", "other"), [(1, OLD, NEW), (2, NEW, OLD)])
def test_a_pushed_file_is_the_artifact_that_its_push_took(
    store: MetadataStore, executions: dict[str, int], tmp_path: Path, version: int, keras: str, other: str, moved: bool
) -> None:
    folder = tmp_path / str(version)
    if moved:
        folder = folder.rename(tmp_path / "downloaded")
    found = lineage_of(store, str(folder / "large" / "large.tflite"))
    assert found.model.made_with["keras"] == keras
    assert found.model.made_by is not None
    assert found.model.made_by.execution_id == executions[keras]
    assert [later.properties["destination"] for later in found.later] == [str(tmp_path / str(version))]
    assert [(same.execution_id, same.made_with) for same in found.also_made] == [(executions[other], {"keras": other})]


def test_a_digest_is_the_newest_artifact_and_the_others_are_named(
    store: MetadataStore, executions: dict[str, int], tmp_path: Path
) -> None:
    found = lineage_of(store, SHA256)
    assert found.model.made_with["keras"] == NEW
    line = f"the same bytes were also made by execution {executions[OLD]} (Quantize.large) with keras {OLD}"
    console = Console(width=200)
    with console.capture() as shown:
        console.print(lineage_tree(found))
    assert line in shown.get()
    assert line in lineage_picture(found)
    assert found.as_dict()["also_made"][0]["made_with"] == {"keras": OLD}
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(CONTENT)
    assert lineage_of(store, str(copy)) == found


def test_bytes_that_were_made_once_name_no_other(store: MetadataStore, tmp_path: Path) -> None:
    made_and_pushed(store, tmp_path / "1", OLD)
    found = lineage_of(store, SHA256)
    assert found.also_made == ()
    assert found.model.made_with["keras"] == OLD


def test_versions_that_were_not_recorded_are_not_called_the_same(store: MetadataStore, tmp_path: Path) -> None:
    made_and_pushed(store, tmp_path / "1", "")
    made_and_pushed(store, tmp_path / "2", NEW)
    (other,) = lineage_of(store, SHA256).also_made
    assert other.text.endswith("with keras not recorded")
    assert SameBytes(1, "Prune", 2, None).text.endswith("with versions that were not recorded")
    assert SameBytes(1, "Prune", 2, {}).text.endswith("with the same versions")
