"""Places are listed with care: what leaves a folder, or is no plain file, is told apart before it is opened."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location


def at(uri: object) -> Location:
    return Location(str(uri), "data.uri")


def test_a_folder_is_listed_by_name_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).write_bytes(b"four")
    (tmp_path / "c").mkdir()
    entries = at(tmp_path).folder()
    assert [(entry.name, entry.is_folder, entry.problem) for entry in entries] == [
        ("a.txt", False, None),
        ("b.txt", False, None),
        ("c", True, None),
    ]
    assert entries[0].num_bytes == 4


def test_names_that_begin_with_an_underscore_are_listed(tmp_path: Path) -> None:
    (tmp_path / "_DSC0001.JPG").write_bytes(b"four")
    (tmp_path / "_misc").mkdir()
    assert [entry.name for entry in at(tmp_path).folder()] == ["_DSC0001.JPG", "_misc"]


def test_links_may_lead_into_the_folder_that_is_named_for_them(tmp_path: Path) -> None:
    for name in ("in", "cache/ab", "cache2"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cache" / "ab" / "cdef").write_bytes(b"content")
    (tmp_path / "cache2" / "other").write_bytes(b"content")
    os.symlink("../cache/ab/cdef", tmp_path / "in" / "a.jpg")
    os.symlink(tmp_path / "cache2" / "other", tmp_path / "in" / "b.jpg")
    os.symlink("../cache/gone", tmp_path / "in" / "c.jpg")
    plain = {entry.name: entry.problem or "" for entry in at(tmp_path / "in").folder()}
    assert all("leaves the data's folder" in problem for problem in plain.values())
    os.symlink(tmp_path / "cache", tmp_path / "named")
    place = Location(str(tmp_path / "in"), "data.uri", str(tmp_path / "named"))
    found = {entry.name: entry for entry in place.folder()}
    assert (found["a.jpg"].problem, found["a.jpg"].num_bytes) == (None, 7)
    assert "leaves the data's folder" in (found["b.jpg"].problem or "")
    assert "a symbolic link to nothing" in (found["c.jpg"].problem or "")


def test_a_remote_file_has_a_stamp_and_a_local_one_its_content(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/stamped/a", b"one")
    (tmp_path / "a").write_bytes(b"one")
    place = at("memory://stamped")
    before = place.folder()[0].stamp
    assert before == place.folder()[0].stamp
    fsspec.filesystem("memory").pipe("/stamped/a", b"two")
    assert place.folder()[0].stamp != before
    assert at(tmp_path).folder()[0].stamp == ""


def test_links_are_followed_inside_a_folder_and_where_the_configuration_names_one(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "out.txt").write_text("x")
    (folder / "a.txt").write_text("x")
    os.symlink(folder / "a.txt", folder / "inside.txt")
    os.symlink(tmp_path / "out.txt", folder / "outside.txt")
    problems = {entry.name: entry.problem for entry in at(folder).folder()}
    assert problems["inside.txt"] is None
    assert "symbolic link that leaves" in (problems["outside.txt"] or "")
    named = at(folder / "outside.txt").entry()
    assert named is not None
    assert named.problem is None


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert at(tmp_path / "missing").entry() is None
    with pytest.raises(ConfigError, match=r"^data.uri: found nothing at .*missing, accepted is a file"):
        at(tmp_path / "missing").files(name_part=".tsv")
    with pytest.raises(ConfigError, match=r"^data.uri: .*missing can't be listed: No such file or directory$"):
        at(tmp_path / "missing").folder()


def test_an_address_that_no_file_system_opens_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^data.uri: found nowhere://x, accepted is a path or URL .*[Pp]rotocol"):
        at("nowhere://x")


def test_whatever_a_stores_client_raises_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    for method in ("info", "ls", "glob"):
        monkeypatch.setattr(type(fsspec.filesystem("memory")), method, refuse)
    with pytest.raises(ConfigError, match=r"^data.uri: .* can't be read: no credentials$"):
        at("memory://flowers").entry()
    with pytest.raises(ConfigError, match=r"^data.uri: .* can't be listed: no credentials$"):
        at("memory://flowers").folder()


def test_a_glob_finds_files_and_refuses_links_that_leave_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "part.tsv").write_text("hello")
    place = at(tmp_path / "in" / "*" / "part.tsv")
    found = [place.relative(entry.path) for entry in place.files(name_part=".tsv")]
    assert found == ["one/part.tsv", "two/part.tsv"]
    os.symlink("/etc/hostname", tmp_path / "in" / "one" / "part2.tsv")
    with pytest.raises(ConfigError, match=r"data.uri: .*symbolic link that leaves"):
        at(tmp_path / "in" / "*" / "*.tsv").files(name_part=".tsv")


def test_a_remote_file_is_copied_for_as_long_as_it_is_read(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/copied/a.bin", b"content")
    remote = at("memory://copied/a.bin")
    assert not remote.is_local
    with remote.local_file(remote.path) as copy:
        assert Path(copy).read_bytes() == b"content"
    assert not Path(copy).exists()
    (tmp_path / "a.bin").write_bytes(b"content")
    with at(tmp_path).local_file(str(tmp_path / "a.bin")) as path:
        assert path == str(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").exists()
