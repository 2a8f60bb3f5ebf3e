from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.command_line.paths import check_there, make_output_folder
from learn2compress.config.parsing import ConfigError


def test_what_is_there_is_accepted_and_a_url_is_left_to_others(tmp_path: Path) -> None:
    check_there(str(tmp_path), "DATA", "a folder")
    check_there("gs://bucket/data", "DATA", "a folder")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("teacher.kers", r"beside it: teacher\.keras\)"),
        ("other", r"beside it: photos, teacher\.keras\)"),
        ("nowhere/teacher.keras", "nor a folder .*nowhere"),
        ("photos/teacher.keras", "its folder is empty"),
        ("x" * 300, "beside it: photos"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_beside_it(tmp_path: Path, path: str, found: str) -> None:
    (tmp_path / "teacher.keras").touch()
    (tmp_path / "photos").mkdir()
    with pytest.raises(ConfigError, match=f"^TEACHER: found nothing at .*{found}.*accepted is a model$"):
        check_there(str(tmp_path / path), "TEACHER", "a model")


@pytest.mark.parametrize("path", ["", " ", "~nosuchuser/photos"])
def test_what_is_no_path_is_told(path: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATA: found nothing at"):
        check_there(path, "DATA", "a folder")


def test_an_output_folder_is_made_and_stays_empty(tmp_path: Path) -> None:
    make_output_folder(tmp_path / "a" / "b", "--output", ["report.html"])
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_folder_with_the_name_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").mkdir()
    with pytest.raises(ConfigError, match=r"^--output: found .*small\.tflite, which is no file"):
        make_output_folder(tmp_path, "--output", ["report.html", "small.tflite"])


def test_a_folder_that_takes_no_files_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^--output: /proc/self can't be written"):
        make_output_folder(Path("/proc/self"), "--output", ["report.html"])
