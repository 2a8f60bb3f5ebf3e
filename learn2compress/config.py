"""The configuration of one compression: frozen dataclasses, one for each step.

These classes are the single truth of every parameter. The YAML file, the TFX
component parameters, `l2c validate` and the JSON schema for editors all derive
from them, and each range is checked when an object is built.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

T = TypeVar("T")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=4096)]


def _without_credentials(uri: str) -> str:
    if "@" in uri.partition("://")[2].partition("/")[0]:
        raise ValueError("found credentials in the URI, accepted is a URI without them: lineage would show them")
    return uri


Uri = Annotated[
    str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(_without_credentials)
]
LearningRate = Annotated[float, Field(gt=0.0, le=1.0)]


class TaskKind(StrEnum):
    """What the teacher classifies."""

    IMAGE = "image"
    TEXT = "text"


class DataFormat(StrEnum):
    """How the examples are stored; see `learn2compress.data.sources`."""

    DIGITS = "digits"
    IMAGE_FOLDER = "image_folder"
    NPZ = "npz"
    TFRECORD = "tfrecord"
    CSV = "csv"
    TSV = "tsv"
    IDX = "idx"


class TeacherOutput(StrEnum):
    """What the teacher's last layer returns."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"


class Sharing(StrEnum):
    """How the students of one run share parameters."""

    PREFIX = "prefix"


class DistillationLoss(StrEnum):
    """How a student follows the teacher; see `learn2compress.distillation`."""

    STANDARDIZED_LOGITS = "standardized_logits"
    TEMPERATURE = "temperature"


class QuantizationRecipe(StrEnum):
    """Number formats of the file that ships."""

    INT8_QAT = "int8_qat"


class Objective(StrEnum):
    """What orders the students that satisfy the constraints."""

    ACCURACY = "accuracy"
    SMALLEST = "smallest"
    FASTEST = "fastest"


class PushPolicy(StrEnum):
    """Which of the students that satisfy the constraints are pushed."""

    ALL = "all"
    BEST = "best"


@dataclass(frozen=True, config=_STRICT)
class TaskConfig:
    """What a student receives and returns."""

    kind: TaskKind = TaskKind.IMAGE
    """`image` or `text`."""
    input_shape: tuple[Size, ...] = (8, 8, 1)
    """Images: height, width, channels (1 or 3). Text: one number, the length of the hashed n-gram vector."""

    @model_validator(mode="after")
    def _check(self) -> TaskConfig:
        if self.kind is TaskKind.IMAGE and (len(self.input_shape) != 3 or self.input_shape[2] not in (1, 3)):
            raise ValueError("an image task accepts an input_shape of [height, width, 1 or 3]")
        if self.kind is TaskKind.TEXT and len(self.input_shape) != 1:
            raise ValueError("a text task accepts an input_shape of [number of hashed features]")
        return self


@dataclass(frozen=True, config=_STRICT)
class DataConfig:
    """Where the examples are and how `Ingest` reads and splits them."""

    format: DataFormat = DataFormat.DIGITS
    """How the examples are stored."""
    uri: Uri | None = None
    """Folder, file or glob of the examples, local or any fsspec URL; not used by `digits`."""
    held_out_uri: Uri | None = None
    """The held-out examples, where they are stored apart. Without it the split is by content hash."""
    held_out_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Share of the examples held out where they are not stored apart."""
    resize: bool = False
    """Resize images whose size differs from `task.input_shape`; otherwise they are bad records."""
    max_bad_ratio: Ratio = 0.0
    """Largest accepted share of unreadable records; above it the step fails."""
    num_shards: Annotated[int, Field(ge=1, le=1000)] = 1
    """Files that each split is written to."""
    beam_options: tuple[str, ...] = ("--runner=DirectRunner", "--direct_num_workers=1")
    """Apache Beam pipeline options, one string each."""

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if (self.format is DataFormat.DIGITS) != (self.uri is None):
            wanted = "no uri" if self.format is DataFormat.DIGITS else "a uri"
            raise ValueError(f"format {self.format.value!r} accepts {wanted}, found uri={self.uri!r}")
        if self.format is DataFormat.DIGITS and self.held_out_uri is not None:
            raise ValueError("format 'digits' accepts no held_out_uri")
        return self


@dataclass(frozen=True, config=_STRICT)
class InputScaling:
    """How pixels of 0..255 become what the teacher was trained on: `pixel * multiply + add`."""

    multiply: Annotated[float, Field(gt=0.0)] = 1.0 / 255.0
    add: float = 0.0


@dataclass(frozen=True, config=_STRICT)
class TeacherConfig:
    """The trained classifier that the students learn from."""

    uri: Uri
    """A `.keras` file, a `.h5` file or a SavedModel folder, local or any fsspec URL."""
    input_scaling: InputScaling = dataclasses.field(default_factory=InputScaling)
    """The teacher's own input scaling."""
    output: TeacherOutput | None = None
    """What the teacher returns. Left out, it is found by looking at the outputs; given, it is held against them."""
    batch_size: PositiveInt = 256
    """Examples in one forward pass of the teacher."""


