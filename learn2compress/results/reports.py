"""What a run measured and decided: the content of every `report.json`.

Ratios are 0..1, sizes bytes, times milliseconds. A figure that could not be
measured is `None`, never a placeholder.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from learn2compress.results.data import DataReport
from learn2compress.results.latency import Latency, ThreadLatency
from learn2compress.results.measurements import (
    Calibration,
    ColdStart,
    CorruptionAccuracy,
    DeviceLatency,
    EnergyEstimate,
    LayerBytes,
    OperatorUse,
    PairedDrop,
    SliceAccuracy,
    TensorDetails,
)
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.sub_networks import FamilyFront

# Files of a family's report: of a pushed version, and of the artifact that records it.
FAMILY_FILE = "family.json"
PAGE_FILE = "report.html"


@dataclasses.dataclass(frozen=True)
class ClassResult:
    """One class of the held-out split; a ratio is `None` where its denominator is 0."""

    label: str
    num_examples: int
    recall: float | None
    precision: float | None


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Quality on the held-out split.

    Attributes:
      num_examples: Size of the held-out split.
      top_1: Share of examples whose highest score is the label.
      top_1_low: Lower end of the 95% Wilson interval of `top_1`.
      top_1_high: Upper end of it.
      k: The k of `top_k`.
      top_k: Share of examples whose label is among the k highest scores; `None`
        where there are no more than k classes.
      per_class: One entry per class, in label order.
      confusion_matrix: Row: true class, column: predicted class, in examples.
    """

    num_examples: int
    top_1: float
    top_1_low: float
    top_1_high: float
    k: int
    top_k: float | None
    per_class: tuple[ClassResult, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class ModelReport:
    """One `.tflite` file as it was measured.

    Attributes:
      name: The student's name, or "teacher".
      model_sha256: Digest of the file's bytes.
      model_bytes: Size as stored.
      download_bytes: Size after gzip, as an app store would send it.
      num_parameters: Elements of all weight tensors.
      num_nonzero_parameters: Those that are not zero.
      macs: Multiply-accumulate operations of one inference.
      operators: Count of each operator in the graph.
      input_dtype: Element type of the input tensor.
      output_dtype: Element type of the output tensor.
      accuracy: Quality of this file.
      latency: Time of one inference.
      peak_memory_bytes: Memory that loading and running it adds to a clean process; `None` where it is not measured.
      keras_top_1: Accuracy of the float Keras model it came from; `None` for the teacher.
      keras_agreement: Share of examples on which both predict the same class.
      paired_drop: Accuracy lost against the teacher on the same examples; `None` for the teacher.
      calibration: How far scores are from how often they are right.
      slices: Accuracy by part of the data, where a configuration names parts.
      corruptions: Accuracy on corrupted images, where a configuration asks for it.
      thread_latencies: Latency with other numbers of threads.
      num_cores: Processors that the machine offered for it.
      cold_start: Time to the first result.
      layers: Operators with the most weight bytes, those first.
      weight_bytes: Bytes of all weights as stored; the rest of the file is its graph and metadata.
      operator_uses: Operators by the numbers in which they compute.
      energy: An estimate of one inference's energy.
      device_latency: Time on a phone, where a configuration names one.
      input_tensor: What an application has to fill; `None` in a report of an older version.
      output_tensor: What it has to read; likewise.
    """

    name: str
    model_sha256: str
    model_bytes: int
    download_bytes: int
    num_parameters: int
    num_nonzero_parameters: int
    macs: int
    operators: dict[str, int]
    input_dtype: str
    output_dtype: str
    accuracy: Accuracy
    latency: Latency
    peak_memory_bytes: int | None
    keras_top_1: float | None = None
    keras_agreement: float | None = None
    paired_drop: PairedDrop | None = None
    calibration: Calibration | None = None
    slices: tuple[SliceAccuracy, ...] = ()
    corruptions: tuple[CorruptionAccuracy, ...] = ()
    thread_latencies: tuple[ThreadLatency, ...] = ()
    num_cores: int | None = None
    cold_start: ColdStart | None = None
    layers: tuple[LayerBytes, ...] = ()
    weight_bytes: int | None = None
    operator_uses: tuple[OperatorUse, ...] = ()
    energy: EnergyEstimate | None = None
    device_latency: DeviceLatency | None = None
    input_tensor: TensorDetails | None = None
    output_tensor: TensorDetails | None = None


@dataclasses.dataclass(frozen=True)
class EpochRecord:
    """One epoch of one student's life.

    Attributes:
      phase: "train", "prune" or "quantize"; before those "teacher" for a student that is the teacher's network, and
        "pick" for one that was picked from a family.
      epoch: 1-based within the phase.
      loss: Mean training loss of this student; `None` where it was not trained, but measured.
      held_out_top_1: Accuracy on the held-out split after the epoch. It is shown, and decides nothing.
      sparsity_ratio: Share of prunable weights that are zero after the epoch.
      learning_rate: At the epoch's last step.
      note: What happened after it that a reader should know, such as that nothing was pruned; mostly empty.
      validation_top_1: Accuracy after the epoch on the labelled training
        examples that are kept back, which early stopping goes by; `None` where
        there are none.
      returned: Whether the phase ended with this epoch's weights.
    """

    phase: str
    epoch: int
    loss: float | None
    held_out_top_1: float
    sparsity_ratio: float = 0.0
    learning_rate: float = 0.0
    note: str = ""
    validation_top_1: float | None = None
    returned: bool = False


def returned_epoch(records: Sequence[EpochRecord]) -> EpochRecord:
    """Returns the epoch whose weights the last phase ended with: its last one, unless early stopping chose another.

    Args:
      records: A student's epochs in the order that they were trained, at least one.
    """
    last_phase = [record for record in records if record.phase == records[-1].phase]
    return next((record for record in last_phase if record.returned), records[-1])


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What selection decided about one student, and why.

    Attributes:
      name: The student's name.
      satisfied: Whether it satisfies every constraint.
      selected: Whether it is pushed.
      reasons: One sentence with numbers for each refusal; empty when selected.
      notes: What a careful reader should know, such as a drop within noise.
    """

    name: str
    satisfied: bool
    selected: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class FamilyReport:
    """Everything a pushed version says about its family of students.

    Attributes:
      name: The configuration's name.
      version: Number of the pushed version.
      created: UTC time, ISO 8601.
      labels: Class names in output order.
      config: The configuration as plain mappings.
      teacher: The teacher's baseline, measured as the students are.
      students: The students' measurements, in the configuration's order.
      histories: Each student's epochs, by name.
      verdicts: Each student's verdict, in the configuration's order.
      pareto_bytes: Names on the accuracy/size front.
      pareto_latency: Names on the accuracy/latency front.
      provenance: Content hashes: data, teacher, configuration, code; where the configuration is from.
      quantizations: How each student's file got its numbers, by name.
      made_with: Versions by package of the step that made each student's file, by the student's name.
      data: What the examples are, and what became of those left out; `None` in a report of an older version.
      front: The sub-networks that students were picked from; `None` where each was trained.
    """

    name: str
    version: int
    created: str
    labels: tuple[str, ...]
    config: dict[str, Any]
    teacher: ModelReport
    students: tuple[ModelReport, ...]
    histories: dict[str, tuple[EpochRecord, ...]]
    verdicts: tuple[Verdict, ...]
    pareto_bytes: tuple[str, ...]
    pareto_latency: tuple[str, ...]
    provenance: dict[str, str]
    quantizations: dict[str, QuantizationReport] = dataclasses.field(default_factory=dict)
    made_with: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    data: DataReport | None = None
    front: FamilyFront | None = None


def json_bytes(value: Any) -> bytes:
    """Returns a result (or a mapping, or a tuple of results) as indented JSON with sorted keys."""
    plain = TypeAdapter(Any).dump_python(value, mode="json")
    return (json.dumps(plain, indent=2, sort_keys=True) + "\n").encode()


def write_json(path: str | Path, value: Any) -> None:
    """Writes `json_bytes` of a result.

    Args:
      path: The file, which is replaced.
      value: The result.
    """
    Path(path).write_bytes(json_bytes(value))


def read_json(cls: Any, path: str | Path) -> Any:
    """Reads what `write_json` wrote.

    Example:
      >>> from learn2compress.results.reports import EpochRecord, read_json, write_json
      >>> records = (EpochRecord("train", 1, loss=0.7, held_out_top_1=0.75), EpochRecord("train", 2, 0.4, 0.8125))
      >>> write_json("history.json", records)
      >>> read_json(tuple[EpochRecord, ...], "history.json")[-1].held_out_top_1
      0.8125

    Args:
      cls: A result class, or `tuple[Class, ...]`.
      path: The file.

    Returns:
      An instance of `cls`; fields that an older version did not write have their defaults.

    Raises:
      pydantic.ValidationError: the file does not hold such a result.
    """
    return TypeAdapter(cls).validate_json(Path(path).read_bytes())
