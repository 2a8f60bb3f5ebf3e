"""Where the students' networks come from: a joint training, a family that they are picked from, the teacher itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types.channel import BaseChannel

from components.artifacts import TRAINED_TEACHER_OUTPUT
from components.family_trainer.component import FamilyTrainer
from components.joint_distill_trainer.component import JointDistillTrainer
from components.pick.component import Pick
from components.teacher_as_student.component import TeacherAsStudent
from learn2compress.config import CompressionConfig, FamilyConfig, StudentConfig
from learn2compress.steps.training_inputs import TrainingSettings
from learn2compress.teachers.members import member_field, members_of
from pipelines.provenance import Provenance


class StudentNetworks(NamedTuple):
    """The students before anything is pruned.

    Attributes:
      components: That they come from.
      students: Each by name.
      teacher: Whose signal fine-tuning follows: the teacher as the joint training left it, where it learned.
      family: What students were picked from; `None` where each was trained.
    """

    components: list[BaseComponent]
    students: Mapping[str, BaseChannel]
    teacher: BaseChannel
    family: BaseChannel | None = None


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
        """Returns who trains, if anybody does, and a component for each picked student and each copy of the teacher."""
        components: list[BaseComponent] = []
        students: dict[str, BaseChannel] = {}
        signal, family = self.teacher, None
        if self.config.family is not None:
            family_trainer = self._family_trainer(self.config.family)
            family = family_trainer.outputs["family"]
            picks = {
                student.name: self._pick(student, family, self.config.family) for student in self.config.picked_students
            }
            components += [family_trainer, *picks.values()]
            students |= {name: pick.outputs["picked"] for name, pick in picks.items()}
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
        return StudentNetworks(components, students, signal, family)

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

    def _family_trainer(self, family: FamilyConfig) -> BaseComponent:
        return FamilyTrainer(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            family_settings=family,
            settings=self.settings,
            code_digest=self.code["family_trainer"],
        )

    def _pick(self, student: StudentConfig, family: BaseChannel, family_settings: FamilyConfig) -> BaseComponent:
        return Pick(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            family=family,
            family_settings=family_settings,
            student=student,
            settings=self.settings,
            code_digest=self.code["pick"],
        ).with_id(f"Pick.{student.name}")

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
