"""One file is written the same way into folders and into stores that have none."""

from __future__ import annotations

from pathlib import Path

import botocore.exceptions
import fsspec
import pytest

from learn2compress.store_files import existing_folder, put_file, why_not_readable, why_not_writable


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    put_file(fsspec.filesystem("file"), str(tmp_path / "a" / "b" / "c.txt"), b"content")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"content"
    put_file(fsspec.filesystem("file"), str(tmp_path / "a" / "b" / "c.txt"), b"other")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"other"


def test_an_object_is_one_object(bucket: fsspec.AbstractFileSystem) -> None:
    put_file(bucket, "states/a/b/c.txt", b"content")
    assert bucket.find("states") == ["states/a/b/c.txt"]
    assert bucket.cat_file("states/a/b/c.txt") == b"content"


def test_options_reach_the_store(bucket: fsspec.AbstractFileSystem) -> None:
    put_file(bucket, "states/page.html", b"<p>", ContentType="text/html")
    assert bucket.info("states/page.html")["ContentType"] == "text/html"


def test_a_bucket_is_not_made_of_a_typing_mistake(bucket: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(FileNotFoundError):
        put_file(bucket, "sttaes/a.txt", b"content")
    assert not bucket.exists("sttaes")


def test_missing_credentials_are_told_with_what_to_do() -> None:
    assert "AWS_ACCESS_KEY_ID" in why_not_readable(botocore.exceptions.NoCredentialsError())


def test_why_a_place_cannot_be_read_is_one_line() -> None:
    assert why_not_readable(OSError(2, "No such file")) == "No such file"
    assert why_not_readable(RuntimeError("one\ntwo")) == "one"
    assert why_not_readable(KeyError()) == "KeyError"


def test_a_folder_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    assert why_not_writable(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []
    assert existing_folder(tmp_path / "a" / "b") == tmp_path


def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert why_not_writable(tmp_path / "file" / "folder") == f"{tmp_path / 'file'} is a file"
    assert why_not_writable(Path("/proc/nowhere/deeper")) is not None
