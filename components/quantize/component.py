"""`Quantize`: turns one student into the file that ships, by the recipe that the configuration names."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import LiteRtModel, Student
from components.component_spec import fill_spec
from components.parameters import parameters_of
from components.quantize.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import QuantizeConfig
from learn2compress.steps.training_inputs import TrainingSettings


class QuantizeSpec(ComponentSpec):
    """A float student in, a LiteRT file with its metadata out."""

    PARAMETERS = parameters_of(
        QuantizeConfig,
        student_name=str,
        family_name=str,
        contact=str,
        license=str,
        min_layer_weights=int,
        **TRAINING_PARAMETERS,
    )
    INPUTS = {**TRAINING_INPUTS, "student": ChannelParameter(type=Student)}
    OUTPUTS = {"model": ChannelParameter(type=LiteRtModel)}


class Quantize(base_component.BaseComponent):
    """Trains a student for 8 bits with pruned weights at zero, or takes a recipe without training; then converts it.

    Args:
      examples: From `Ingest`.
      teacher: Whose signal the training follows.
      teacher_logits: The same, stored, unless the teacher is live.
      student: The pruned student.
      student_name: Its name.
      family_name: The configuration's name, which the file's metadata have, too.
      contact: Whom to ask about the file, likewise; empty for nobody.
      license: The file's licence, likewise; empty for none.
      quantize: The recipe, and how to train for it.
      min_layer_weights: The pruning's own: kernels at least this large keep their zeros.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = QuantizeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        student: channel.BaseChannel,
        student_name: str,
        family_name: str,
        contact: str = "",
        license: str = "",
        quantize: QuantizeConfig,
        min_layer_weights: int,
        settings: TrainingSettings,
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(QuantizeSpec, locals()))
