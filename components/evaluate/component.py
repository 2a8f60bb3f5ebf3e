"""`Evaluate`: measures the file that ships."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Evaluation, Examples, LiteRtModel, Student, Teacher
from components.evaluate.executor import Executor
from components.parameters import exec_properties_of, json_of, parameters_of
from learn2compress.config import EvaluateConfig, TaskConfig


class EvaluateSpec(ComponentSpec):
    """A LiteRT file, the float student it came from and the teacher in; measurements out."""

    PARAMETERS = parameters_of(EvaluateConfig, student_name=str, task=str, beam_options=str, code_digest=str)
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "teacher": ChannelParameter(type=Teacher),
        "student": ChannelParameter(type=Student),
        "model": ChannelParameter(type=LiteRtModel),
    }
    OUTPUTS = {"evaluation": ChannelParameter(type=Evaluation)}


class Evaluate(base_component.BaseComponent):
    """Quality, size, latency and memory of one LiteRT file, beside the teacher's.

    Args:
      examples: From `Ingest`; the shards of a large held-out split are shared by Beam's workers.
      teacher: The baseline.
      student: The float student that the file was made from.
      model: The file.
      evaluate: How to measure.
      student_name: The student's name.
      task: The examples' kind and shape.
      beam_options: Options of Apache Beam. The workers must be able to read the pipeline root.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = EvaluateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        student: channel.BaseChannel,
        model: channel.BaseChannel,
        evaluate: EvaluateConfig,
        student_name: str,
        task: TaskConfig,
        beam_options: Sequence[str],
        code_digest: str,
    ):
        spec = EvaluateSpec(
            examples=examples,
            teacher=teacher,
            student=student,
            model=model,
            evaluation=channel.Channel(type=Evaluation),
            **exec_properties_of(evaluate),
            student_name=student_name,
            task=json_of(task),
            beam_options=json.dumps(list(beam_options)),
            code_digest=code_digest,
        )
        super().__init__(spec=spec)
