"""What a teacher is, is told by its content, and so is which teacher it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.safety import TeacherFormat, check_teacher, content_sha256


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_content_decides_the_format(logits_teachers: dict[str, Path], kind: str, tmp_path: Path) -> None:
    assert check_teacher(logits_teachers[kind]) is TeacherFormat(kind)
    renamed = tmp_path / "model.bin"
    if kind != "saved_model":
        shutil.copy(logits_teachers[kind], renamed)
        assert check_teacher(renamed) is TeacherFormat(kind)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_file_is_refused(
    refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path, suffix: str, share: float
) -> None:
    content = logits_teachers[suffix[1:]].read_bytes()
    path = tmp_path / f"teacher{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ConfigError) as caught:
        check_teacher(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_teacher_is_refused(
    repack: Callable[..., Path], refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    text = tmp_path / "text.keras"
    text.write_text("not a model")
    weights_only = tmp_path / "weights.h5"
    with h5py.File(weights_only, "w") as file:
        file["kernel"] = np.zeros(3)
    (tmp_path / "empty").mkdir()
    no_weights = repack(logits_teachers["keras"], tmp_path / "none.keras", **{"model.weights.h5": None})
    for path in (text, weights_only, tmp_path / "empty", tmp_path / "missing.keras", no_weights):
        with pytest.raises(ConfigError, match="accepted is"):
            check_teacher(path)


def test_the_hash_follows_content_and_names(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(logits_teachers["saved_model"], copy)
    original = content_sha256(logits_teachers["saved_model"])
    assert content_sha256(copy) == original
    (copy / "assets" / "a").write_bytes(b"xy")
    first = content_sha256(copy)
    (copy / "assets" / "a").rename(copy / "assets" / "b")
    assert len({original, first, content_sha256(copy)}) == 3
    assert len(content_sha256(logits_teachers["keras"])) == 64
