"""A family of students as a run on handwritten digits makes it, with seeded figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from learn2compress.config import CompressionConfig, ConstraintsConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import to_dict
from learn2compress.results.latency import Clock, Latency, MachineLoad, ThreadLatency
from learn2compress.results.measurements import (
    Arithmetic,
    Calibration,
    CalibrationBin,
    ColdStart,
    CorruptionAccuracy,
    EnergyEstimate,
    LayerBytes,
    OperatorUse,
    PairedDrop,
    SliceAccuracy,
)
from learn2compress.results.reports import Accuracy, ClassResult, EpochRecord, FamilyReport, ModelReport
from learn2compress.selection.select import Point, pareto_front, select

PROCESSOR = "AMD EPYC 7763 64-Core Processor"
DIGITS = tuple(str(digit) for digit in range(10))


def accuracy_of(labels: tuple[str, ...], error_ratio: float, per_class: int = 36, seed: int = 0) -> Accuracy:
    """Accuracy with a confusion matrix of seeded errors; figures follow from the matrix."""
    generator = np.random.default_rng(seed)
    matrix = np.zeros((len(labels), len(labels)), dtype=int)
    for true_index in range(len(labels)):
        for _ in range(per_class):
            wrong = len(labels) > 1 and generator.random() < error_ratio
            matrix[true_index, (true_index + generator.integers(1, 4) * wrong) % len(labels)] += 1
    total, hits = int(matrix.sum()), int(np.trace(matrix))
    top_1, z = hits / total, 1.96
    center = (top_1 + z * z / (2 * total)) / (1 + z * z / total)
    half_width = z * ((top_1 * (1 - top_1) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    results = []
    for index, label in enumerate(labels):
        hit, predicted = int(matrix[index, index]), int(matrix[:, index].sum())
        results.append(ClassResult(label, per_class, hit / per_class, hit / predicted if predicted else None))
    rows = tuple(tuple(int(count) for count in row) for row in matrix)
    return Accuracy(total, top_1, center - half_width, center + half_width, 3, 0.9972, tuple(results), rows)


def model_of(name: str, model_bytes: int, accuracy: Accuracy, milliseconds: float, ratio: float) -> ModelReport:
    """A measured file; its counts follow from its size."""
    latency = Latency(
        milliseconds * 1.1,
        milliseconds * 1.24,
        milliseconds * 1.06,
        ratio,
        ratio * 0.94,
        ratio * 1.07,
        1,
        PROCESSOR,
        Clock.CPU,
        fastest_ms=milliseconds,
        fastest_high_ms=milliseconds * 1.02,
        cpu_median_ms=milliseconds * 1.09,
        cpu_min_ms=milliseconds * 1.05,
        load=MachineLoad(2.1, 3, 0.002, 0.01, 0.0, 0.4, 2, 2400.0, 2400.0),
    )
    operators = {"CONV_2D": 7, "ADD": 3, "AVERAGE_POOL_2D": 1, "SOFTMAX": 1}
    return ModelReport(
        name,
        f"{model_bytes:064x}",
        model_bytes,
        int(model_bytes * 0.71),
        int(model_bytes * 0.93),
        int(model_bytes * 0.5),
        model_bytes * 41,
        operators,
        "uint8",
        "uint8",
        accuracy,
        latency,
        model_bytes * 3 + 400_000,
        keras_top_1=accuracy.top_1 + 0.0028,
        keras_agreement=0.9944,
        paired_drop=PairedDrop(accuracy.num_examples, 12, 5, 0.0194, -0.0031, 0.0419),
        calibration=Calibration(
            0.0312,
            (*[CalibrationBin(0, None, None)] * 13, CalibrationBin(60, 0.91, 0.85), CalibrationBin(300, 0.985, 0.99)),
        ),
        slices=(SliceAccuracy("kitchen", 100, 0.97, 0.91, 0.99), SliceAccuracy("<garden>", 260, 0.9, 0.86, 0.93)),
        corruptions=tuple(CorruptionAccuracy("gaussian_noise", s, 0.9 - s / 10) for s in (1, 3, 5)),
        thread_latencies=tuple(
            ThreadLatency(n, ms * 1.1, ms * 1.2, ms) for n, ms in ((n, milliseconds / n) for n in (1, 2, 4))
        ),
        num_cores=2,
        cold_start=ColdStart(1.75, 0.61, 3),
        layers=tuple(LayerBytes(f"stage_{i}", "CONV_2D", model_bytes // 2**i, 1000 * i) for i in range(2, 12)),
        weight_bytes=int(model_bytes * 0.8),
        operator_uses=(
            OperatorUse("CONV_2D", Arithmetic.INT8, 7, 900),
            OperatorUse("SOFTMAX", Arithmetic.FLOAT, 1, 100),
        ),
        energy=EnergyEstimate(1.25, 0.5),
    )


def history_of(final: float, seed: int) -> tuple[EpochRecord, ...]:
    """Epochs of all three phases that end near `final`."""
    generator = np.random.default_rng(seed)
    records = []
    for phase, count, start, end in (("train", 40, 0.12, 0.99), ("prune", 6, 0.96, 0.99), ("quantize", 4, 0.985, 1.0)):
        for epoch in range(1, count + 1):
            progress = 1 - np.exp(-4 * epoch / count)
            held_out = final * (start + (end - start) * progress) + generator.normal(0, 0.004)
            sparsity = {"train": 0.0, "prune": 0.5 * min(1.0, epoch / 3), "quantize": 0.5}[phase]
            loss = 2.3 * np.exp(-3 * epoch / count) + 0.35 if phase == "train" else 0.42 - 0.02 * epoch
            records.append(EpochRecord(phase, epoch, float(loss), float(min(1.0, held_out)), sparsity))
    return tuple(records)


def make_family(
    labels: tuple[str, ...] = DIGITS, name: str = "digits", student_names: tuple[str, ...] = ()
) -> FamilyReport:
    """Three students of one teacher; the smallest breaks the accuracy limit."""
    large, medium, small = student_names or ("large", "medium", "small")
    teacher = dataclasses.replace(
        model_of("teacher", 1_924_816, accuracy_of(labels, 0.011, seed=1), 0.412, 1.0),
        keras_top_1=None,
        keras_agreement=None,
        paired_drop=None,
        input_dtype="float32",
        output_dtype="float32",
    )
    students = (
        model_of(large, 112_480, accuracy_of(labels, 0.012, seed=2), 0.0712, 0.173),
        model_of(medium, 43_120, accuracy_of(labels, 0.03, seed=3), 0.0391, 0.95),
        model_of(small, 11_904, accuracy_of(labels, 0.12, seed=4), 0.0186, 0.0452),
    )
    config = CompressionConfig(
        name="digits",
        teacher=TeacherConfig("teachers/digits.keras"),
        students=tuple(StudentConfig(student, stage) for stage, student in enumerate(("small", "medium", "large"), 1)),
        constraints=ConstraintsConfig(max_model_bytes=200_000, max_accuracy_drop=0.05),
    )
    models = (teacher, *students)
    return FamilyReport(
        name=name,
        version=4,
        created="2026-11-21T20:15:03Z",
        labels=labels,
        config=to_dict(config),
        teacher=teacher,
        students=students,
        histories={student.name: history_of(student.accuracy.top_1, i) for i, student in enumerate(students)},
        verdicts=select(students, teacher, config.constraints),
        pareto_bytes=pareto_front(Point(m.name, m.accuracy.top_1, m.model_bytes) for m in models),
        pareto_latency=pareto_front(Point(m.name, m.accuracy.top_1, m.latency.teacher_ratio) for m in models),
        provenance={
            "data_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "teacher_sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            "config_sha256": "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
            "code_sha256": "3c9909afec25354d551dae21590bb26e38d53f2173b8d3dc3eee4c047e7ab1c1",
        },
        made_with={
            large: {"python": "3.11.7", "keras": "3.15.1", "tensorflow": "2.21.0"},
            medium: {"python": "3.11.7", "keras": "3.15.1", "tensorflow": "2.21.0"},
            small: {"python": "3.11.7", "keras": "3.14.0", "tensorflow": "2.20.0"},
        },
    )


@pytest.fixture(scope="session")
def family() -> FamilyReport:
    """Three students on ten digits."""
    return make_family()


@pytest.fixture(scope="session")
def family_of() -> Callable[..., FamilyReport]:
    """Makes a family with other labels or names."""
    return make_family
