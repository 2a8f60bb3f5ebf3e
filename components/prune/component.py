"""`Prune`: makes one student sparse."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Sensitivity, Student
from components.component_spec import fill_spec
from components.parameters import parameters_of
from components.prune.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import PruneConfig
from learn2compress.steps.training_inputs import TrainingSettings


class PruneSpec(ComponentSpec):
    """A student in, a sparse or a narrower one out; and its sensitivity where `prune.sensitivity` asks for it."""

    PARAMETERS = parameters_of(PruneConfig, student_name=str, **TRAINING_PARAMETERS)
    INPUTS = {**TRAINING_INPUTS, "student": ChannelParameter(type=Student)}
    OUTPUTS = {
        "pruned": ChannelParameter(type=Student),
        "layer_sensitivity": ChannelParameter(type=Sensitivity, optional=True),
    }


class Prune(base_component.BaseComponent):
    """Prunes one student along a schedule, weights or whole channels, with distilled fine-tuning.

    Args:
      examples: From `Ingest`.
      teacher: Whose signal the training follows.
      teacher_logits: The same, stored, unless the teacher is live.
      student: The student as the joint training left it.
      student_name: Its name.
      prune: How to prune it.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = PruneSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        student: channel.BaseChannel,
        student_name: str,
        prune: PruneConfig,
        settings: TrainingSettings,
        code_digest: str,
    ):
        arguments = locals()
        optional = ("layer_sensitivity",) if prune.sensitivity else ()
        super().__init__(spec=fill_spec(PruneSpec, arguments, optional_outputs=optional))
