"""Runs one step's TFX executor on local folders, between what the driver says and what the launcher reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types.artifact import Artifact

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.container.code_check import check_code
from pipelines.kubeflow.container.executor_input import ExecutorInput, write_executor_output
from pipelines.kubeflow.container.metadata_mirror import record_execution
from pipelines.kubeflow.container.transient import with_patience
from pipelines.kubeflow.contract.artifact_types import load_class, metadata_of, properties_of, restore_artifact
from pipelines.kubeflow.contract.exec_properties import resolve_exec_properties
from pipelines.kubeflow.contract.mirror_settings import MirrorSettings
from pipelines.kubeflow.contract.step_contract import StepContract, ViewKind
from pipelines.kubeflow.contract.ui_views import write_view

# An object store has no empty folders: without a file in it an output could not be fetched by the next step.
_EMPTY_FILE = ".empty"


def execute(contract: StepContract, executor_input: ExecutorInput) -> None:
    """Executes a step and writes its `ExecutorOutput`.

    Args:
      contract: What the compiler says about the step.
      executor_input: What the driver says.

    Raises:
      ConfigError: what the step was given is not accepted, by this entrypoint or by the executor.
      Exception: the executor failed.
    """
    for name in (*contract.outputs, *contract.views):
        if name not in executor_input.outputs:
            raise ConfigError(
                f"--executor-input: there is no output {name!r} in it; compile again with the code of the image"
            )
    properties = resolve_exec_properties(contract, executor_input.typed_parameters(contract.parameters))
    check_code(contract, properties)
    mirror = MirrorSettings.of(os.environ)
    inputs = _inputs(contract, executor_input)
    with record_execution(mirror, contract, executor_input, properties) as publish:
        folders = [executor_input.outputs[name].path for name in contract.outputs]
        outputs, parameters = with_patience(
            lambda: _run_executor(contract, executor_input, inputs, properties),
            clean_up=lambda: _remove(folders),
        )
        metadata = _metadata(contract, executor_input, outputs)
        publish(outputs)
    write_executor_output(executor_input, metadata, parameters)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)


def _run_executor(
    contract: StepContract,
    executor_input: ExecutorInput,
    inputs: dict[str, list[Artifact]],
    properties: dict[str, Any],
) -> tuple[dict[str, Artifact], Mapping[str, str]]:
    """Runs the executor; returns its outputs, and what other steps are given."""
    outputs = {name: _new_output(path, executor_input.outputs[name].path) for name, path in contract.outputs.items()}
    with tempfile.TemporaryDirectory() as folder:
        context = base_executor.BaseExecutor.Context(tmp_dir=folder, unique_id=contract.component)
        executor = load_class(contract.executor)(context)
        executor.Do(inputs, {name: [artifact] for name, artifact in outputs.items()}, properties)
    return outputs, getattr(executor, "output_parameters", {})


def _inputs(contract: StepContract, executor_input: ExecutorInput) -> dict[str, list[Artifact]]:
    found = {}
    for name, class_path in contract.inputs.items():
        if name not in executor_input.inputs:
            raise ConfigError(
                f"--executor-input: there is no input {name!r} in it; compile again with the code of the image"
            )
        given = executor_input.inputs[name]
        found[name] = [restore_artifact(load_class(class_path), str(given.path), given.metadata)]
    return found


def _new_output(class_path: str, path: Path) -> Artifact:
    path.mkdir(parents=True, exist_ok=True)
    return restore_artifact(load_class(class_path), str(path), {})


def _metadata(
    contract: StepContract, executor_input: ExecutorInput, outputs: Mapping[str, Artifact]
) -> dict[str, dict[str, Any]]:
    found = {}
    for name, artifact in outputs.items():
        folder = Path(artifact.uri)
        if not any(folder.iterdir()):
            (folder / _EMPTY_FILE).touch()
        properties = properties_of(artifact)
        found[name] = metadata_of(contract.pipeline, contract.component, name, artifact.type_name, properties)
    for name, view in contract.views.items():
        drawn = write_view(view.kind, outputs[view.source], executor_input.outputs[name].path)
        # Each entry of metrics is a number of its own: a later backend refuses text, 2.17 shows it among the numbers.
        is_named = view.kind is not ViewKind.METRICS
        found[name] = (
            metadata_of(contract.pipeline, contract.component, name, view.kind.value, drawn) if is_named else drawn
        )
    return found
