"""Derives TFX component parameters from configuration dataclasses, and back.

A number or a string is its own typed parameter, so that lineage shows it; any
other field is one JSON string.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from tfx.types.component_spec import ExecutionParameter

from learn2compress.config_file import parse, to_dict

T = TypeVar("T")

_PLAIN_TYPES = (int, float, str)


def parameters_of(config_class: type, **extra: type) -> dict[str, ExecutionParameter]:
    """PARAMETERS of a component spec: one for each field of `config_class`, and `extra` ones by type."""
    hints = get_type_hints(config_class)
    types = {f.name: _parameter_type(hints[f.name]) for f in dataclasses.fields(config_class)} | extra
    return {name: ExecutionParameter(type=kind) for name, kind in types.items()}


def exec_properties_of(config: Any) -> dict[str, Any]:
    """Values for `parameters_of(type(config))`."""
    hints = get_type_hints(type(config))
    return {
        name: value
        if _parameter_type(hints[name]) is not str or isinstance(value, str)
        else json.dumps(value, sort_keys=True)
        for name, value in to_dict(config).items()
    }


def config_from(config_class: type[T], exec_properties: Mapping[str, Any]) -> T:
    """The configuration that `exec_properties` were made from; numbers may have become doubles on the way."""
    hints = get_type_hints(config_class)
    plain = {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
        value, hint = exec_properties[field.name], hints[field.name]
        plain[field.name] = json.loads(value) if _is_json(hint) else _parameter_type(hint)(value)
    return parse(config_class, plain)


def json_of(config: Any) -> str:
    """One JSON string of a whole configuration dataclass, for a parameter that carries another step's settings."""
    return json.dumps(to_dict(config), sort_keys=True)


def from_json(config_class: Any, text: str) -> Any:
    """What `json_of` was made from."""
    return parse(config_class, json.loads(text))


def _parameter_type(hint: Any) -> type:
    return hint if hint in _PLAIN_TYPES and hint is not bool else str


def _is_json(hint: Any) -> bool:
    is_text = isinstance(hint, type) and issubclass(hint, str)
    return not is_text and _parameter_type(hint) is str
