"""A .keras file is an archive of known members, that unpacks to about what it stores, inside its folder."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.safety import TeacherFormat, check_teacher


def test_a_custom_loss_does_no_harm(
    with_config: Callable[..., Path], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["compile_config"] = {"loss": {"class_name": "function", "config": "own_loss", "module": "foreign"}}

    assert check_teacher(with_config(logits_teachers["keras"], tmp_path / "t.keras", change)) is TeacherFormat.KERAS


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside", "assets/../../outside", "assets\\..\\outside"])
def test_a_member_outside_the_archive_is_refused(
    repack: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
    name: str,
) -> None:
    refused(repack(logits_teachers["keras"], tmp_path / "t.keras", **{name: b"x"}), "outside the archive")


def test_other_members_are_refused(
    repack: Callable[..., Path], refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    # NumPy archives can hold pickles.
    refused(repack(logits_teachers["keras"], tmp_path / "t.keras", **{"model.weights.npz": b"x"}), "npz")


def test_a_link_in_the_archive_is_refused(
    repack: Callable[..., Path], refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("assets/vocabulary.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(path, "link")


def test_a_zip_bomb_is_refused_unpacked(
    repack: Callable[..., Path], refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("assets/zeros", "w") as member:
        for _ in range(40):
            member.write(bytes(1024 * 1024))
    refused(path, "unpacks to")


def test_a_member_twice_is_refused(
    refused: Callable[[Path, str], None], repack: Callable[..., Path], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    # One reader takes the first of them, another the last: what was checked would not be what is loaded.
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", "{}")
    refused(path, "twice")


def test_an_oddly_packed_archive_is_refused(
    repack: Callable[..., Path], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("assets/words.txt", "yes")
    with pytest.raises(ConfigError, match=r"'assets/words\.txt' encrypted or oddly packed"):
        check_teacher(path)
