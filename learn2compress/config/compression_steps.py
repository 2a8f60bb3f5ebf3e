"""What follows the training: pruning, quantization, evaluation, selection, push."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, LearningRate, PositiveInt, Ratio, Uri


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


@dataclass(frozen=True, config=STRICT)
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


@dataclass(frozen=True, config=STRICT)
class QuantizeConfig:
    """Quantization-aware training to 8 bits (Jacob et al., arXiv:1712.05877)."""

    recipe: QuantizationRecipe = QuantizationRecipe.INT8_QAT
    """Number formats of the file that ships."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 4
    """Epochs of training with simulated 8-bit arithmetic."""
    learning_rate: LearningRate = 0.0003
    """Highest learning rate; it falls along a cosine."""


@dataclass(frozen=True, config=STRICT)
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


@dataclass(frozen=True, config=STRICT)
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


@dataclass(frozen=True, config=STRICT)
class PushConfig:
    """Where selected students go."""

    uri: Uri = "pushed"
    """A folder or any fsspec URL; each push becomes `versions/N/` in it."""
