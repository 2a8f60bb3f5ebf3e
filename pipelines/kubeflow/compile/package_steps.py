"""Reads a compiled package: its steps in order, what each will be told, and what a run may set."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

import yaml

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.exec_properties import resolve_exec_properties
from pipelines.kubeflow.contract.step_contract import ParameterKind, StepContract, Value

Specification = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class PackageStep:
    """One step of a package.

    Attributes:
      task: Name of the task.
      component: Component id; the task's name in packages of others.
      parameters: What the step is told in a run.
    """

    task: str
    component: str
    parameters: dict[str, Any]


def specification_of(package: str | Mapping[str, Any] | None) -> Specification:
    """Returns the pipeline's specification; an empty one where there is none.

    Args:
      package: A package's YAML, or what the server has of one.
    """
    content = next(yaml.safe_load_all(package), None) if isinstance(package, str) else package
    if not isinstance(content, Mapping):
        return {}
    inner = content.get("pipeline_spec", content)
    return inner if isinstance(inner, Mapping) else {}


def steps_of(specification: Specification, values: Mapping[str, Any]) -> tuple[PackageStep, ...]:
    """Returns the steps of a package in the order in which they can run.

    Args:
      specification: Of the pipeline.
      values: Run parameters that were set; the others have their defaults.
    """
    root = specification.get("root", {})
    tasks = root.get("dag", {}).get("tasks", {})
    values = {name: declared.get("defaultValue") for name, declared in _declared(specification).items()} | dict(values)
    order = TopologicalSorter({name: tasks[name].get("dependentTasks", ()) for name in sorted(tasks)}).static_order()
    return tuple(_step(name, tasks[name], specification, values) for name in order)


def parse_run_parameters(texts: Iterable[str], package: str) -> dict[str, Value]:
    """Parses run parameters as a person writes them.

    Args:
      texts: "name=value" each.
      package: YAML of the package that they are for.

    Returns:
      Values by name, each of its parameter's type.

    Raises:
      ConfigError: the package has no such parameter, or the value is not of its type.
    """
    declared, values = _declared(specification_of(package)), {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in declared or "=" not in text:
            known = ", ".join(sorted(declared))
            raise ConfigError(f"--parameter: found {text!r}, accepted is NAME=VALUE with a name of: {known}")
        values[name] = _value(name, value, str(declared[name].get("parameterType")))
    return values


def _value(name: str, text: str, kind: str) -> Value:
    try:
        if kind == ParameterKind.INTEGER:
            return int(text)
        if kind == ParameterKind.NUMBER:
            return float(text)
    except ValueError:
        raise ConfigError(f"--parameter {name}: found {text!r}, accepted is a value of type {kind}") from None
    return text


def _declared(specification: Specification) -> Mapping[str, Any]:
    found: Mapping[str, Any] = specification.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    return found


def _step(name: str, task: Mapping[str, Any], specification: Specification, values: Mapping[str, Any]) -> PackageStep:
    given = {
        key: values.get(source["componentInputParameter"])
        if "componentInputParameter" in source
        else source.get("runtimeValue", {}).get("constant")
        for key, source in task.get("inputs", {}).get("parameters", {}).items()
    }
    contract = _contract(task, specification)
    if contract is None:
        return PackageStep(name, name, given)
    typed = {key: _typed(value, contract.parameters.get(key)) for key, value in given.items() if value is not None}
    return PackageStep(name, contract.component, dict(resolve_exec_properties(contract, typed)))


def _contract(task: Mapping[str, Any], specification: Specification) -> StepContract | None:
    component = specification.get("components", {}).get(task.get("componentRef", {}).get("name"), {})
    executors = specification.get("deploymentSpec", {}).get("executors", {})
    arguments = executors.get(component.get("executorLabel"), {}).get("container", {}).get("args", [])
    if "--contract" not in arguments[:-1]:
        return None
    try:
        return StepContract.from_json(arguments[arguments.index("--contract") + 1])
    except ValueError:  # of another version of ours
        return None


def _typed(value: Any, kind: ParameterKind | None) -> Value:
    # The server keeps all numbers as doubles.
    if kind is ParameterKind.INTEGER:
        return int(value)
    return value if isinstance(value, str | int | float) else json.dumps(value)
