"""The settings of a configuration by their paths, such as "students.small.stage": all of them, or those changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import parse, to_dict

# What every configuration has to say, and so has no default.
_REQUIRED = frozenset({"name", "data.format", "data.uri", "teacher.uri"})


def settings_by_path(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the plain values of a configuration by their paths.

    Args:
      config: As `to_dict` has it.

    Returns:
      Values by path; entries of a list are named by their names, where they have some.
    """
    return dict(_values(config, "")) if config else {}


def changed_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a configuration that differ from the defaults of this release.

    Args:
      config: As `to_dict` has it; it may be of another release.

    Returns:
      Values by path, without those that have no default.
    """
    names = [student["name"] for student in config.get("students", ())]
    usual: dict[str, Any] = {}
    for name in names or ["student"]:
        usual |= settings_by_path(to_dict(_least(name)))
    found = settings_by_path(config)
    return {
        path: value
        for path, value in found.items()
        if path not in _REQUIRED and (value != usual[path] if path in usual else value is not None)
    }


def setting_text(value: Any) -> str:
    """Returns a value of a setting as one line: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _least(student: str) -> CompressionConfig:
    """Returns a configuration that says no more than it must, of one student of this name."""
    said = {"name": "least", "data": {"format": "npz", "uri": "data"}, "teacher": {"uri": "teacher"}}
    config: CompressionConfig = parse(CompressionConfig, said | {"students": [{"name": student}]})
    return config


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _values(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        for entry in value:
            yield from _values(dict(entry), f"{path}.{entry['name']}")
    else:
        yield path, value
