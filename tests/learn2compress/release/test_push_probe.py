"""A push destination is probed before a run, and left as it was."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_probe import check_known, check_writable


def test_a_folder_is_left_as_it_is(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "pushed"))
    check_writable(f"file://{tmp_path}/pushed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["nosuch://bucket/path", "/proc/nowhere/deeper", "nosuch://"])
def test_what_cannot_be_written_is_told_in_one_line(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"^push\.uri: ") as caught:
        check_writable(uri)
    assert f"{uri} can't be written: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_destination(tmp_path: Path) -> None:
    (tmp_path / "pushed").touch()
    with pytest.raises(ConfigError, match="pushed is a file"):
        check_writable(str(tmp_path / "pushed"))


def test_a_bucket_is_left_as_it_is(bucket: fsspec.AbstractFileSystem) -> None:
    check_writable("s3://states/models/digits")
    bucket.invalidate_cache()
    assert bucket.find("states") == []


def test_a_bucket_that_is_not_there_is_refused_and_not_made(bucket: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(ConfigError, match=r"s3://sattes/models can't be written"):
        check_writable("s3://sattes/models")
    bucket.invalidate_cache()
    assert not bucket.exists("sattes")


def test_folders_of_a_store_that_has_some_are_removed_again() -> None:
    store = fsspec.filesystem("memory")
    check_writable("memory://models/digits")
    assert not store.exists("/models")


def test_a_protocol_is_known_without_contacting_anybody() -> None:
    check_known("s3://no-such-bucket-anywhere/models")
    check_known("pushed")
    with pytest.raises(ConfigError, match="nosuch://x can't be written: Protocol not known: nosuch"):
        check_known("nosuch://x")
