"""One whole compression, and the rules between its parts."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, TypeVar

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.beam import BeamConfig
from learn2compress.config.compression_steps import PushConfig, QuantizeConfig
from learn2compress.config.data import DataConfig, RepeatedTexts, TaskConfig, TaskKind, TextFeatures
from learn2compress.config.evaluation import ConstraintsConfig, EvaluateConfig
from learn2compress.config.family import FamilyConfig, check_family
from learn2compress.config.fields import STRICT, Name
from learn2compress.config.kubernetes import KubernetesConfig
from learn2compress.config.pruning import PruneConfig
from learn2compress.config.report import ReportConfig
from learn2compress.config.search import SearchConfig
from learn2compress.config.students import StudentConfig
from learn2compress.config.teacher import TeacherConfig, TeacherTraining
from learn2compress.config.training import DEFAULT_VALIDATION_RATIO, OWN_ARCHITECTURES, Sharing, TrainingConfig

T = TypeVar("T")

# Outputs of the training that stand beside the students.
_RESERVED_NAMES = frozenset({"teacher", "trained_teacher", "training_logs"})


@dataclass(frozen=True, config=STRICT)
class CompressionConfig:
    """One compression: a teacher goes in, pushed students come out."""

    name: Name
    """Name of the pipeline in lineage and on dashboards."""
    teacher: TeacherConfig
    students: tuple[StudentConfig, ...]
    task: TaskConfig = dataclasses.field(default_factory=TaskConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    prune: PruneConfig = dataclasses.field(default_factory=PruneConfig)
    quantize: QuantizeConfig = dataclasses.field(default_factory=QuantizeConfig)
    search: SearchConfig | None = None
    """With it, sparsity, pruning method and recipe are searched for, and each student becomes several variants; with
    its `family`, students are picked from one network of many sub-networks."""
    evaluate: EvaluateConfig = dataclasses.field(default_factory=EvaluateConfig)
    constraints: ConstraintsConfig = dataclasses.field(default_factory=ConstraintsConfig)
    report: ReportConfig = dataclasses.field(default_factory=ReportConfig)
    push: PushConfig = dataclasses.field(default_factory=PushConfig)
    # The next two are left out where the configuration is written down: where it runs must not change its results.
    beam: Annotated[BeamConfig, Field(exclude=True)] = dataclasses.field(default_factory=BeamConfig)
    """Who does the work of the steps that use Apache Beam."""
    kubernetes: Annotated[KubernetesConfig, Field(exclude=True)] = dataclasses.field(default_factory=KubernetesConfig)
    """On Kubeflow: what the steps ask of the cluster."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random; the same seed gives the same files."""

    @field_validator("students")
    @classmethod
    def _check_students(cls, students: tuple[StudentConfig, ...]) -> tuple[StudentConfig, ...]:
        if not 1 <= len(students) <= 16:
            raise ValueError(f"accepts 1 to 16 students, found {len(students)}")
        for student in students:
            if student.name in _RESERVED_NAMES:
                raise ValueError(
                    f"found a student named {student.name!r}, accepted is any other name: results beside the "
                    "students are called so"
                )
        names = [student.name for student in students]
        if len(set(names)) != len(names):
            raise ValueError(f"accepts each name once, found {names}")
        trained = [student for student in students if not student.is_teacher]
        if trained and all(student.joins_after_ratio for student in trained):
            raise ValueError("accepts at least one student with joins_after_ratio 0, found none: nobody would train")
        return students

    @model_validator(mode="after")
    def _check(self) -> CompressionConfig:
        if self.family is not None:
            check_family(self, self.family)
        self._check_sizes()
        self._check_own_network()
        self._check_signal()
        self._check_architecture()
        self._check_text()
        self._check_validation()
        names = self.shipped_names
        if len(set(names)) != len(names):
            raise ValueError(f"students: accepts each name of a variant once, found {names}")
        for student in self.students:
            self.prune_of(student)
            self.quantize_of(student)
        self._check_search()
        return self

    def _check_search(self) -> None:
        """Refuses what a search would silently leave out, since it prunes each try in its own way."""
        for student in self.students if self.trials is not None else ():
            prune, field = self.prune_of(student), f"students.{student.name}.prune" if student.prune else "prune"
            if prune.layer_sparsity_ratios:
                raise ValueError(
                    f"{field}.layer_sparsity_ratios: found some beside a search, accepted are none: "
                    "search.back_off_trials finds them by itself"
                )
            if prune.sensitivity:
                raise ValueError(f"{field}.sensitivity: found true beside a search, accepted is false")

    def _check_sizes(self) -> None:
        training, deepest = self.training, self.training.num_stages
        if training.pretrained is not None and self.task.kind is not TaskKind.IMAGE:
            raise ValueError(
                "training.pretrained: found a pretrained trunk for a text task, accepted is one for an image task"
            )
        sizes = []
        for index, student in enumerate(self.students):
            if student not in self.trained_students:
                continue
            stage = student.stage or deepest
            if stage > deepest:
                raise ValueError(
                    f"students.{index}.stage: found {stage}, accepted is 1 to {deepest}, the number of training.stages"
                )
            if training.sharing is Sharing.PREFIX and student.width != 1.0:
                raise ValueError(
                    f"students.{index}.width: found {student.width} with sharing 'prefix', accepted is 1: "
                    "all students have the trunk's width"
                )
            if training.pretrained is not None and student.budget is not None:
                raise ValueError(
                    f"students.{index}.budget: found one with a pretrained trunk, accepted is a stage: "
                    "the width of a trained model is what it is"
                )
            if training.sharing is Sharing.HYBRID and stage <= training.shared_stages:
                raise ValueError(
                    f"students.{index}.stage: found {stage}, accepted is {training.shared_stages + 1} to {deepest}: "
                    "behind training.shared_stages"
                )
            budget = None if training.sharing is Sharing.PREFIX else student.budget
            sizes.append((stage, student.width, budget))
        if len(set(sizes)) != len(sizes):
            what = "stage" if training.sharing is Sharing.PREFIX else "stage and width"
            raise ValueError(f"students: accepts each {what} once, found {[(s, w) for s, w, _ in sizes]}")

    def _check_own_network(self) -> None:
        """Refuses an ensemble as a student, and what nobody uses where the teacher's network is the only student."""
        own = next((index for index, student in enumerate(self.students) if student.is_teacher), None)
        if own is None:
            return
        if self.teacher.ensemble:
            raise ValueError(
                f"students.{own}.network: found 'teacher' with teacher.ensemble, accepted is a single teacher: several "
                "networks are not one student"
            )
        if self.own_students != self.students:
            return
        alone = "beside students of network 'teacher' alone, which no joint training trains"
        if self.training.pretrained is not None:
            raise ValueError(
                f"training.pretrained: found it {alone}, accepted is none, or a student that starts from it"
            )
        if self.teacher.training is TeacherTraining.JOINT:
            raise ValueError(f"teacher.training: found 'joint' {alone}, accepted is 'fixed'")

    def _check_signal(self) -> None:
        augment, teacher = self.training.augment, self.teacher
        if augment.is_active and self.task.kind is not TaskKind.IMAGE:
            raise ValueError("training.augment: found augmentation of a text task, accepted is that of an image task")
        if self.evaluate.corruptions and self.task.kind is not TaskKind.IMAGE:
            raise ValueError("evaluate.corruptions: found some for a text task, accepted are those of an image task")
        if augment.mixes and not teacher.is_live:
            raise ValueError(
                "training.augment: found mixup or cutmix with cached logits, accepted is teacher.signal 'live': "
                "the teacher must see the mixed images"
            )
        if self.training.distillation.hint_weight and (not teacher.is_live or teacher.ensemble):
            raise ValueError(
                "training.distillation.hint_weight: found hints without one live teacher, accepted is "
                "teacher.signal 'live' and no ensemble"
            )

    def _check_architecture(self) -> None:
        """Refuses an architecture of this package for the other kind of task; another package's is known once built."""
        name, kind = self.training.architecture, self.task.kind
        others = [other for other, names in OWN_ARCHITECTURES.items() if name in names and other is not kind]
        if others:
            raise ValueError(
                f"training.architecture: found {name!r}, which is for {others[0].value} tasks, accepted for a task of "
                f"kind {kind.value} are {', '.join(OWN_ARCHITECTURES[kind])}, or none for the default"
            )

    def _check_text(self) -> None:
        if self.task.kind is not TaskKind.TEXT:
            if self.data.repeated_texts is RepeatedTexts.KEEP:
                raise ValueError(
                    "data.repeated_texts: found 'keep' for an image task, accepted is 'remove': an image that recurs "
                    "is a copy"
                )
            return
        architecture, features = self.training.architecture, self.task.text_features
        if architecture in (None, "projection") and features is TextFeatures.HASHED_WORDS:
            raise ValueError(
                "task.text_features: found 'hashed_words' with training.architecture 'projection', accepted are "
                "hashed_ngrams and projection: a word's number is no quantity"
            )
        if architecture == "embedding" and features is not TextFeatures.HASHED_WORDS:
            raise ValueError(
                f"task.text_features: found {features.value!r} with training.architecture 'embedding', "
                "accepted is hashed_words"
            )

    def _check_validation(self) -> None:
        """Refuses two sources of the examples to choose by."""
        ratio = self.training.validation_ratio
        if self.data.validation_uri is not None and ratio not in (0.0, DEFAULT_VALIDATION_RATIO):
            raise ValueError(
                f"training.validation_ratio: found {ratio} beside data.validation_uri, accepted is none: the examples "
                "to choose by are those of data.validation_uri, and no training example is kept back"
            )

    @property
    def trained_students(self) -> tuple[StudentConfig, ...]:
        """Returns the students that the joint training trains: neither the teacher's own network nor picked ones."""
        return () if self.family is not None else self._built_students

    @property
    def picked_students(self) -> tuple[StudentConfig, ...]:
        """Returns the students that are picked from a family."""
        return self._built_students if self.family is not None else ()

    @property
    def own_students(self) -> tuple[StudentConfig, ...]:
        """Returns the students that are the teacher's own network."""
        return tuple(student for student in self.students if student.is_teacher)

    @property
    def _built_students(self) -> tuple[StudentConfig, ...]:
        return tuple(student for student in self.students if not student.is_teacher)

    @property
    def family(self) -> FamilyConfig | None:
        """Returns the network of many sub-networks that students are picked from; `None` where each is trained."""
        return self.search.family if self.search is not None else None

    @property
    def trials(self) -> SearchConfig | None:
        """Returns the search over compressions; `None` where each student is compressed in one way."""
        return self.search if self.family is None else None

    @property
    def shipped_names(self) -> list[str]:
        """Returns the names of what may be pushed: the students, or the variants of each that a search finds."""
        if self.trials is None:
            return [student.name for student in self.students]
        ranks = range(1, self.trials.variants + 1)
        return [variant_name(student.name, rank) for student in self.students for rank in ranks]

    def prune_of(self, student: StudentConfig) -> PruneConfig:
        """Returns the pruning settings of one student: the common ones with its own over them."""
        return _override(self.prune, student.prune, f"students.{student.name}.prune")

    def quantize_of(self, student: StudentConfig) -> QuantizeConfig:
        """Returns the quantization settings of one student: the common ones with its own over them."""
        return _override(self.quantize, student.quantize, f"students.{student.name}.quantize")


def variant_name(student_name: str, rank: int) -> str:
    """Returns the name of a variant that a search found.

    Args:
      student_name: Of the student that it is a variant of.
      rank: Its place among the student's variants; 1 is the most accurate.
    """
    return f"{student_name}_{rank}"


def _override(common: T, own: dict[str, Any], field: str) -> T:
    from learn2compress.config.parsing import parse, to_dict

    return parse(type(common), to_dict(common) | own, field) if own else common
