"""A file is led back to the artifact that its push took, also where the same bytes were made twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from learn2compress.release.push_content import format_sums
from pipelines.lineage.picture import lineage_picture
from pipelines.lineage.reading import NotRecordedError, lineage_of
from pipelines.lineage.record import SameBytes
from pipelines.lineage.tree import lineage_tree
from pipelines.store_connection import open_address

CONTENT = b"the same bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OLD, NEW = "3.15.1", "99.0"


def put_artifact(
    store: MetadataStore, kind: str, properties: dict[str, str | int], custom: dict[str, str] | None = None
) -> int:
    types = {name: mlmd.INT if isinstance(value, int) else mlmd.STRING for name, value in properties.items()}
    type_id = store.put_artifact_type(mlmd.ArtifactType(name=kind, properties=types), can_add_fields=True)
    artifact = mlmd.Artifact(type_id=type_id, uri="/artifact")
    for name, value in properties.items():
        if isinstance(value, int):
            artifact.properties[name].int_value = value
        else:
            artifact.properties[name].string_value = value
    for name, text in (custom or {}).items():
        artifact.custom_properties[name].string_value = text
    return int(store.put_artifacts([artifact])[0])


def put_execution(
    store: MetadataStore, step: str, inputs: list[int], outputs: list[int], run: str = "run", **told: str
) -> int:
    type_id = store.put_execution_type(mlmd.ExecutionType(name=step))
    execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
    for name, value in told.items():
        execution.custom_properties[name].string_value = value
    contexts = []
    for kind, name in (("pipeline", "flowers"), ("node", f"flowers.{step}"), ("pipeline_run", run)):
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


def make(store: MetadataStore, keras: str) -> tuple[int, int]:
    """Records a model that was made with a version of Keras; returns it and the execution that made it."""
    made_with = json.dumps({"numpy": "2.1.0"} | ({"keras": keras} if keras else {}))
    model = put_artifact(store, "L2CLiteRtModel", {"model_sha256": SHA256, "student": "large", "made_with": made_with})
    return model, put_execution(store, "Quantize.large", [], [model])


def push(store: MetadataStore, model: int, version: Path, keras: str, name: str) -> None:
    """Records that a run pushed a model, with a configuration of this name, and writes the version."""
    provenance = {"config_sha256": name}
    pushed = put_artifact(
        store,
        "L2CPushedVersion",
        {"destination": str(version), "version": int(version.name)},
        {"sha256.large": SHA256},
    )
    config = json.dumps({"name": name})
    put_execution(store, "Pusher", [model], [pushed], run=name, config=config, provenance=json.dumps(provenance))
    family = {
        "version": int(version.name),
        "made_with": {"large": {"numpy": "2.1.0"} | ({"keras": keras} if keras else {})},
        "provenance": provenance | {"data_sha256": "da"},
    }
    files = {
        "family.json": json.dumps(family).encode(),
        "large/large.tflite": CONTENT,
        "large/labels.txt": b"a label of " + name.encode(),
    }
    (version / "large").mkdir(parents=True)
    for path, content in files.items():
        (version / path).write_bytes(content)
    (version / "SHA256SUMS").write_bytes(
        format_sums({path: hashlib.sha256(content).hexdigest() for path, content in files.items()})
    )


def refuse(store: MetadataStore, model: int, name: str, version: int = 0) -> None:
    """Records that a run decided on a model and did not push it; with a version, it pushed others."""
    destination = f"/elsewhere/versions/{version}" if version else ""
    pushed = put_artifact(
        store,
        "L2CPushedVersion",
        {"destination": destination, "version": version},
        {"sha256.small": "0" * 64} if version else None,
    )
    provenance = json.dumps({"config_sha256": name})
    config = json.dumps({"name": name})
    put_execution(store, "Pusher", [model], [pushed], run=name, config=config, provenance=provenance)


def made_and_pushed(store: MetadataStore, version: Path, keras: str) -> int:
    """Records a model that was made with a version of Keras and pushed there; returns the execution that made it."""
    model, made_by = make(store, keras)
    push(store, model, version, keras, f"pushed with {keras}")
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


@pytest.mark.parametrize("version", [0, 7], ids=["nothing was pushed", "others were pushed"])
@pytest.mark.parametrize("asked", ["file", "copy", "digest"])
def test_the_configuration_is_that_of_the_run_that_pushed_and_not_of_one_that_refused(
    store: MetadataStore, tmp_path: Path, version: int, asked: str
) -> None:
    model, _ = make(store, NEW)
    push(store, model, tmp_path / "1", NEW, "accepts")
    refuse(store, model, "refuses", version)
    (tmp_path / "copy.tflite").write_bytes(CONTENT)
    places = {"file": tmp_path / "1" / "large" / "large.tflite", "copy": tmp_path / "copy.tflite", "digest": SHA256}
    found = lineage_of(store, str(places[asked]))
    assert found.config == {"name": "accepts"}
    assert found.provenance == {"config_sha256": "accepts"}
    assert found.pushed_by is not None
    assert (found.pushed_by.version, found.pushed_by.destination) == (1, str(tmp_path / "1"))
    assert len(found.later) == 2
    picture = lineage_picture(found)
    assert ("version 7 without this file" if version else "pushed nothing") in picture
    assert "version 1" in picture


def test_of_two_pushes_of_one_file_each_version_names_its_own(store: MetadataStore, tmp_path: Path) -> None:
    model, _ = make(store, NEW)
    push(store, model, tmp_path / "1", NEW, "first")
    push(store, model, tmp_path / "2", NEW, "second")
    refuse(store, model, "third")
    for number, name in ((1, "first"), (2, "second")):
        found = lineage_of(store, str(tmp_path / str(number) / "large" / "large.tflite"))
        assert found.config == {"name": name}
        assert found.pushed_by is not None
        assert found.pushed_by.run == str(number + 1)  # the first run made it
    assert lineage_of(store, SHA256).config == {"name": "second"}
    copy = (tmp_path / "1").rename(tmp_path / "downloaded")
    assert lineage_of(store, str(copy / "large" / "large.tflite")).config == {"name": "first"}


def test_a_file_that_every_run_refused_has_no_configuration(store: MetadataStore) -> None:
    model, _ = make(store, NEW)
    refuse(store, model, "refuses")
    found = lineage_of(store, SHA256)
    assert (found.config, found.provenance, found.pushed_by, found.path) == ({}, {}, None, "")


@pytest.mark.parametrize(
    ("asked", "path", "kind"),
    [
        ("large/labels.txt", "large/labels.txt", "L2CLiteRtModel"),
        ("large", "large", "L2CLiteRtModel"),
        ("family.json", "family.json", "L2CPushedVersion"),
        ("SHA256SUMS", "", "L2CPushedVersion"),
        (".", "", "L2CPushedVersion"),
    ],
)
def test_any_file_of_a_version_leads_back(
    store: MetadataStore, tmp_path: Path, asked: str, path: str, kind: str
) -> None:
    for number in (1, 2):
        made_and_pushed(store, tmp_path / str(number), OLD if number == 1 else NEW)
    found = lineage_of(store, str(tmp_path / "1" / asked))
    assert (found.path, found.model.kind) == (path, kind)
    assert found.config == {"name": f"pushed with {OLD}"}
    steps = []
    waiting = [found.model]
    while waiting:
        made_by = waiting.pop().made_by
        if made_by is not None:
            steps.append(made_by.step)
            waiting += made_by.inputs
    assert steps == (["Quantize.large"] if kind == "L2CLiteRtModel" else ["Pusher", "Quantize.large"])
    assert lineage_picture(found).count("Quantize.large")


def test_a_copied_file_beside_a_model_is_found_by_its_digest(store: MetadataStore, tmp_path: Path) -> None:
    made_and_pushed(store, tmp_path / "1", OLD)
    copy = tmp_path / "labels.txt"
    copy.write_bytes((tmp_path / "1" / "large" / "labels.txt").read_bytes())
    found = lineage_of(store, str(copy))
    assert (found.path, found.config) == ("large/labels.txt", {"name": f"pushed with {OLD}"})
    assert found.sha256 == hashlib.sha256(copy.read_bytes()).hexdigest()


def test_what_was_changed_or_pushed_by_a_run_that_is_not_recorded_is_refused(
    store: MetadataStore, tmp_path: Path
) -> None:
    model, _ = make(store, NEW)
    push(store, model, tmp_path / "1", NEW, "ours")
    family = json.loads((tmp_path / "1" / "family.json").read_bytes())
    other = tmp_path / "other"
    (other / "large").mkdir(parents=True)
    # The same bytes, pushed by somebody else's run.
    content = json.dumps(family | {"provenance": {"config_sha256": "theirs"}}).encode()
    for path, data in (("family.json", content), ("large/large.tflite", CONTENT)):
        (other / path).write_bytes(data)
    sums = {"family.json": hashlib.sha256(content).hexdigest(), "large/large.tflite": SHA256}
    (other / "SHA256SUMS").write_bytes(format_sums(sums))
    for asked in (other, other / "large" / "large.tflite"):
        with pytest.raises(NotRecordedError, match="accepted is the metadata of the run that pushed it"):
            lineage_of(store, str(asked))
    (tmp_path / "1" / "large" / "labels.txt").write_text("another label")
    with pytest.raises(ConfigError, match="was changed after it was pushed"):
        lineage_of(store, str(tmp_path / "1" / "large" / "labels.txt"))
    with pytest.raises(ConfigError, match="found a folder that is no pushed version"):
        lineage_of(store, str(tmp_path))


def test_a_name_that_is_too_long_is_one_line(store: MetadataStore) -> None:
    with pytest.raises(ConfigError, match=r"^FILE_OR_SHA256: found 'aaa.*\.\.\.', accepted is a file"):
        lineage_of(store, "a" * 300)
