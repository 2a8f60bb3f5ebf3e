"""TFX component that turns stored examples into validated, split TFRecord shards."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import DataStatistics, Examples
from components.component_spec import fill_spec
from components.ingest.executor import Executor
from components.parameters import parameters_of
from learn2compress.config import DataConfig, TaskConfig


class IngestSpec(ComponentSpec):
    """Parameters and outputs of `Ingest`."""

    PARAMETERS = parameters_of(
        DataConfig,
        task=str,
        data_fingerprint=str,
        beam_options=str,
        family_name=str,
        checkpoint_root=str,
        code_digest=str,
    )
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {
        "examples": ChannelParameter(type=Examples),
        "statistics": ChannelParameter(type=DataStatistics),
    }


class Ingest(base_component.BaseComponent):
    """Reads examples of any accepted format, validates and splits them, and computes their statistics.

    Args:
      data: Where the examples are, and how they are read and split.
      task: What a student receives.
      data_fingerprint: From `learn2compress.data.fingerprint`: a change makes the step run again.
      beam_options: Options of Apache Beam. The workers must be able to write below the pipeline root.
      family_name: The configuration's name: the data are compared with those of the last run of this name.
      checkpoint_root: Folder, or fsspec URL of one, for state that outlives a run: there is what that run counted.
      code_digest: Digest of the code that the step runs: so does a change of it.
    """

    SPEC_CLASS = IngestSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        data: DataConfig,
        task: TaskConfig,
        data_fingerprint: str,
        beam_options: Sequence[str],
        family_name: str,
        checkpoint_root: str,
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(IngestSpec, locals()))
