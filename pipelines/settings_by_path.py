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
    usual: dict[str, Any] = {}
    for name in student_names(config) or ["student"]:
        usual |= settings_by_path(to_dict(_least(name)))
    found = settings_by_path(config)
    return {
        path: value
        for path, value in found.items()
        if path not in _REQUIRED and (value != usual[path] if path in usual else value is not None)
    }


def student_names(config: Mapping[str, Any]) -> list[str]:
    """Returns the names of a configuration's students, as `to_dict` has it."""
    return [student["name"] for student in config.get("students", ())]


def in_effect(path: str, settings: Mapping[str, Any], otherwise: Any) -> Any:
    """Returns the value that holds at a path: that of `prune` or `quantize` where a student has none of its own.

    Args:
      path: Such as "students.small.prune.method".
      settings: From `settings_by_path`.
      otherwise: What is returned where there is none at all.
    """
    match path.split("."):
        case "students", _, ("prune" | "quantize") as step, *keys if keys:
            return settings.get(path, settings.get(".".join([step, *keys]), otherwise))
    return settings.get(path, otherwise)


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
