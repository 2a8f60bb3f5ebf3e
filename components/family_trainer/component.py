"""`FamilyTrainer`: trains one network of many sub-networks, from which students are picked."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Family
from components.component_spec import fill_spec
from components.family_trainer.executor import Executor
from components.parameters import parameters_of
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import FamilyConfig
from learn2compress.steps.training_inputs import TrainingSettings


class FamilyTrainerSpec(ComponentSpec):
    """Examples and the teacher in; a family of sub-networks out, each measured."""

    PARAMETERS = parameters_of(**TRAINING_PARAMETERS, family_settings=str)
    INPUTS = TRAINING_INPUTS
    OUTPUTS = {"family": ChannelParameter(type=Family)}


class FamilyTrainer(base_component.BaseComponent):
    """Trains a family from the teacher's signal, and measures every sub-network.

    Nothing of the students that are picked from it is a parameter: another pick finds it in the cache.

    Args:
      examples: From `Ingest`.
      teacher: From `TeacherLoad`.
      teacher_logits: From `TeacherLoad`; empty where the teacher is live.
      family_settings: Widths, depths and input sizes.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = FamilyTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        family_settings: FamilyConfig,
        settings: TrainingSettings,
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(FamilyTrainerSpec, locals()))
