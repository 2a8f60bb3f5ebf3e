"""`TeacherLoad`: checks the teacher, makes a LiteRT file of it, and computes its logits once where they serve."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Examples, Teacher, TeacherLogits
from components.component_spec import fill_spec
from components.parameters import parameters_of
from components.teacher_load.executor import Executor
from learn2compress.config import AugmentConfig, TaskConfig, TeacherConfig
from learn2compress.teachers.augmented_views import ViewPlan


class TeacherLoadSpec(ComponentSpec):
    """Examples in; the teacher as a LiteRT file and its logits for each of them out, or its files where it is live."""

    PARAMETERS = parameters_of(
        TeacherConfig, teacher_sha256=str, views=str, beam_options=str, task=str, code_digest=str
    )
    INPUTS = {"examples": ChannelParameter(type=Examples)}
    OUTPUTS = {
        "teacher": ChannelParameter(type=Teacher),
        "teacher_logits": ChannelParameter(type=TeacherLogits),
    }


class TeacherLoad(base_component.BaseComponent):
    """Refuses unsafe or mismatched teachers before they are loaded.

    Args:
      examples: From `Ingest`.
      teacher: Where the teachers are, and how their outputs are computed.
      teacher_sha256: Hash of all of them: a change makes the step run again.
      augment: How the training augments; logits are stored of `teacher.cached_views` views.
      seed: The run's seed, which decides the views.
      beam_options: Options of Apache Beam. The workers must be able to read the
        pipeline root, and a teacher that is given as a path.
      task: The examples' kind and shape.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = TeacherLoadSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: TeacherConfig,
        teacher_sha256: str,
        augment: AugmentConfig,
        seed: int,
        beam_options: Sequence[str],
        task: TaskConfig,
        code_digest: str,
    ):
        arguments = {
            "examples": examples,
            "teacher": teacher,
            "teacher_sha256": teacher_sha256,
            # Not the seed itself: without augmentation it changes nothing here.
            "views": ViewPlan.of(teacher, augment, seed),
            "beam_options": beam_options,
            "task": task,
            "code_digest": code_digest,
        }
        super().__init__(spec=fill_spec(TeacherLoadSpec, arguments))
