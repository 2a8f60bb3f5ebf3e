"""What happens to one trained student: Prune and Quantize, or a search over both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types.channel import BaseChannel

from components.prune.component import Prune
from components.quantize.component import Quantize
from components.search.component import Search
from components.search.outputs import model_output, student_output
from learn2compress.config import CompressionConfig, SearchConfig, StudentConfig
from learn2compress.config.compression import variant_name
from learn2compress.steps.training_inputs import TrainingSettings


class CompressedStudent(NamedTuple):
    """A compressed student: the network, and the file it became."""

    student: BaseChannel
    model: BaseChannel


Branch = tuple[list[BaseComponent], dict[str, CompressedStudent]]


@dataclasses.dataclass(frozen=True)
class Branches:
    """Makes the branch of each student.

    Attributes:
      config: What to do.
      examples: Of Ingest.
      teacher: Whose signal fine-tuning follows.
      teacher_logits: The same, stored.
      settings: What every training of the run is told.
      code: Digests of the code behind each component.
    """

    config: CompressionConfig
    examples: BaseChannel
    teacher: BaseChannel
    teacher_logits: BaseChannel
    settings: TrainingSettings
    code: Mapping[str, str]

    def of(self, student: StudentConfig, trained: BaseChannel) -> Branch:
        """Returns the components of one student's branch, and the variants that come out of it.

        Args:
          student: The student.
          trained: The student as the joint training left it.

        Returns:
          Components in topological order, and compressed students by the name under which they ship.
        """
        search = self.config.trials
        return self._compressed(student, trained) if search is None else self._searched(student, trained, search)

    def _compressed(self, student: StudentConfig, trained: BaseChannel) -> Branch:
        prune = Prune(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            student=trained,
            prune=self.config.prune_of(student),
            student_name=student.name,
            settings=self.settings,
            code_digest=self.code["prune"],
        ).with_id(f"Prune.{student.name}")
        quantize = Quantize(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            student=prune.outputs["pruned"],
            quantize=self.config.quantize_of(student),
            min_layer_weights=self.config.prune_of(student).min_layer_weights,
            student_name=student.name,
            family_name=self.config.name,
            contact=self.config.push.contact or "",
            license=self.config.push.license or "",
            settings=self.settings,
            code_digest=self.code["quantize"],
        ).with_id(f"Quantize.{student.name}")
        return [prune, quantize], {student.name: CompressedStudent(prune.outputs["pruned"], quantize.outputs["model"])}

    def _searched(self, student: StudentConfig, trained: BaseChannel, search: SearchConfig) -> Branch:
        step = Search(
            examples=self.examples,
            teacher=self.teacher,
            teacher_logits=self.teacher_logits,
            student=trained,
            search=search,
            prune=self.config.prune_of(student),
            quantize=self.config.quantize_of(student),
            student_name=student.name,
            family_name=self.config.name,
            contact=self.config.push.contact or "",
            license=self.config.push.license or "",
            settings=self.settings,
            code_digest=self.code["search"],
        ).with_id(f"Search.{student.name}")
        found = {}
        for rank in range(1, search.variants + 1):
            variant = CompressedStudent(step.outputs[student_output(rank)], step.outputs[model_output(rank)])
            found[variant_name(student.name, rank)] = variant
        return [step], found
