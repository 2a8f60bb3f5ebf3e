"""What may change from one run of a compiled package to the next, and where it goes.

A run parameter is a field of the configuration or of the provenance. Which
parameters of which components depend on it is not written down anywhere: the
graph is built a second time with a mark in the place of each run parameter,
and the marks are looked for.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tfx.dsl.components.base.base_component import BaseComponent

from learn2compress.config import CompressionConfig
from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget, Value
from pipelines.pipeline import create_components
from pipelines.provenance import Provenance

# Numbers that no other setting of the places they are looked for in has; a second one if a run parameter has the first.
_NUMBER_MARKS = (9973, 9967)


@dataclasses.dataclass(frozen=True)
class PipelineArguments:
    """What a graph is built from.

    Attributes:
      config: What to do.
      provenance: Digests of data, teacher and code.
      checkpoint_root: Folder for training state that survives a kill.
    """

    config: CompressionConfig
    provenance: Provenance
    checkpoint_root: str

    def components(self) -> list[BaseComponent]:
        """Creates the components, in topological order."""
        return create_components(self.config, self.provenance, self.checkpoint_root)


@dataclasses.dataclass(frozen=True)
class RunParameter:
    """A parameter of the whole pipeline.

    Attributes:
      name: As people set it.
      kind: Its type.
      default: The value of the configuration that was compiled.
      description: What it is, for the form that starts a run.
    """

    name: str
    kind: ParameterKind
    default: Value
    description: str


_FIELDS = {
    "data_uri": ("config.data.uri", "Where the examples are."),
    "data_fingerprint": (
        "provenance.data_fingerprint",
        "Changes when the data behind data_uri have changed, so that they are read again; any text.",
    ),
    "teacher_uri": ("config.teacher.uri", "Where the teacher is; another one needs its teacher_sha256."),
    "teacher_sha256": ("provenance.teacher_sha256", "SHA-256 of the teacher, which is held against it."),
    "epochs": ("config.training.epochs", "Epochs of the joint training."),
    "seed": ("config.seed", "Seed of everything random; the same seed gives the same files."),
    "push_uri": ("config.push.uri", "Where selected students are pushed."),
    "checkpoint_root": (
        "checkpoint_root",
        "Folder or URL for the state of unfinished trainings; where it outlives a pod, a retried step goes on there.",
    ),
}


def run_parameters(arguments: PipelineArguments) -> tuple[RunParameter, ...]:
    """Returns the run parameters that this configuration has; without a data URI there is none to change."""
    found = []
    for name, (path, description) in _FIELDS.items():
        value = _get(arguments, path.split("."))
        if value is not None:
            found.append(RunParameter(name, ParameterKind.of(type(value)), value, description))
    return tuple(found)


def targets_of(arguments: PipelineArguments) -> dict[str, dict[str, list[ParameterTarget]]]:
    """Finds where the run parameters go: by component id and name of the run parameter.

    Raises:
      ValueError: the graph computes something from a run parameter, which a compiled package could not repeat.
    """
    marks, marked = _marks(arguments), arguments
    for mark, name in marks.items():
        marked = _put(marked, _FIELDS[name][0].split("."), mark)
    found: dict[str, dict[str, list[ParameterTarget]]] = {}
    for component, other in zip(arguments.components(), marked.components(), strict=True):
        targets = found.setdefault(component.id, {})
        for parameter, value in component.exec_properties.items():
            for path, leaf in _differences(_decoded(value), _decoded(other.exec_properties[parameter])):
                if not isinstance(leaf, int | str) or leaf not in marks:
                    raise ValueError(f"{component.id}.{parameter}: found a value computed from a run parameter: {leaf}")
                targets.setdefault(marks[leaf], []).append(ParameterTarget(parameter, path))
    return found


def _marks(arguments: PipelineArguments) -> dict[Value, str]:
    marks: dict[Value, str] = {}
    for parameter in run_parameters(arguments):
        if parameter.kind is ParameterKind.TEXT:
            marks[f"/run-parameter/{parameter.name}"] = parameter.name
        else:
            free = (mark + len(marks) for mark in _NUMBER_MARKS if mark + len(marks) != parameter.default)
            marks[next(free)] = parameter.name
    return marks


def _differences(one: Any, two: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    if isinstance(one, Mapping) and isinstance(two, Mapping) and one.keys() == two.keys():
        for key in one:
            yield from _differences(one[key], two[key], (*path, key))
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, pair in enumerate(zip(one, two, strict=True)):
            yield from _differences(*pair, (*path, index))
    elif one != two:
        yield path, two


def _decoded(value: Value) -> Any:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _get(owner: Any, path: list[str]) -> Any:
    for name in path:
        owner = getattr(owner, name)
    return owner


def _put(owner: Any, path: list[str], value: Value) -> Any:
    name, *rest = path
    return dataclasses.replace(owner, **{name: _put(getattr(owner, name), rest, value) if rest else value})
