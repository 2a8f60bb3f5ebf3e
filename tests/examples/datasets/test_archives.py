"""Archives are used as they lie there, fetched where they are not, and only with the content that was published."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError

CONTENT = b"an archive"


@pytest.fixture
def archives(example: Callable[[str], ModuleType]) -> Any:
    return example("datasets.archives")


@pytest.fixture
def published(archives: Any, tmp_path: Path) -> Any:
    path = tmp_path / "published" / "set.tar.gz"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return archives.Archive(path.as_uri(), "set.tar.gz", hashlib.sha256(CONTENT).hexdigest())


def test_an_archive_is_downloaded_once(archives: Any, published: Any, tmp_path: Path) -> None:
    said: list[str] = []
    path = archives.fetch(published, tmp_path / "downloads", said.append)
    assert path.read_bytes() == CONTENT
    assert said[0] == f"downloading {published.url}"
    said.clear()
    assert archives.fetch(published, tmp_path / "downloads", said.append) == path
    assert said == []


def test_an_archive_that_lies_there_needs_no_network(archives: Any, published: Any, tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(CONTENT)
    elsewhere = archives.Archive("file:///nowhere/set.tar.gz", "set.tar.gz", published.sha256)
    assert archives.fetch(elsewhere, tmp_path).read_bytes() == CONTENT


def test_other_content_is_refused_and_not_kept(archives: Any, published: Any, tmp_path: Path) -> None:
    other = archives.Archive(published.url, "set.tar.gz", "0" * 64)
    with pytest.raises(ConfigError, match=r"found SHA-256 .*, accepted is 000"):
        archives.fetch(other, tmp_path / "downloads", lambda _: None)
    assert list((tmp_path / "downloads").iterdir()) == []
    (tmp_path / "set.tar.gz").write_bytes(b"something else")
    with pytest.raises(ConfigError, match="found SHA-256"):
        archives.fetch(published, tmp_path, lambda _: None)


def test_what_cant_be_downloaded_says_what_to_do(archives: Any, tmp_path: Path) -> None:
    missing = archives.Archive((tmp_path / "nothing").as_uri(), "set.tar.gz")
    with pytest.raises(ConfigError, match=r"can't be downloaded: .*download it elsewhere and put it beside"):
        archives.fetch(missing, tmp_path / "downloads", lambda _: None)
    assert list((tmp_path / "downloads").iterdir()) == []


def write_halfway(archives: Any, path: Path) -> None:
    with archives.whole_or_nothing(path) as part:
        part.mkdir()
        (part / "first").write_text("1")
        raise ValueError("halfway")


def test_a_folder_appears_as_a_whole_or_not_at_all(archives: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="halfway"):
        write_halfway(archives, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    with archives.whole_or_nothing(tmp_path / "set") as part:
        part.mkdir()
        assert not (tmp_path / "set").exists()
    assert (tmp_path / "set").is_dir()


def read_all(archives: Any, path: Path) -> None:
    published = archives.Archive("https://host/a.tar.gz", "a.tar.gz")
    with archives.opened_tar(path, published) as opened:
        for member in opened.getmembers():
            archives.member_bytes(opened, member)


def refused(archives: Any, path: Path, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        read_all(archives, path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("content", [b"", b"no tar" * 1000, b"\x1f\x8bno gzip"])
def test_what_is_no_archive_is_refused(archives: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    refused(archives, tmp_path / "a.tar.gz", "found no whole tar archive")


def test_half_an_archive_is_refused(archives: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("text")
        info.size = 5000
        archive.addfile(info, io.BytesIO(random.Random(0).randbytes(5000)))
    path.write_bytes(path.read_bytes()[:3000])
    refused(archives, path, "found no whole tar archive")


def test_an_archive_that_unpacks_to_more_than_any_is_not_unpacked(
    archives: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_LARGEST_ARCHIVE_BYTES", 100_000)
    monkeypatch.setattr(archives, "_CHUNK_BYTES", 1000)
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("text")
        info.size = 1_000_000
        archive.addfile(info, io.BytesIO(bytes(1_000_000)))
    refused(archives, path, "found more than 100,000 bytes in it")


def test_a_file_that_is_larger_than_any_is_not_read(
    archives: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_LARGEST_FILE_BYTES", 1000)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("text")
        info.size = 1001
        archive.addfile(info, io.BytesIO(bytes(1001)))
    refused(archives, tmp_path / "a.tar", "found text of 1,001 bytes, accepted are 1,000 at most")
