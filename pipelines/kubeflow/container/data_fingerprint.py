"""The first step of a scheduled run: says what the data are now; see `pipelines.kubeflow.compile.data_at_start`."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor

from components.parameters import config_from
from learn2compress.config import DataConfig
from learn2compress.data.fingerprint import source_fingerprint
from pipelines.kubeflow.contract.step_contract import FINGERPRINT


class Executor(base_executor.BaseExecutor):
    """Takes the fingerprint of the data.

    Attributes:
      output_parameters: What other steps are given.
    """

    output_parameters: dict[str, str]

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Takes the fingerprint.

        Args:
          input_dict: Empty.
          output_dict: Empty.
          exec_properties: Where the data are.

        Raises:
          ConfigError: they are missing, or can't be listed or read.
        """
        self.output_parameters = {FINGERPRINT: source_fingerprint(config_from(DataConfig, exec_properties))}
