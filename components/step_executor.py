"""The executor that all steps derive from: it writes into each output which versions made it."""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types.artifact import Artifact

from components.step_code.step import MADE_WITH, StepCode

Artifacts = dict[str, list[Artifact]]


class StepExecutor(base_executor.BaseExecutor):
    """Runs a step and records the versions that this very process ran it with.

    A cached step makes no new artifacts, so its outputs keep the versions that made them.
    """

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the step, then sets the property `MADE_WITH` of every output.

        Args:
          input_dict: Artifacts to read, by input name.
          output_dict: Artifacts to write, by output name.
          exec_properties: The step's parameters.

        Raises:
          Exception: what `run` raises; then nothing is recorded.
        """
        versions = StepCode.of(type(self).__module__, _architecture(exec_properties)).versions()
        self.run(input_dict, output_dict, exec_properties)
        text = json.dumps(versions, sort_keys=True)
        for artifact in (artifact for artifacts in output_dict.values() for artifact in artifacts):
            artifact.set_string_custom_property(MADE_WITH, text)

    @abc.abstractmethod
    def run(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Does the step's own work.

        Args:
          input_dict: As for `Do`.
          output_dict: As for `Do`.
          exec_properties: As for `Do`.

        Raises:
          Exception: the step failed.
        """


def versions_of(artifact: Artifact) -> dict[str, str]:
    """Returns the versions that made an artifact, by package; empty where nobody recorded them."""
    if not artifact.has_custom_property(MADE_WITH):
        return {}
    found: dict[str, str] = json.loads(artifact.get_string_custom_property(MADE_WITH))
    return found


def _architecture(exec_properties: Mapping[str, Any]) -> str | None:
    """Returns the architecture that a training step names; a default is ours, and adds no package."""
    if "teacher_use" not in exec_properties:  # the teacher's own parameter `training` is something else
        return None
    name: str | None = json.loads(exec_properties["training"])["architecture"]
    return name
