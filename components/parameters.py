"""Derives TFX component parameters from configuration dataclasses, and back.

A number or a text is its own typed parameter, so that lineage shows it, an
empty text standing for one left out; any other field is one JSON string.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_type_hints

from tfx.types.component_spec import ExecutionParameter

from learn2compress.config.parsing import parse, to_dict

T = TypeVar("T")

_NUMBERS = (int, float)


def parameters_of(*config_classes: type, **extra: type) -> dict[str, ExecutionParameter]:
    """Returns PARAMETERS of a component spec.

    Args:
      *config_classes: Configuration dataclasses, each of whose fields is a parameter.
      **extra: Types of further parameters, by name.
    """
    types: dict[str, type] = {}
    for config_class in config_classes:
        hints = get_type_hints(config_class)
        types |= {field.name: _parameter_type(hints[field.name]) for field in dataclasses.fields(config_class)}
    return {name: ExecutionParameter(type=kind) for name, kind in (types | extra).items()}


def exec_properties_of(config: Any) -> dict[str, Any]:
    """Returns values for `parameters_of(type(config))`."""
    hints = get_type_hints(type(config))
    return {name: _encode(value, hints[name]) for name, value in to_dict(config).items()}


def config_from(config_class: type[T], exec_properties: Mapping[str, Any]) -> T:
    """Returns the configuration that parameters were made from; numbers may have become doubles on the way.

    Args:
      config_class: The configuration dataclass.
      exec_properties: Parameters of a step, those of other origin among them.

    Raises:
      ConfigError: a value is not accepted.
    """
    hints = get_type_hints(config_class)
    names = [field.name for field in dataclasses.fields(config_class)]  # type: ignore[arg-type]
    return parse(config_class, {name: _decode(exec_properties[name], hints[name]) for name in names})


def json_of(config: Any) -> str:
    """Returns a configuration dataclass as JSON, for a parameter that carries another step's settings."""
    return json.dumps(to_dict(config), sort_keys=True)


def from_json(config_class: Any, text: str) -> Any:
    """Returns what `json_of` was made from.

    Args:
      config_class: The configuration dataclass, or a tuple of them.
      text: JSON.

    Raises:
      ConfigError: a value is not accepted.
    """
    return parse(config_class, json.loads(text))


def _encode(value: Any, hint: Any) -> Any:
    if _is_text(hint):
        return value or ""
    return value if hint in _NUMBERS else json.dumps(value, sort_keys=True)


def _decode(value: Any, hint: Any) -> Any:
    if _is_text(hint):
        return value or None
    return hint(value) if hint in _NUMBERS else json.loads(value)


def _parameter_type(hint: Any) -> type:
    return hint if hint in _NUMBERS else str


def _is_text(hint: Any) -> bool:
    kinds = set(get_args(hint) or [hint]) - {type(None)}
    return all(isinstance(kind, type) and issubclass(kind, str) for kind in kinds)
