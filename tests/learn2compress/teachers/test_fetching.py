"""A remote teacher arrives whole, and inside the folder that it is fetched into."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.progress import Progress, listening
from learn2compress.teachers import fetching
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.formats import UnsafeTeacherError
from learn2compress.teachers.safety import content_sha256


def test_local_teachers_stay_where_they_are(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    path = logits_teachers["keras"]
    assert fetch_teacher(str(path), tmp_path) == path
    assert fetch_teacher(f"file://{path}", tmp_path) == path
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_remote_teachers_arrive_whole(logits_teachers: dict[str, Path], kind: str, tmp_path: Path) -> None:
    remote = fsspec.filesystem("memory")
    source = logits_teachers[kind]
    remote.put(str(source), f"/models/{kind}/{source.name}", recursive=source.is_dir())
    seen: list[Progress] = []
    with listening(seen.append):
        fetched = fetch_teacher(f"memory://models/{kind}/{source.name}", tmp_path)
    assert fetched.parent == tmp_path
    assert content_sha256(fetched) == content_sha256(source)
    assert seen[-1].done == seen[-1].total


def test_what_is_missing_or_unknown_is_one_line(tmp_path: Path) -> None:
    for uri in ("memory://nothing/here.keras", "nosuchscheme://bucket/t.keras"):
        with pytest.raises(ConfigError, match=r"found nothing, accepted is|can't be read: ") as caught:
            fetch_teacher(uri, tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("no credentials"), LookupError()])
def test_whatever_a_stores_client_raises_is_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "isfile", refuse)
    with pytest.raises(ConfigError, match=r"^memory://t.keras can't be read: (no credentials|LookupError)$"):
        fetch_teacher("memory://t.keras", tmp_path)


def test_a_teacher_that_is_too_large_is_refused(
    logits_teachers: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = fsspec.filesystem("memory")
    remote.put(str(logits_teachers["keras"]), "/models/large.keras")
    monkeypatch.setattr(fetching, "MAX_TEACHER_BYTES", 1000)
    with pytest.raises(UnsafeTeacherError, match="1000 bytes"):
        fetch_teacher("memory://models/large.keras", tmp_path)


def test_remote_names_stay_inside_the_folder(tmp_path: Path) -> None:
    remote = fsspec.filesystem("memory")
    remote.pipe("/models/climbing/x", b"1")
    # An object store accepts any name, this one too.
    remote.store["/models/climbing/../../../outside"] = remote.store["/models/climbing/x"]
    with pytest.raises(UnsafeTeacherError, match="outside"):
        fetch_teacher("memory://models/climbing", tmp_path / "into")
    assert not (tmp_path / "outside").exists()
