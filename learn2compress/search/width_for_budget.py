"""Finds the largest width at which a student stays within its budget.

Operations and bytes are facts of the network, so that the same budget always
gives the same width. A latency is measured, on this machine: by processor time, but
beside whatever else shares its caches and cores. What is found with `max_latency_ms`
differs from time to time.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from learn2compress import progress
from learn2compress.config import EvaluateConfig, QuantizationRecipe, Sharing, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.licensing import MAX_CONTACT_BYTES, MAX_LICENSE_BYTES
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.latency import measure_latency
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.student_file import StudentDescription, pack_student_file
from learn2compress.results.latency import Latency
from learn2compress.selection.speed import time_doubt
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student

# All that `StudentConfig.width` accepts, in steps of 0.01.
WIDTHS = tuple(hundredths / 100 for hundredths in range(5, 801))

# The run's name, whom to ask and the licence are in the file, and whoever trains does not know them; none is longer.
_LONGEST_FAMILY_NAME = "n" * 32
_LONGEST_CONTACT, _LONGEST_LICENSE = "c" * MAX_CONTACT_BYTES, "l" * MAX_LICENSE_BYTES
_CALIBRATION_EXAMPLES = 16
_MOST_MEASUREMENTS = 3


def resolve_budgets(
    task: TaskConfig, labels: Sequence[str], training: TrainingConfig, students: Sequence[StudentConfig]
) -> tuple[StudentConfig, ...]:
    """Replaces budgets by widths.

    Bytes are those of the file that ships, with its metadata, converted from an
    untrained student; training does not change them.

    Args:
      task: What the students take.
      labels: Class names in index order; the file holds them.
      training: Architecture, stages and sharing.
      students: Names and stages, some with a budget.

    Returns:
      The students in their order, those with a budget at the largest of
      `WIDTHS` within it. With `sharing: prefix` all get one width, the largest
      that is within every budget.

    Raises:
      ConfigError: even the narrowest student breaks its budget.
    """
    found: dict[str, float] = {}
    is_prefix = training.sharing is Sharing.PREFIX
    for student in students:
        if student.budget is not None:
            widest = min(found.values(), default=WIDTHS[-1]) if is_prefix else WIDTHS[-1]
            found[student.name] = _Search(task, labels, training, student).largest_width(widest)
    if is_prefix and found:
        found = dict.fromkeys((student.name for student in students), min(found.values()))
    return tuple(
        dataclasses.replace(student, width=found.get(student.name, student.width), budget=None) for student in students
    )


@dataclasses.dataclass(frozen=True)
class FileCost:
    """What a student costs.

    Attributes:
      num_parameters: Its weights.
      macs: Multiply-accumulate operations of one inference.
      model_bytes: The int8 file that ships, with its metadata.
    """

    num_parameters: int
    macs: int
    model_bytes: int


def file_cost(task: TaskConfig, labels: Sequence[str], training: TrainingConfig, student: StudentConfig) -> FileCost:
    """Measures what a student costs, on one that is not trained: training does not change it.

    Args:
      task: What the student takes.
      labels: Class names in index order; the file holds them.
      training: Architecture, stages and sharing.
      student: Its stage and width; a budget is not looked at.
    """
    return _Search(task, labels, training, student).cost_at(student.width)


class _Search:
    """Searches the width of one student; the cost of one network is measured once."""

    def __init__(self, task: TaskConfig, labels: Sequence[str], training: TrainingConfig, student: StudentConfig):
        self._task = task
        self._labels = labels
        self._training = training
        self._student = student
        self._known: dict[tuple[str, tuple[tuple[int, ...], ...]], float] = {}
        self._num_tries = 0

    def largest_width(self, widest: float) -> float:
        """Returns the largest width up to `widest` within every limit; limits that are cheap to check come first."""
        budget = self._student.budget
        if budget is None:
            return widest
        if budget.max_macs is not None:
            widest = self._largest_within("max_macs", budget.max_macs, count_macs, widest)
        if budget.max_model_bytes is not None:
            # The least that a file needs is a byte for each parameter, and no file is made to know that.
            fits = self._fits("parameters", budget.max_model_bytes, keras.Model.count_params)
            widest = _largest(fits, widest)
            widest = self._largest_within("max_model_bytes", budget.max_model_bytes, self._model_bytes, widest)
        if budget.max_latency_ms is not None:
            widest = self._largest_within("max_latency_ms", budget.max_latency_ms, self._latency_ms, widest)
        return widest

    def cost_at(self, width: float) -> FileCost:
        """Returns what the student costs at a width."""
        student = self._student_at(width)
        # The file is made of other weights of the same network.
        return FileCost(student.count_params(), count_macs(student), len(self._file(student)))

    def _largest_within(
        self, field: str, limit: float, cost_of: Callable[[keras.Model], float], widest: float
    ) -> float:
        least = self._cost(field, cost_of, WIDTHS[0])
        if least > limit:
            raise ConfigError(
                f"students.{self._student.name}.budget: found {field} {limit:g}, accepted is at least {least:g}: "
                f"what the student costs at the smallest width, {WIDTHS[0]}"
            )
        return _largest(self._fits(field, limit, cost_of), widest)

    def _fits(self, field: str, limit: float, cost_of: Callable[[keras.Model], float]) -> Callable[[float], bool]:
        return lambda width: self._cost(field, cost_of, width) <= limit

    def _cost(self, field: str, cost_of: Callable[[keras.Model], float], width: float) -> float:
        student = self._student_at(width)
        # Channels are multiples of 4: neighbouring widths are often the same network.
        key = (field, tuple(tuple(weight.shape) for weight in student.weights))
        if key not in self._known:
            self._known[key] = cost_of(student)
        self._num_tries += 1
        most = math.ceil(math.log2(len(WIDTHS))) + 1
        detail = f"width {width}: {field} {self._known[key]:g}"
        progress.report(f"size of {self._student.name}", min(self._num_tries, most - 1), most, detail, unit="tries")
        return self._known[key]

    def _student_at(self, width: float) -> keras.Model:
        student = dataclasses.replace(self._student, width=width, budget=None)
        joint = build_joint_network(self._task, len(self._labels), self._training, [student])
        return standalone_student(joint, student.name)

    def _file(self, student: keras.Model) -> bytes:
        return file_before_training(self._task, self._labels, student, self._student.name)

    def _model_bytes(self, student: keras.Model) -> float:
        return len(self._file(student))

    def _latency_ms(self, student: keras.Model) -> float:
        budget = self._student.budget
        limit_ms = math.inf if budget is None or budget.max_latency_ms is None else budget.max_latency_ms
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "student.tflite")
            path.write_bytes(self._file(student))
            field = f"students.{self._student.name}.budget.max_latency_ms"
            return settled_ms(lambda: measure_latency(path, path, EvaluateConfig()), limit_ms, field)


def file_before_training(task: TaskConfig, labels: Sequence[str], student: keras.Model, name: str) -> bytes:
    """Makes an int8 file of the size and the operations of the one that will ship.

    Its scores are uint8; one with float32 scores, where those are too coarse, is no larger.

    Args:
      task: What the student takes.
      labels: Class names in index order; the file holds them.
      student: A plain model; its weights are changed.
      name: The student's, which the file holds.
    """
    random = np.random.default_rng(0)
    # Fresh biases and statistics are all alike, and equal constants are stored once: after training none are.
    student.set_weights([weights + random.uniform(0.01, 0.1, weights.shape) for weights in student.get_weights()])
    network = quantization_aware(student)
    inputs = random.integers(0, 256, (_CALIBRATION_EXAMPLES, *task.input_shape))
    network((inputs / 255).astype(np.float32), training=True)
    description = StudentDescription(
        _LONGEST_FAMILY_NAME, name, tuple(labels), task, _LONGEST_CONTACT, _LONGEST_LICENSE
    )
    return pack_student_file(to_int8_litert(network), QuantizationRecipe.INT8_QAT, description)


def settled_ms(measure: Callable[[], Latency], limit_ms: float, field: str) -> float:
    """Measures a latency again while a busy machine leaves it in doubt whether it is within a limit.

    Args:
      measure: Measures the same file anew.
      limit_ms: The limit.
      field: The limit's name.

    Returns:
      The shortest time found, in milliseconds.

    Raises:
      ConfigError: it is still in doubt after a few tries.
    """
    shortest_ms = math.inf
    for _ in range(_MOST_MEASUREMENTS):
        latency = measure()
        shortest_ms = min(shortest_ms, latency.time_ms)
        doubt = None if shortest_ms <= limit_ms else time_doubt(latency, limit_ms)
        if doubt is None:
            return shortest_ms
    raise ConfigError(
        f"{field}: a student's latency could not be held against {limit_ms:g} ms, as {doubt}; start again when "
        "the machine is quiet, or set max_macs instead"
    )


def _largest(fits: Callable[[float], bool], widest: float) -> float:
    """Returns the largest of `WIDTHS` up to `widest` that fits, where all below do; the narrowest is assumed to."""
    low, high = 0, WIDTHS.index(widest)
    while low < high:
        # Halves the ratio, not the difference: large networks take long to try.
        middle = bisect.bisect_left(WIDTHS, math.sqrt(WIDTHS[low] * WIDTHS[high]), low + 1, high)
        if fits(WIDTHS[middle]):
            low = middle
        else:
            high = middle - 1
    return WIDTHS[low]
