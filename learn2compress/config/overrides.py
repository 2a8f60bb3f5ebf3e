"""Settings from a command line over those of a configuration file: `training.epochs=5`.

A value is read as the file's are, and stands where the file would have it, so that what is not accepted is told in the
same words.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from learn2compress.config.parsing import ConfigError, about, clipped, listed
from learn2compress.config.strict_yaml import read_yaml

OPTION = "--set"
_DIGITS = 10


def override(value: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Returns a configuration with settings changed.

    Example:
      >>> from learn2compress.config.overrides import override
      >>> value = {"training": {"epochs": 30}, "students": [{"name": "small", "stage": 1}]}
      >>> override(value, ["training.epochs=5", "students.small.prune.sparsity_ratio=0.3"])
      {'training': {'epochs': 5}, 'students': [{'name': 'small', 'stage': 1, 'prune': {'sparsity_ratio': 0.3}}]}

    Args:
      value: Plain mappings, lists and scalars, as the file was read; it is not changed.
      settings: PATH=VALUE each, in order: keys with dots between them, an entry of a list by its number from 0 or its
        `name`, and YAML.

    Returns:
      Plain mappings, lists and scalars, not checked against the configuration's fields yet.

    Raises:
      ConfigError: one is no PATH=VALUE, or its path leads into a plain value or to no entry of a list.
    """
    changed = copy.deepcopy(value)
    for setting in settings:
        path, equals, text = setting.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise ConfigError(
                f"{OPTION}: found {clipped(setting)!r}, accepted is PATH=VALUE, such as training.epochs=5"
            )
        with about(f"{OPTION} {clipped(path)}"):
            _put(changed, keys, read_yaml(text))
    return changed


def about_setting(message: str, value: dict[str, Any], settings: Sequence[str]) -> str | None:
    """Returns a message about a configuration as one about the setting that it is about.

    Args:
      message: What is not accepted, with the field first: "students.0.stage: found 9, ...".
      value: From `override`.
      settings: PATH=VALUE each, as `override` took them.

    Returns:
      The message with the option and the field as they were typed, such as "--set students.large.stage: found 9, ...";
      `None` where no setting is at that field.
    """
    for setting in reversed(settings):
        typed = setting.partition("=")[0].strip()
        field = _field_of(value, typed.split("."))
        if message.startswith((f"{field}:", f"{field}.")):
            return f"{OPTION} {clipped(typed)}{message.removeprefix(field)}"
    return None


def _field_of(place: Any, keys: list[str]) -> str:
    """Returns a path with entries of lists by their numbers, as messages about a configuration have it."""
    parts = []
    for key in keys:
        part: Any = _index_in(place, key) if isinstance(place, list) else key
        place = place[part] if isinstance(place, dict | list) else None
        parts.append(str(part))
    return ".".join(parts)


def _put(place: Any, keys: list[str], new: Any) -> None:
    """Puts a value where a path leads from a mapping or a list, and makes the mappings on the way."""
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        if isinstance(place, list):
            index = _index_in(place, key)
            if is_last:
                place[index] = new
            place = place[index]
        elif isinstance(place, dict):
            if is_last:
                place[key] = new
            elif place.get(key) is None:
                place[key] = {}
            place = place[key]
        else:
            raise ConfigError(
                f"found {clipped(repr(place))} at {'.'.join(keys[:position])}, accepted is a mapping to set "
                f"{key!r} in: set {'.'.join(keys[:position])} to one, such as {{{key}: ...}}"
            )


def _index_in(entries: list[Any], key: str) -> int:
    """Returns the index of the entry that a key names: by its number, or by its `name`."""
    # No list has a number of ten digits, and thousands of digits are no number to Python.
    if key.isascii() and key.isdigit() and len(key) < _DIGITS and int(key) < len(entries):
        return int(key)
    names = [str(entry.get("name", "")) if isinstance(entry, dict) else "" for entry in entries]
    if key in names:
        return names.index(key)
    known = listed([name for name in names if name])
    accepted = f"a number below {len(entries)}" + (f", or one of the names {known}" if known else "")
    raise ConfigError(f"found {clipped(key)!r}, accepted is {accepted}")
