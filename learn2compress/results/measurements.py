"""What Evaluate finds out about one file beyond accuracy and latency: the parts of a `ModelReport`.

Ratios are 0..1, sizes bytes, times milliseconds. A figure that could not be
measured is `None`, never a placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Arithmetic(StrEnum):
    """In which numbers an operator computes."""

    INT8 = "int8"
    """Activations of 8 bits, weights of 8 or fewer."""
    INT16 = "int16"
    """Activations of 16 bits."""
    HYBRID = "hybrid"
    """Float activations, which the kernel quantizes on the fly for integer weights."""
    FLOAT = "float"
    OTHER = "other"
    """Indices, shapes and truth values alone."""


@dataclass(frozen=True)
class TensorDetails:
    """An input or an output of a file.

    Attributes:
      dtype: Element type, such as "uint8".
      shape: Dimensions as stored, the batch of 1 among them.
      scale: What one step of an integer stands for; `None` where the numbers stand for themselves.
      zero_point: The integer that stands for 0: a number is `scale * (integer - zero_point)`.
    """

    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int = 0


@dataclass(frozen=True)
class CalibrationBin:
    """Examples whose highest score falls between two equidistant limits; means are `None` where there is none."""

    num_examples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether a score of 0.8 is right in 8 of 10 cases.

    Attributes:
      expected_error: Mean distance between confidence and accuracy over the bins, weighted by their examples.
      bins: Of equal width from 0 to 1.
    """

    expected_error: float
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class ColdStart:
    """What the first result costs in a process that has not seen the file; medians over processes.

    By the wall clock, less the time that the process waited for a processor where the system tells it.

    Attributes:
      load_ms: From the path to an interpreter that is ready; the file may be in the system's cache.
      first_ms: First inference, which sets up what later ones reuse.
      num_processes: Clean processes it was measured in.
    """

    load_ms: float
    first_ms: float
    num_processes: int


@dataclass(frozen=True)
class LayerBytes:
    """One operator with weights: the name of its output, the bytes they are stored in, and its MACs."""

    name: str
    operator: str
    weight_bytes: int
    macs: int


@dataclass(frozen=True)
class OperatorUse:
    """Operators of one name that compute in the same numbers: how many, and their MACs together."""

    name: str
    arithmetic: Arithmetic
    count: int
    macs: int


@dataclass(frozen=True)
class EnergyEstimate:
    """An estimate of one inference in microjoules, from counts alone; nothing was measured.

    Attributes:
      compute_uj: Of the multiply-accumulates.
      memory_uj: Of moving weights and activations.
    """

    compute_uj: float
    memory_uj: float

    @property
    def total_uj(self) -> float:
        """Both together."""
        return self.compute_uj + self.memory_uj


@dataclass(frozen=True)
class SliceAccuracy:
    """Top-1 accuracy of a part of the held-out split, with its 95% Wilson interval."""

    name: str
    num_examples: int
    top_1: float
    top_1_low: float
    top_1_high: float


@dataclass(frozen=True)
class CorruptionAccuracy:
    """Top-1 accuracy on the held-out split after one corruption at one severity (1 to 5)."""

    corruption: str
    severity: int
    top_1: float


@dataclass(frozen=True)
class PairedDrop:
    """Accuracy lost against the teacher on the very same examples.

    Attributes:
      num_examples: Examples that both answered.
      num_teacher_only: Those that the teacher alone got right.
      num_student_only: Those that the student alone got right.
      drop: The teacher's top-1 less the student's.
      low: Lower end of the drop's 95% interval.
      high: Upper end of it. An interval that holds 0 claims nothing.
    """

    num_examples: int
    num_teacher_only: int
    num_student_only: int
    drop: float
    low: float
    high: float


@dataclass(frozen=True)
class DeviceLatency:
    """What the `benchmark_model` binary said on a device.

    Attributes:
      device: The device's own name for itself.
      num_threads: Interpreter threads.
      num_runs: Inferences timed.
      load_ms: Loading and preparing the file.
      first_ms: First inference.
      mean_ms: Mean of the timed inferences.
      median_ms: Their median; `None` from binaries that don't print it.
      memory_bytes: Memory added since the binary's start, approximate; `None` where it is not printed.
      p5_ms: 5th percentile of the timed inferences; `None` from binaries that don't print it.
      p95_ms: 95th percentile of them, likewise.
    """

    device: str
    num_threads: int
    num_runs: int
    load_ms: float
    first_ms: float
    mean_ms: float
    median_ms: float | None
    memory_bytes: int | None
    p5_ms: float | None = None
    p95_ms: float | None = None

    @property
    def time_ms(self) -> float:
        """The time that is shown: the median, or the mean where no median is printed."""
        return self.mean_ms if self.median_ms is None else self.median_ms
