"""Settings by their paths, and those that differ from the defaults."""

from __future__ import annotations

from typing import Any

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import parse, to_dict
from pipelines.settings_by_path import changed_settings, setting_text, settings_by_path

LEAST: dict[str, Any] = {
    "name": "flowers",
    "data": {"format": "npz", "uri": "photos.npz"},
    "teacher": {"uri": "flowers.keras"},
    "students": [{"name": "large"}, {"name": "small", "stage": 1}],
}


def plain(**more: Any) -> dict[str, Any]:
    return to_dict(parse(CompressionConfig, LEAST | more))


def test_entries_of_a_list_have_their_names() -> None:
    found = settings_by_path({"seed": 1, "students": [{"name": "small", "prune": {"epochs": 2}}], "sizes": [1, 2]})
    assert found == {"seed": 1, "students.small.name": "small", "students.small.prune.epochs": 2, "sizes": [1, 2]}


def test_what_is_as_by_default_is_left_out() -> None:
    assert changed_settings(plain()) == {"students.small.stage": 1}
    changed = changed_settings(plain(seed=3, prune={"sparsity_ratio": 0.25}, quantize={}))
    assert changed == {"students.small.stage": 1, "prune.sparsity_ratio": 0.25, "seed": 3}


def test_settings_of_another_release_are_shown_where_they_are_set() -> None:
    older = {**plain(), "was_renamed": {"to": "something", "unset": None}}
    assert changed_settings(older) == {"students.small.stage": 1, "was_renamed.to": "something"}
    assert changed_settings({}) == {}


def test_a_value_is_one_line() -> None:
    assert [setting_text(value) for value in ("a b", 1.5, [1, None], "\N{SNOWMAN}")] == ["a b", "1.5", "[1, null]", "☃"]
