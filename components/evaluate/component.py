"""`Evaluate`: measures the file that ships, and `EvaluateTeacher` what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Evaluation, Examples, LiteRtModel, Student, Teacher
from components.component_spec import fill_spec
from components.evaluate.executor import Executor, TeacherExecutor
from components.parameters import parameters_of
from learn2compress.config import EvaluateConfig, ReportConfig, TaskConfig


class EvaluateSpec(ComponentSpec):
    """A LiteRT file, the float student it came from, the teacher and what was measured on it in; measurements out."""

    PARAMETERS = parameters_of(
        EvaluateConfig, ReportConfig, student_name=str, task=str, seed=int, beam_options=str, code_digest=str
    )
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "teacher": ChannelParameter(type=Teacher),
        "baseline": ChannelParameter(type=Evaluation),
        "student": ChannelParameter(type=Student),
        "model": ChannelParameter(type=LiteRtModel),
    }
    OUTPUTS = {"evaluation": ChannelParameter(type=Evaluation)}


class Evaluate(base_component.BaseComponent):
    """Measures quality, size, latency and memory of one LiteRT file, beside the teacher's.

    Args:
      examples: From `Ingest`; the shards of a large held-out split are shared by Beam's workers.
      teacher: Its file is timed in the same rounds.
      baseline: From `EvaluateTeacher`.
      student: The float student that the file was made from.
      model: The file.
      evaluate: How to measure.
      report: Whether held-out examples are kept to be shown.
      student_name: The student's name.
      task: The examples' kind and shape.
      seed: Of the examples that are taken at random.
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
        baseline: channel.BaseChannel,
        student: channel.BaseChannel,
        model: channel.BaseChannel,
        evaluate: EvaluateConfig,
        report: ReportConfig,
        student_name: str,
        task: TaskConfig,
        seed: int,
        beam_options: Sequence[str],
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(EvaluateSpec, locals()))


class EvaluateTeacherSpec(ComponentSpec):
    """The teacher as a LiteRT file in, measurements out."""

    PARAMETERS = parameters_of(EvaluateConfig, task=str, beam_options=str, code_digest=str)
    INPUTS = {"examples": ChannelParameter(type=Examples), "teacher": ChannelParameter(type=Teacher)}
    OUTPUTS = {"evaluation": ChannelParameter(type=Evaluation)}


class EvaluateTeacher(base_component.BaseComponent):
    """Measures the teacher as the students are: the baseline of every comparison.

    A step of its own, so that measuring otherwise trains nothing again.

    Args:
      examples: From `Ingest`.
      teacher: From `TeacherLoad`.
      evaluate: How to measure.
      task: The examples' kind and shape.
      beam_options: Options of Apache Beam. The workers must be able to read the pipeline root.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = EvaluateTeacherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TeacherExecutor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        evaluate: EvaluateConfig,
        task: TaskConfig,
        beam_options: Sequence[str],
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(EvaluateTeacherSpec, locals()))
