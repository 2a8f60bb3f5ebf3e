"""Reads what Kubeflow's driver tells a step, and writes what its launcher reads afterwards.

Both are JSON of the protocol buffers `ExecutorInput` and `ExecutorOutput`
(kubeflow/pipelines, api/v2alpha1/pipeline_spec.proto). The launcher refuses an
unknown field, and null is no value in either. It copies inputs from the object
store before the step, and outputs to it afterwards; a step sees folders alone
(backend/src/v2/component/launcher_v2.go).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.step_contract import ParameterKind, Value

# Where the launcher keeps its copies, by the scheme of the object store.
_FOLDERS = {"gs": "gcs", "s3": "s3", "minio": "minio"}


@dataclasses.dataclass(frozen=True)
class RuntimeArtifact:
    """An artifact of the step.

    Attributes:
      name: The backend's own number or name of it.
      uri: Where it is kept.
      path: The launcher's copy.
      metadata: What its producer said about it; empty for an output.
    """

    name: str
    uri: str
    path: Path
    metadata: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class ExecutorInput:
    """What a step works on.

    Attributes:
      parameters: As they came, numbers perhaps as doubles.
      inputs: Artifacts to read, by input name.
      outputs: Artifacts to write, by output name; the backend may have added some.
      output_file: Where the launcher looks for the outputs' metadata.
    """

    parameters: Mapping[str, Any]
    inputs: Mapping[str, RuntimeArtifact]
    outputs: Mapping[str, RuntimeArtifact]
    output_file: Path

    @classmethod
    def parse(cls, text: str, root: Path = Path("/")) -> ExecutorInput:
        """Parses the driver's JSON.

        Args:
          text: What `{{$}}` in the command was replaced by.
          root: Folder under which the launcher keeps its copies; the root of the file system in a cluster.

        Returns:
          What the step works on.

        Raises:
          ConfigError: it is something else.
        """
        try:
            content = json.loads(text)
            given, wanted = content.get("inputs", {}), content["outputs"]
            return cls(
                given.get("parameterValues", {}),
                _artifacts(given.get("artifacts", {}), root),
                _artifacts(wanted.get("artifacts", {}), root),
                Path(wanted["outputFile"]),
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(
                f"--executor-input can't be read ({type(error).__name__} {error}); Kubeflow Pipelines writes it for "
                "{{$}}"
            ) from None

    def typed_parameters(self, kinds: Mapping[str, ParameterKind]) -> dict[str, Value]:
        """Returns the parameters of these names, each of its kind.

        Raises:
          ConfigError: one is missing, or is of another kind.
        """
        return {name: _typed(name, self.parameters.get(name), kind) for name, kind in kinds.items()}


def write_executor_output(
    executor_input: ExecutorInput, metadata: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, str]
) -> None:
    """Tells the launcher each output's metadata; where the output is stays as the driver wanted it.

    Args:
      executor_input: What the step was told.
      metadata: By output name; text, finite numbers, lists and mappings of them.
      parameters: Texts for other steps, by the output parameter's name.
    """
    artifacts = {}
    for name, values in metadata.items():
        artifact = executor_input.outputs[name]
        entry = {"uri": artifact.uri, "metadata": dict(values)}
        artifacts[name] = {"artifacts": [{"name": artifact.name, **entry} if artifact.name else entry]}
    executor_input.output_file.parent.mkdir(parents=True, exist_ok=True)
    said = {"artifacts": artifacts, **({"parameterValues": dict(parameters)} if parameters else {})}
    content = json.dumps(said, allow_nan=False, sort_keys=True)
    executor_input.output_file.write_text(content, encoding="utf-8")


def _artifacts(lists: Mapping[str, Any], root: Path) -> dict[str, RuntimeArtifact]:
    found = {}
    for name, content in lists.items():
        if not content.get("artifacts"):
            continue
        artifact = content["artifacts"][0]
        # A volume may be mounted elsewhere than the URI says.
        custom_path = artifact.get("customPath")
        path = Path(custom_path) if custom_path else _local_path(artifact["uri"], root)
        found[name] = RuntimeArtifact(artifact.get("name", ""), artifact["uri"], path, artifact.get("metadata") or {})
    return found


def _local_path(uri: str, root: Path) -> Path:
    scheme, found, key = uri.partition("://")
    if not found and uri.startswith("/"):
        return Path(uri)
    if scheme not in _FOLDERS or ".." in key.split("/"):
        known = ", ".join(f"{name}://" for name in _FOLDERS)
        raise ConfigError(f"artifact URI {uri!r}: the launcher copies {known} alone; choose such a pipeline root")
    return root / _FOLDERS[scheme] / key


def _typed(name: str, value: Any, kind: ParameterKind) -> Value:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is ParameterKind.TEXT and isinstance(value, str):
        return value
    if kind is ParameterKind.NUMBER and is_number:
        return float(value)
    if kind is ParameterKind.INTEGER and is_number and float(value).is_integer():
        return int(value)
    raise ConfigError(f"parameter {name}: found {value!r}, accepted is a value of type {kind.value}")