@dataclass(frozen=True, config=_STRICT)
class PruneConfig:
    """Magnitude pruning with a cubic schedule (Zhu & Gupta, arXiv:1710.01878), then fine-tuning."""

    sparsity_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    """Share of each kernel's weights that become zero; 0 leaves the student as it is."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 6
    """Epochs of pruning and fine-tuning together."""
    ramp_ratio: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Share of the steps over which sparsity rises; the rest is fine-tuning."""
    learning_rate: LearningRate = 0.001
    """Highest learning rate; it falls along a cosine."""
    min_layer_weights: Annotated[int, Field(ge=1)] = 256
    """Kernels with fewer weights than this stay dense: they cost nothing and hurt first."""


@dataclass(frozen=True, config=_STRICT)
class QuantizeConfig:
    """Quantization-aware training to 8 bits (Jacob et al., arXiv:1712.05877)."""

    recipe: QuantizationRecipe = QuantizationRecipe.INT8_QAT
    """Number formats of the file that ships."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 4
    """Epochs of training with simulated 8-bit arithmetic."""
    learning_rate: LearningRate = 0.0003
    """Highest learning rate; it falls along a cosine."""


@dataclass(frozen=True, config=_STRICT)
class StudentConfig:
    """One student: a name, its depth, and where it differs from the common settings."""

    name: Name
    """Name in reports, lineage and file names: a lower-case letter, then letters, digits and underscores."""
    stage: Annotated[int, Field(ge=1, le=32)]
    """The trunk's stage after which this student leaves; 1 is the first."""
    prune: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Keys of `prune` that differ for this student."""
    quantize: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Keys of `quantize` that differ for this student."""


@dataclass(frozen=True, config=_STRICT)
class StageConfig:
    """One stage of the trunk: `blocks` residual blocks of `channels`; each stage but the first halves the image."""

    channels: Annotated[int, Field(ge=1, le=2048)]
    blocks: Annotated[int, Field(ge=1, le=64)] = 1


@dataclass(frozen=True, config=_STRICT)
class DistillationConfig:
    """The teacher's part in the loss."""

    loss: DistillationLoss = DistillationLoss.STANDARDIZED_LOGITS
    """`standardized_logits` (arXiv:2403.01427) or `temperature` (arXiv:1503.02531)."""
    temperature: Annotated[float, Field(gt=0.0, le=100.0)] = 2.0
    """Softens both distributions."""
    weight: Annotated[float, Field(ge=0.0, le=1000.0)] = 9.0
    """Weight of the teacher's loss."""
    label_weight: Annotated[float, Field(ge=0.0, le=1000.0)] = 1.0
    """Weight of the cross entropy with the labels."""


