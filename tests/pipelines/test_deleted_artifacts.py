"""What is gone is noticed, and nobody's store but the run's own is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.store_address import StoreAddress, StoreKind
from pipelines.deleted_artifacts import record_deleted_artifacts
from pipelines.metadata_store import live_artifacts, open_store
from pipelines.run_root import RunRoot
from pipelines.store_connection import open_address


@pytest.fixture
def root(tmp_path: Path) -> RunRoot:
    """A root with a version in a folder, one in a store that doesn't exist, and one artifact that is gone."""
    root = RunRoot(tmp_path)
    store = open_address(StoreAddress(StoreKind.SQLITE, path=str(root.metadata)), create=True)
    kind = mlmd.ArtifactType(name="L2CPushedVersion", properties={"destination": mlmd.STRING})
    kind_id = store.put_artifact_type(kind)
    version = tmp_path / "pushed" / "versions" / "1"
    version.mkdir(parents=True)
    (version / "SHA256SUMS").touch()
    for uri, destination in (
        (tmp_path, str(version)),
        (tmp_path, "nosuchstore://models/versions/1"),
        (tmp_path / "gone", ""),
    ):
        artifact = mlmd.Artifact(type_id=kind_id, uri=str(uri), state=mlmd.Artifact.LIVE)
        artifact.properties["destination"].string_value = destination
        store.put_artifacts([artifact])
    return root


def test_only_what_is_gone_is_marked(root: RunRoot) -> None:
    assert record_deleted_artifacts(root, str(root.folder / "pushed")) == [str(root.folder / "gone")]
    assert len(live_artifacts(open_store(root))) == 2
    assert record_deleted_artifacts(root, str(root.folder / "pushed")) == []


def test_a_version_without_its_sums_is_gone(root: RunRoot) -> None:
    version = root.folder / "pushed" / "versions" / "1"
    (version / "SHA256SUMS").unlink()
    assert str(version) in record_deleted_artifacts(root, str(root.folder / "pushed"))


def test_nothing_to_notice_without_metadata(tmp_path: Path) -> None:
    assert record_deleted_artifacts(RunRoot(tmp_path), "pushed") == []


def test_an_empty_file_has_nothing_to_notice(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    root.metadata.touch()
    assert record_deleted_artifacts(root, str(tmp_path / "pushed")) == []
    assert root.metadata.read_bytes() == b""
