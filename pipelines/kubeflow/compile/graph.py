"""The graph of TFX components as tasks: what each is given, and from where. Nothing here is about a file format."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types.artifact import Artifact

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.compile.run_parameters import PipelineArguments, RunParameter, run_parameters, targets_of
from pipelines.kubeflow.contract.artifact_types import class_path
from pipelines.kubeflow.contract.naming import kebab_name
from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget, StepContract, Value
from pipelines.kubeflow.contract.ui_views import declare_views

# A digest is still seen among the inputs of a task.
_LONGEST_PARAMETER = 64


@dataclasses.dataclass(frozen=True)
class FromRun:
    """A parameter's value is that of a run parameter.

    Attributes:
      name: The run parameter.
    """

    name: str


@dataclasses.dataclass(frozen=True)
class FromTask:
    """An input, or a parameter's value, is another task's output.

    Attributes:
      task: Name of the task.
      output: Name of its output.
    """

    task: str
    output: str


@dataclasses.dataclass(frozen=True)
class Task:
    """One step.

    Attributes:
      name: As Kubeflow has it.
      contract: What its container is told.
      input_classes: Artifact class of each input.
      output_classes: The same for outputs.
      parameters: Values.
      inputs: Where each input comes from.
      output_parameters: Texts that it gives to other tasks.
      is_cached: Whether what it made before may be taken from the cache.
    """

    name: str
    contract: StepContract
    input_classes: Mapping[str, type[Artifact]]
    output_classes: Mapping[str, type[Artifact]]
    parameters: Mapping[str, Value | FromRun | FromTask]
    inputs: Mapping[str, FromTask]
    output_parameters: tuple[str, ...] = ()
    is_cached: bool = True


@dataclasses.dataclass(frozen=True)
class TaskGraph:
    """A pipeline.

    Attributes:
      name: As Kubeflow has it.
      display_name: The configuration's name.
      run_parameters: What a run may change.
      tasks: In topological order.
    """

    name: str
    display_name: str
    run_parameters: tuple[RunParameter, ...]
    tasks: tuple[Task, ...]


def build_graph(arguments: PipelineArguments) -> TaskGraph:
    """Builds the graph of what `pipelines.pipeline.create_components` makes of the arguments.

    Raises:
      ConfigError: two names are the same once Kubeflow's rules are applied to them.
    """
    config, parameters = arguments.config, run_parameters(arguments)
    targets = targets_of(arguments)
    tasks = tuple(
        _task(component, config.name, targets[component.id], parameters) for component in arguments.components()
    )
    _check_unique([task.name for task in tasks], "steps")
    return TaskGraph(kebab_name(config.name), config.name, parameters, tasks)


def _task(
    component: BaseComponent,
    pipeline: str,
    targets: Mapping[str, list[ParameterTarget]],
    run: tuple[RunParameter, ...],
) -> Task:
    inputs = {key: channel.type for key, channel in component.inputs.items()}
    outputs = {key: channel.type for key, channel in component.outputs.items()}
    views = declare_views(outputs)
    _check_unique([*outputs, *views], f"outputs of {component.id}")
    kinds = {name: ParameterKind.of(component.spec.PARAMETERS[name].type) for name in component.exec_properties}
    values: dict[str, Value | FromRun | FromTask] = {
        name: float(value) if kinds[name] is ParameterKind.NUMBER else value
        for name, value in component.exec_properties.items()
    }
    overrides: dict[str, tuple[ParameterTarget, ...]] = {}
    for parameter in run:
        inside = tuple(target for target in targets.get(parameter.name, ()) if target.path)
        whole = [target.parameter for target in targets.get(parameter.name, ()) if not target.path]
        values.update(dict.fromkeys(whole, FromRun(parameter.name)))
        if inside:
            given_as = f"run_{parameter.name}"
            overrides[given_as], kinds[given_as] = inside, parameter.kind
            values[given_as] = FromRun(parameter.name)
    constants = {
        name: value for name, value in values.items() if isinstance(value, str) and len(value) > _LONGEST_PARAMETER
    }
    for name in constants:
        del values[name], kinds[name]
    contract = StepContract(
        pipeline=pipeline,
        component=component.id,
        component_type=component.type,
        executor=class_path(component.executor_spec.executor_class),
        inputs={key: class_path(kind) for key, kind in inputs.items()},
        outputs={key: class_path(kind) for key, kind in outputs.items()},
        parameters=kinds,
        overrides=overrides,
        views=views,
        constants=constants,
    )
    sources = {
        key: FromTask(kebab_name(channel.producer_component_id), channel.output_key)
        for key, channel in component.inputs.items()
    }
    return Task(kebab_name(component.id), contract, inputs, outputs, values, sources)


def _check_unique(names: list[str], what: str) -> None:
    twice = sorted(name for name, count in collections.Counter(names).items() if count > 1)
    if twice:
        raise ConfigError(
            f"students: found names that make {what} on Kubeflow the same: {', '.join(twice)}; "
            "accepted are names that differ in letters and digits"
        )
