from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest

from learn2compress.compression.work_folder import WorkFolder
from learn2compress.config.parsing import ConfigError


def write(folder: Path) -> None:
    (folder / "result").write_text("done")


def test_a_step_is_done_once(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path).of("digest").once("train", write)
    assert (folder / "result").read_text() == "done"

    def again(_: Path) -> None:
        raise AssertionError("the step was done before")

    assert WorkFolder(tmp_path).of("digest").once("train", again) == folder


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)

    def fail(folder: Path) -> None:
        write(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.once("train", fail)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_not_taken_for_a_result(tmp_path: Path) -> None:
    (tmp_path / "train.started").mkdir()
    (tmp_path / "train.started" / "half").touch()
    assert [path.name for path in WorkFolder(tmp_path).once("train", write).iterdir()] == ["result"]


def test_without_a_checkpoint_the_folder_goes_with_its_object() -> None:
    part = WorkFolder(None).of("digest")
    path = part.once("train", write)
    assert path.is_dir()
    del part
    assert not path.exists()


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"checkpoint: .* can't be made"):
        WorkFolder(tmp_path / "file" / "below")
    with pytest.raises(ConfigError, match="accepted is a folder on this machine"):
        WorkFolder("s3://bucket/states")


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigError, match="can't be written: No space left on device; make room"):
        WorkFolder(tmp_path).once("train", full)


def test_a_folder_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path).of("digest")
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # of its own, as another process's is
        with pytest.raises(ConfigError, match=r"^checkpoint: .* is in use by another process"):
            work.once("train", write)
    assert work.once("train", write).is_dir()


def test_the_step_is_done_while_the_folder_is_locked_and_nothing_is_left_of_the_lock(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)

    def refused(_: Path) -> None:
        with (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with work.in_use():
        work.once("train", refused)
        refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("root", [5, "", "a\0b", "~nosuchuser", "~nosuchuser/states"])
def test_what_is_no_folder_is_refused(root: Any) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint: found .*accepted is a folder on this machine"):
        WorkFolder(root)


def test_a_folder_that_can_not_be_written_is_told() -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint: .* can't be written"):
        WorkFolder("/proc/self").once("train", write)