@dataclass(frozen=True, config=_STRICT)
class TrainingConfig:
    """Joint training of all students in one run."""

    sharing: Sharing = Sharing.PREFIX
    """`prefix`: one trunk, students leave it at increasing depth."""
    stages: tuple[StageConfig, ...] = (StageConfig(16, 1), StageConfig(32, 1), StageConfig(64, 1))
    """The shared trunk."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 30
    """Passes over the training split."""
    batch_size: Annotated[int, Field(ge=16, le=65536)] = 64
    """Examples in one step; at least 16, or batch statistics are noise. Also used by `prune` and `quantize`."""
    learning_rate: LearningRate = 0.003
    """Highest learning rate: linear warm-up, then a cosine."""
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the steps spent warming up."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0005
    """Decoupled weight decay (AdamW, arXiv:1711.05101) of kernels."""
    shuffle_buffer: PositiveInt = 20000
    """Examples held in memory to shuffle; smaller bounds memory, larger mixes better."""
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    """The teacher's part in the loss; also used by `prune` and `quantize`."""

    @field_validator("stages")
    @classmethod
    def _check(cls, stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
        if not 1 <= len(stages) <= 32:
            raise ValueError(f"accepts 1 to 32 stages, found {len(stages)}")
        return stages


@dataclass(frozen=True, config=_STRICT)
class EvaluateConfig:
    """How each file is measured."""

    top_k: Annotated[int, Field(ge=2, le=100)] = 3
    """Also report top-k accuracy, where there are more than k classes."""
    latency_rounds: Annotated[int, Field(ge=3, le=10000)] = 30
    """Rounds of latency measurement, each interleaved with the teacher."""
    latency_runs: Annotated[int, Field(ge=1, le=10000)] = 10
    """Inferences in one round."""
    num_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Interpreter threads for latency."""


@dataclass(frozen=True, config=_STRICT)
class ConstraintsConfig:
    """What a student must satisfy to be pushed. A limit left out does not apply."""

    max_model_bytes: PositiveInt | None = None
    """Largest size of the file as stored."""
    max_download_bytes: PositiveInt | None = None
    """Largest size of the file as downloaded (gzip)."""
    max_latency_ms: Annotated[float, Field(gt=0.0)] | None = None
    """Longest median latency of one example on the machine that evaluates."""
    max_latency_ratio: Annotated[float, Field(gt=0.0)] | None = None
    """Longest median latency as a multiple of the teacher's in the same rounds; carries over between machines."""
    max_accuracy_drop: Ratio | None = None
    """Largest top-1 accuracy lost against the teacher, as a ratio: 0.01 is one point."""
    min_accuracy: Ratio | None = None
    """Lowest top-1 accuracy, as a ratio."""
    maximize: Objective = Objective.ACCURACY
    """`accuracy`, `smallest` or `fastest`: what orders the students that pass."""
    select: PushPolicy = PushPolicy.ALL
    """Push `all` students that pass, or the `best` alone."""


@dataclass(frozen=True, config=_STRICT)
class PushConfig:
    """Where selected students go."""

    uri: Uri = "pushed"
    """A folder or any fsspec URL; each push becomes `versions/N/` in it."""


@dataclass(frozen=True, config=_STRICT)
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
    evaluate: EvaluateConfig = dataclasses.field(default_factory=EvaluateConfig)
    constraints: ConstraintsConfig = dataclasses.field(default_factory=ConstraintsConfig)
    push: PushConfig = dataclasses.field(default_factory=PushConfig)
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random; the same seed gives the same files."""

    @field_validator("students")
    @classmethod
    def _check_students(cls, students: tuple[StudentConfig, ...]) -> tuple[StudentConfig, ...]:
        if not 1 <= len(students) <= 16:
            raise ValueError(f"accepts 1 to 16 students, found {len(students)}")
        if any(student.name == "teacher" for student in students):
            raise ValueError("found a student named 'teacher', accepted is any other name: reports call the teacher so")
        for field in ("name", "stage"):
            values = [getattr(student, field) for student in students]
            if len(set(values)) != len(values):
                raise ValueError(f"accepts each {field} once, found {values}")
        return students

    @model_validator(mode="after")
    def _check(self) -> CompressionConfig:
        deepest = len(self.training.stages)
        for index, student in enumerate(self.students):
            if student.stage > deepest:
                raise ValueError(
                    f"students.{index}.stage: found {student.stage}, accepted is 1 to {deepest}, "
                    "the number of training.stages"
                )
            self.prune_of(student)
            self.quantize_of(student)
        return self

    def prune_of(self, student: StudentConfig) -> PruneConfig:
        """Pruning of one student: the common settings with its own over them."""
        return _override(self.prune, student.prune, f"students.{student.name}.prune")

    def quantize_of(self, student: StudentConfig) -> QuantizeConfig:
        """Quantization of one student: the common settings with its own over them."""
        return _override(self.quantize, student.quantize, f"students.{student.name}.quantize")


def _override(common: T, own: dict[str, Any], field: str) -> T:
    from learn2compress.config_file import parse, to_dict

    return parse(type(common), to_dict(common) | own, field) if own else common
