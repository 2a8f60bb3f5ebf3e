"""Fills the spec of a component from the arguments of its `__init__`.

A component's `__init__` has the arguments that a person writes a pipeline with:
channels, configuration dataclasses, plain values. Its spec has PARAMETERS of
numbers and texts. What lies between them is the same for every component.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from tfx.types import channel
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.parameters import exec_properties_of, json_of

Spec = TypeVar("Spec", bound=ComponentSpec)

# What `locals()` holds at the beginning of an `__init__` beside its arguments.
_NO_ARGUMENTS = frozenset({"self", "__class__"})


def fill_spec(spec_class: type[Spec], arguments: Mapping[str, Any], *, optional_outputs: Collection[str] = ()) -> Spec:
    """Returns the spec of a component with a new channel for each output.

    Args:
      spec_class: With PARAMETERS, INPUTS and OUTPUTS.
      arguments: By name, such as `locals()` of an `__init__`. One that the spec has is the value of that input or
        parameter; a dataclass, list or tuple becomes JSON. A dataclass of another name gives each of its fields.
      optional_outputs: Names of the optional outputs that this component has.

    Raises:
      ValueError: the spec lacks an argument, or has none of this name.
    """
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in spec_class.INPUTS:
            values[name] = value
        elif name in spec_class.PARAMETERS:
            values[name] = _parameter_value(value)
        elif dataclasses.is_dataclass(value):
            values |= exec_properties_of(value)
        elif name not in _NO_ARGUMENTS:
            raise ValueError(f"{spec_class.__name__}: no input or parameter {name!r}")
    for name, output in spec_class.OUTPUTS.items():
        if not output.optional or name in optional_outputs:
            values[name] = channel.Channel(type=output.type)
    return spec_class(**values)


def extend_spec(
    spec_class: type[Spec],
    *,
    inputs: Mapping[str, type[Artifact]] | None = None,
    outputs: Mapping[str, type[Artifact]] | None = None,
) -> type[Spec]:
    """Returns a spec class with further inputs and outputs, for components that have some for each student.

    Args:
      spec_class: What all components of the kind have.
      inputs: Artifact class of each further input, by name.
      outputs: The same for outputs.
    """
    channels = {
        "INPUTS": spec_class.INPUTS | _channel_parameters(inputs or {}),
        "OUTPUTS": spec_class.OUTPUTS | _channel_parameters(outputs or {}),
    }
    return type(spec_class.__name__, (spec_class,), {**channels, "__doc__": spec_class.__doc__})


def _channel_parameters(kinds: Mapping[str, type[Artifact]]) -> dict[str, ChannelParameter]:
    return {name: ChannelParameter(type=kind) for name, kind in kinds.items()}


def _parameter_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return json_of(value)
    return json.dumps(list(value)) if isinstance(value, list | tuple) else value
