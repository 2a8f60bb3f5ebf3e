"""Images in a folder per class, and without labels anywhere below a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.data.image_folder import plan_image_folder, plan_unlabelled_images, read_image_folder
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split

Png = Callable[[int], bytes]


def labelled(uri: object) -> ReadPlan:
    return plan_image_folder(Location(str(uri), "data.uri"), None)


def unlabelled(uri: object) -> ReadPlan:
    reading = plan_unlabelled_images(Location(str(uri), "data.unlabelled_uri"), Split.TRAIN)
    assert {(unit.field, unit.split) for unit in reading.units} == {("data.unlabelled_uri", Split.TRAIN)}
    return reading


def read(reading: ReadPlan) -> list[RawRecord | BadRecord]:
    return [record for unit in reading.units for record in read_image_folder(unit)]


def test_folders_are_the_classes(classes: Path) -> None:
    assert labelled(classes).names == ("a", "b")
    assert [(record.source, record.label) for record in read(labelled(classes))] == [
        ("a/0.png", "a"),
        ("a/1.png", "a"),
        ("b/0.png", "b"),
        ("b/1.png", "b"),
    ]


def test_what_is_no_image_of_the_folder_is_refused(classes: Path, tmp_path: Path, png: Png) -> None:
    (tmp_path / "secret.png").write_bytes(png(7))
    os.symlink(tmp_path / "secret.png", classes / "a" / "link.png")
    os.symlink(classes / "b" / "0.png", classes / "a" / "inside.png")
    os.symlink(classes / "a" / "gone.png", classes / "a" / "broken.png")
    os.mkfifo(classes / "a" / "pipe.png")
    (classes / "a" / "notes.txt").write_text("hello")
    (classes / "a" / "deeper").mkdir()
    (classes / "a" / "deeper" / "notes.xml").write_text("hello")
    (classes / "beside.png").write_bytes(png(8))
    (classes / "README.md").write_text("about the data")
    (classes / "a" / ".hidden").write_text("left out")
    (classes / "a" / "big.png").touch()
    os.truncate(classes / "a" / "big.png", 2**26)
    assert {record.source: record.reason.split(",")[0] for record in labelled(classes).refused} == {
        "a/link.png": "a symbolic link that leaves the data's folder",
        "a/broken.png": "a symbolic link to nothing",
        "a/pipe.png": "not a plain file",
        "a/notes.txt": "found another kind of file",
        "a/deeper": "found a folder without images inside a class folder",
        "a/big.png": "found 67108864 bytes",
        "beside.png": "found an image beside the class folders",
    }


@pytest.mark.parametrize(
    "name", ["_DSC0001.JPG", "a.jfif", "b.jpe", "c.webp", "d.bmp", "e.gif", "F.PNG", "\u0dc1\u0dca\u200d\u0dbb.png"]
)
def test_names_that_people_and_cameras_make_are_read(classes: Path, png: Png, name: str) -> None:
    (classes / "a" / name).write_bytes(png(9))
    (classes / "_b").mkdir()
    (classes / "_b" / name).write_bytes(png(10))
    assert labelled(classes).names == ("_b", "a", "b")
    assert labelled(classes).refused == ()
    assert {f"a/{name}", f"_b/{name}"} <= {record.source for record in read(labelled(classes))}


def test_what_an_operating_system_leaves_is_no_bad_record(classes: Path) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (classes / "a" / name).write_bytes(b"clutter")
    (classes / "__MACOSX").mkdir()
    assert labelled(classes).names == ("a", "b")
    assert labelled(classes).refused == ()


def test_images_in_folders_of_a_class_belong_to_it_where_the_setting_says_so(classes: Path, png: Png) -> None:
    for index in range(3):
        path = classes / "a" / "indoor" / "night" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(index))
    os.symlink(classes / "a", classes / "a" / "indoor" / "loop")
    whole = plan_image_folder(Location(str(classes), "data.uri"), None, subfolders=True)
    found = [(record.source, record.label) for record in read(whole) if isinstance(record, RawRecord)]
    assert len(found) == 7
    assert ("a/indoor/night/2.png", "a") in found
    assert [record.source for record in whole.refused] == ["a/indoor/loop"]
    # Without the setting each of them counts, not their folder as one.
    refused = labelled(classes).refused
    assert [record.source for record in refused] == [f"a/indoor/night/{index}.png" for index in range(3)]
    assert "data.subfolders: true" in refused[0].reason


def test_parts_of_the_data_taken_for_classes_are_told(tmp_path: Path, png: Png) -> None:
    for part in ("test", "train"):
        (tmp_path / part / "cat").mkdir(parents=True)
        (tmp_path / part / "cat" / "1.png").write_bytes(png(1))
    with pytest.raises(
        ConfigError, match=r"^data.uri: class 'test' has all of its 1 images in folders inside"
    ) as error:
        labelled(tmp_path)
    assert "data.subfolders: true" in str(error.value)
    assert f"name {tmp_path / 'test'} as data.uri" in str(error.value)


def test_a_folder_that_can_not_be_used_as_a_whole(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data.uri: found nothing at .*missing, accepted is a folder"):
        labelled(tmp_path / "missing")
    with pytest.raises(ConfigError, match=r"data.uri: found a file at"):
        labelled(classes / "a" / "0.png")
    with pytest.raises(ConfigError, match=r"data.uri: found no class"):
        labelled(classes / "a")
    (classes / "void").mkdir()
    with pytest.raises(ConfigError, match=r"data.uri: class 'void' is empty"):
        labelled(classes)


def test_a_class_folder_that_is_a_link_out_of_the_data(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", classes / "c")
    with pytest.raises(ConfigError, match=r"data.uri: class folder .*symbolic link that leaves"):
        labelled(classes)


def test_a_file_that_is_gone_when_it_is_read_is_one_bad_record(classes: Path) -> None:
    reading = labelled(classes)
    (classes / "a" / "1.png").unlink()
    bad = [record for record in read(reading) if isinstance(record, BadRecord)]
    assert bad == [BadRecord("a/1.png", "can't be read: No such file or directory")]


def test_a_remote_folder(png: Png) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/classes/x/1.png": png(1), "/classes/y/2.png": png(2)})
    records = read(labelled("memory://classes"))
    assert records == [RawRecord("x/1.png", "x", png(1)), RawRecord("y/2.png", "y", png(2))]


def test_images_are_found_however_nested(pool: Path, png: Png) -> None:
    reading = unlabelled(pool)
    assert {(record.source, record.label, record.payload) for record in read(reading)} == {
        ("2.png", None, png(0)),
        ("a/0.png", None, png(1)),
        ("deep/er/1.jpg", None, png(2)),
        ("deep/3.png", None, png(3)),
    }
    # Their folders are no classes.
    assert reading.names is None


def test_links_of_a_pool_go_nowhere(classes: Path, pool: Path, png: Png) -> None:
    (pool / "deep" / "notes.txt").write_bytes(b"hello")
    (pool / ".hidden").mkdir()
    (pool / ".hidden" / "1.png").write_bytes(png(7))
    os.symlink(pool, pool / "deep" / "loop")
    os.symlink(pool / "deep", pool / "again")
    os.symlink(classes, pool / "outside")
    os.mkfifo(pool / "pipe.png")
    reading = unlabelled(pool)
    assert {record.field for record in reading.refused} == {"data.unlabelled_uri"}
    found = {record.source: record.reason.split(",")[0] for record in reading.refused}
    # The folder is looked into under the one name or under the other.
    assert found.pop("again", None) or found.pop("deep", None)
    assert {source.rpartition("/")[2]: reason for source, reason in found.items()} == {
        "notes.txt": "found another kind of file",
        "loop": "found a folder a second time",
        "outside": "a symbolic link that leaves the data's folder",
        "pipe.png": "not a plain file",
    }
    assert len(read(reading)) == 4


@pytest.mark.parametrize(
    ("place", "reason"), [("void", "found no image below"), ("missing", "found nothing at"), ("pool/2.png", "a file")]
)
def test_a_pool_must_hold_an_image(pool: Path, tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "void" / "inner").mkdir(parents=True)
    with pytest.raises(ConfigError, match=rf"^data.unlabelled_uri: .*{reason}"):
        unlabelled(tmp_path / place)


def test_images_of_a_remote_pool(png: Png) -> None:
    fsspec.filesystem("memory").pipe({"/nested/p/q/1.png": png(2), "/nested/3.png": png(3)})
    assert sorted(record.source for record in read(unlabelled("memory://nested"))) == ["3.png", "p/q/1.png"]
