"""TFX component that turns stored examples into validated, split TFRecord shards."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel_utils, component_spec

from components.artifacts import DataStatistics, Examples
from components.ingest.executor import Executor
from components.parameters import exec_properties_of, json_of, parameters_of
from learn2compress.config import DataConfig, TaskConfig


class IngestSpec(component_spec.ComponentSpec):
    """Parameters and outputs of `Ingest`."""

    PARAMETERS = parameters_of(DataConfig, task=str, data_fingerprint=str, beam_options=str, code_digest=str)
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        "examples": component_spec.ChannelParameter(type=Examples),
        "statistics": component_spec.ChannelParameter(type=DataStatistics),
    }


class Ingest(base_component.BaseComponent):
    """Reads examples of any accepted format, validates and splits them, and computes their statistics.

    Args:
      data: Where the examples are, and how they are read and split.
      task: What a student receives.
      data_fingerprint: `learn2compress.data.sources.source_fingerprint(data)`: a
        change makes the step run again.
      beam_options: Options of Apache Beam. The workers must be able to write below the pipeline root.
      code_digest: Digest of the code that the step runs: so does a change of it.
    """

    SPEC_CLASS = IngestSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, data: DataConfig, task: TaskConfig, data_fingerprint: str, beam_options: Sequence[str], code_digest: str
    ):
        super().__init__(
            IngestSpec(
                **exec_properties_of(data),
                task=json_of(task),
                data_fingerprint=data_fingerprint,
                beam_options=json.dumps(list(beam_options)),
                code_digest=code_digest,
                examples=channel_utils.as_channel([Examples()]),
                statistics=channel_utils.as_channel([DataStatistics()]),
            )
        )
