"""`Quantize`: trains one student for 8 bits and converts it to the file that ships."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Examples, LiteRtModel, Student, TeacherLogits
from components.parameters import exec_properties_of, json_of, parameters_of
from components.quantize.executor import Executor
from learn2compress.config import QuantizeConfig, TaskConfig, TrainingConfig


class QuantizeSpec(ComponentSpec):
    """A float student in, a LiteRT file with its metadata out."""

    PARAMETERS = parameters_of(
        QuantizeConfig, student_name=str, family_name=str, task=str, training=str, min_layer_weights=int,
        seed=int, checkpoint_root=str, code_digest=str
    )  # fmt: skip
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "teacher_logits": ChannelParameter(type=TeacherLogits),
        "student": ChannelParameter(type=Student),
    }
    OUTPUTS = {"model": ChannelParameter(type=LiteRtModel)}


class Quantize(base_component.BaseComponent):
    """Quantization-aware training that keeps pruned weights at zero, then conversion to full int8."""

    SPEC_CLASS = QuantizeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        student: channel.BaseChannel,
        quantize: QuantizeConfig,
        min_layer_weights: int,
        student_name: str,
        family_name: str,
        task: TaskConfig,
        training: TrainingConfig,
        seed: int,
        checkpoint_root: str,
        code_digest: str,
    ):
        spec = QuantizeSpec(
            examples=examples,
            teacher_logits=teacher_logits,
            student=student,
            model=channel.Channel(type=LiteRtModel),
            **exec_properties_of(quantize),
            student_name=student_name,
            family_name=family_name,
            task=json_of(task),
            training=json_of(training),
            min_layer_weights=min_layer_weights,
            seed=seed,
            checkpoint_root=checkpoint_root,
            code_digest=code_digest,
        )
        super().__init__(spec=spec)
