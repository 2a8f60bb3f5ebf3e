"""A path is taken as a person writes it, and what is none is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learn2compress.compression.local_path import local_path, resolved_path
from learn2compress.config.parsing import ConfigError


def test_the_home_folder_is_put_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/photos", "train", "a folder") == tmp_path / "photos"
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    assert resolved_path(tmp_path / "link", "train", "a folder") == (tmp_path / "photos").resolve()


@pytest.mark.parametrize("value", ["", " ", "a\0b", 5, None, b"bytes", "~no_such_user/x"])
def test_what_is_no_path_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^train: found .*accepted is a folder"):
        local_path(value, "train", "a folder")


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"^train: .* can't be followed"):
        resolved_path(tmp_path / "a", "train", "a folder")
