"""Where the students' networks come from: a joint training, and the teacher itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types.channel import BaseChannel

from components.artifacts import TRAINED_TEACHER_OUTPUT
from components.joint_distill_trainer.component import JointDistillTrainer
from components.teacher_as_student.component import TeacherAsStudent
from learn2compress.config import CompressionConfig
from learn2compress.steps.training_inputs import TrainingSettings
from learn2compress.teachers.members import member_field, members_of
from pipelines.provenance import Provenance


class StudentNetworks(NamedTuple):
    """The students before anything is pruned.

    Attributes:
      components: That they come from.
      students: Each by name.
      teacher: Whose signal fine-tuning follows: the teacher as the joint training left it, where it learned.
    """

    components: list[BaseComponent]
    students: Mapping[str, BaseChannel]
    teacher: BaseChannel


@dataclasses.dataclass(frozen=True)
class Networks:
    """Makes the components that students come from.

    Attributes:
      config: What to do.
      examples: Of Ingest.
      teacher: Of TeacherLoad.
      teacher_logits: The same, stored.
      settings: What every training of the run is told.
      provenance: Digests of the teacher and of what students start from.
      code: Digests of the code behind each component.
    """

    config: CompressionConfig
    examples: BaseChannel
    teacher: BaseChannel
    teacher_logits: BaseChannel
    settings: TrainingSettings
    provenance: Provenance
    code: Mapping[str, str]

    def of_students(self) -> StudentNetworks:
        """Returns the joint trainer, unless it has nobody to train, and a component for each copy of the teacher."""
        components: list[BaseComponent] = []
        students: dict[str, BaseChannel] = {}
        signal = self.teacher
        if self.config.trained_students:
            trainer = self._trainer()
            components.append(trainer)
            students |= {student.name: trainer.outputs[student.name] for student in self.config.trained_students}
            signal = trainer.outputs.get(TRAINED_TEACHER_OUTPUT, self.teacher)
        for student in self.config.students:
            if student.is_teacher:
                own = self._teacher_as(student.name)
                components.append(own)
                students[student.name] = own.outputs["student"]
        return StudentNetworks(components, students, signal)

    def _trainer(self) -> BaseComponent:
        return JointDistillTrainer(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            students=self.config.trained_students,
            settings=self.settings,
            pretrained_sha256=self.provenance.pretrained_sha256,
            code_digest=self.code["joint_distill_trainer"],
        )

    def _teacher_as(self, name: str) -> BaseComponent:
        return TeacherAsStudent(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            member=members_of(self.config.teacher)[member_field(0)],
            teacher_sha256=self.provenance.teacher_sha256,
            student_name=name,
            settings=self.settings,
            code_digest=self.code["teacher_as_student"],
        ).with_id(f"TeacherAsStudent.{name}")
