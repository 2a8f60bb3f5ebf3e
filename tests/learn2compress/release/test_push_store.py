"""A push to a store that cannot rename: claimed, uploaded, committed by its sums."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import fsspec
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push import push_version, read_pushed_file

FILES = {"small/small.tflite": b"model", "report.html": b"<p>", "labels.txt": b"a\nb\n"}


def test_a_store_without_rename(tmp_path: Path) -> None:
    destination = f"memory://{uuid.uuid4().hex}/models"
    location = push_version(FILES, destination, idempotency_key="a")
    assert location.version == 1
    assert location.uri == f"{destination.replace('memory://', 'memory:///')}/versions/1"
    filesystem, path = fsspec.core.url_to_fs(location.uri)
    filesystem.get(f"{path}/", str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "small" / "small.tflite").read_bytes() == b"model"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "copy", check=True)


def test_an_object_store_holds_versions_but_no_bucket_is_made_of_a_mistyped_name(
    bucket: fsspec.AbstractFileSystem,
) -> None:
    location = push_version({"a/b.txt": b"one"}, "s3://states/models", idempotency_key="one")
    assert bucket.cat_file(f"{location.uri}/a/b.txt") == b"one"
    with pytest.raises(ConfigError, match="s3://sattes/models"):
        push_version({"a/b.txt": b"one"}, "s3://sattes/models", idempotency_key="one")
    assert not bucket.exists("sattes")


def test_a_store_skips_numbers_claimed_by_others_and_completes_its_own() -> None:
    destination = f"memory://{uuid.uuid4().hex}"

    def fail(number: int) -> dict[str, bytes]:
        assert number == 1
        raise RuntimeError("killed after the claim")

    with pytest.raises(RuntimeError, match="killed after the claim"):
        push_version(fail, destination, idempotency_key="killed")
    other = push_version(FILES, destination, idempotency_key="other")
    completed = push_version(FILES, destination, idempotency_key="killed")
    assert (other.version, completed.version) == (2, 1)
    assert read_pushed_file(completed, "labels.txt") == b"a\nb\n"


def test_an_upload_that_fails_leaves_no_version() -> None:
    destination = f"memory://{uuid.uuid4().hex}"
    with pytest.raises(ConfigError, match="No such file or directory"):
        push_version({"a": b"x", "b": Path("/nowhere/b")}, destination, idempotency_key="a")
    filesystem, path = fsspec.core.url_to_fs(destination)
    assert filesystem.find(path) == []
