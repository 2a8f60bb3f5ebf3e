"""Puts a run's parameters into the places of a step's parameters that depend on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pipelines.kubeflow.contract.step_contract import ParameterTarget, StepContract, Value

# Digests of a parameter inside another one, which change with it: where they are, and of which parameter.
_DIGESTS = {ParameterTarget("provenance", ("config_sha256",)): "config"}


def resolve_exec_properties(contract: StepContract, given: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the parameters of the TFX executor: the compiled ones with the run's own set in them.

    With the values that were compiled, the result is what a local run has, byte for byte.

    Args:
      contract: Names the places.
      given: What the step was given, run parameters included.
    """
    properties = {**contract.constants, **{name: given[name] for name in given if name not in contract.overrides}}
    changed = set()
    for name, targets in contract.overrides.items():
        for target in targets:
            before = properties[target.parameter]
            properties[target.parameter] = set_json_value(before, target.path, given[name])
            if properties[target.parameter] != before:
                changed.add(target.parameter)
    for target, source in _DIGESTS.items():
        if source in changed and target.parameter in properties:
            digest = hashlib.sha256(str(properties[source]).encode()).hexdigest()
            properties[target.parameter] = set_json_value(properties[target.parameter], target.path, digest)
    return properties


def set_json_value(text: Value, path: tuple[int | str, ...], value: Value) -> Value:
    """Returns a parameter of JSON with one place set.

    Args:
      text: The parameter.
      path: Keys and indices.
      value: What belongs there.

    Returns:
      JSON; the same text, to the byte, where it holds that value already.
    """
    content = place = json.loads(str(text))
    for key in path[:-1]:
        place = place[key]
    if place[path[-1]] == value:
        return text
    place[path[-1]] = value
    return json.dumps(content)
