"""What a phone team asks beyond accuracy, size and speed, as the page and the cards show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from learn2compress.report.formatting import byte_size, milliseconds, percent, significant
from learn2compress.results.latency import Clock, Latency, ThreadLatency
from learn2compress.results.measurements import Arithmetic, DeviceLatency, SliceAccuracy
from learn2compress.results.reports import ModelReport
from learn2compress.selection.speed import busy_reasons, busy_sentence

MAX_LAYERS = 8
MAX_SLICES = 20
MACHINE_BUSY = "machine busy"


@dataclass(frozen=True)
class BytesRow:
    """A share of the file: what holds it, the operator it belongs to (if one), its bytes, and their ratio of all."""

    name: str
    operator: str
    num_bytes: int
    share: float


@dataclass(frozen=True)
class SliceRow:
    """One slice of the student's, and the same of the teacher's where it was measured."""

    student: SliceAccuracy
    teacher: SliceAccuracy | None


@dataclass(frozen=True)
class RobustnessCell:
    """Accuracy under one corruption: the mean over its severities, and each of them in words."""

    mean: float
    by_severity: str


def int8_share(model: ModelReport) -> float | None:
    """Returns the share of the multiply-accumulates that run on the int8 path; `None` where none are known."""
    total = sum(use.macs for use in model.operator_uses)
    on_path = sum(use.macs for use in model.operator_uses if use.arithmetic is Arithmetic.INT8)
    return on_path / total if total else None


def operators_in_words(model: ModelReport) -> str:
    """Operators with the numbers they compute in: "CONV_2D (7, int8), SOFTMAX (1, int8)"."""
    return ", ".join(f"{use.name} ({use.count}, {use.arithmetic.value})" for use in model.operator_uses)


def thread_time(one: ThreadLatency, model: ModelReport) -> str:
    """Returns the time with a number of threads, or that the machine was too busy to tell.

    Several threads are timed by the wall clock, which a busy machine makes
    meaningless; the configured number's time is the model's latency itself.

    Args:
      one: What was measured.
      model: The model it belongs to.
    """
    is_latency = one.num_threads == model.latency.num_threads
    return MACHINE_BUSY if not is_latency and busy_reasons(one.load) else milliseconds(one.time_ms)


def threads_in_words(model: ModelReport) -> str:
    """Returns the latency by number of threads: "1: 0.0421 ms, 2: 0.0312 ms"."""
    return ", ".join(f"{one.num_threads}: {thread_time(one, model)}" for one in model.thread_latencies)


def clock_in_words(latency: Latency) -> str:
    """Returns what a model's latency is the time of."""
    if latency.fastest_ms is None:
        return "the median of rounds by the wall clock, from an older version"
    if latency.clock is Clock.CPU:
        return "the processor time of the fastest inference of all rounds"
    return "the fastest inference of all rounds by the wall clock"


def busy_sentences(models: Iterable[ModelReport]) -> tuple[str, ...]:
    """Returns a sentence for each model that was timed on a busy machine."""
    found = [busy_sentence(model.name, model.latency) for model in models]
    return tuple(f"{sentence[0].upper()}{sentence[1:]}." for sentence in found if sentence is not None)


def device_in_words(model: ModelReport) -> str:
    """Returns what a phone said: "1.20 ms (1.10 to 1.40) on Phone 9 (2 threads), load 12.0 ms".

    In parentheses are the 5th and 95th percentiles, where they are known. Empty where no phone was asked.
    """
    found = model.device_latency
    if found is None:
        return ""
    threads = f"{found.num_threads} thread{'' if found.num_threads == 1 else 's'}"
    spread = "" if device_spread(found) is None else f" ({device_spread(found)})"
    memory = "" if found.memory_bytes is None else f", about {byte_size(found.memory_bytes)} of memory"
    where = f"{found.device} ({threads})"
    return f"{milliseconds(found.time_ms)}{spread} on {where}, load {milliseconds(found.load_ms)}{memory}"


def device_spread(latency: DeviceLatency) -> str | None:
    """Returns the 5th and 95th percentiles on a phone, as "1.10 to 1.40"; `None` where they are not known."""
    if latency.p5_ms is None or latency.p95_ms is None:
        return None
    return f"{significant(latency.p5_ms)} to {significant(latency.p95_ms)}"


def microjoules(value: float) -> str:
    """Returns an energy as "12.3 µJ"."""
    return f"{significant(value)} \N{MICRO SIGN}J"


def bytes_rows(model: ModelReport) -> tuple[BytesRow, ...]:
    """Returns where the bytes of a file are: its largest layers, the other ones together, and what is no weight."""
    if model.weight_bytes is None:
        return ()
    shown = model.layers[:MAX_LAYERS]
    others = model.weight_bytes - sum(layer.weight_bytes for layer in shown)
    found = [(layer.name, layer.operator, layer.weight_bytes) for layer in shown]
    found += [("other layers", "", others)] if others else []
    found.append(("graph, scales, labels and metadata", "", model.model_bytes - model.weight_bytes))
    return tuple(BytesRow(name, operator, size, size / model.model_bytes) for name, operator, size in found)


def slice_rows(student: ModelReport, teacher: ModelReport) -> tuple[SliceRow, ...]:
    """Returns slices of a student, the least accurate first, as many as are shown.

    Args:
      student: The student's measurements.
      teacher: The baseline's.
    """
    teachers = {one.name: one for one in teacher.slices}
    ordered = sorted(student.slices, key=lambda one: (one.top_1, one.name))
    return tuple(SliceRow(one, teachers.get(one.name)) for one in ordered[:MAX_SLICES])


def corruptions_of(models: Iterable[ModelReport]) -> tuple[str, ...]:
    """Returns the names of the corruptions that were measured, in their order."""
    return tuple(dict.fromkeys(one.corruption for model in models for one in model.corruptions))


def robustness(model: ModelReport, corruption: str) -> RobustnessCell | None:
    """Returns the accuracy of a model under a corruption; `None` where it was not measured.

    Args:
      model: What was measured.
      corruption: The corruption's name.
    """
    found = [one for one in model.corruptions if one.corruption == corruption]
    if not found:
        return None
    words = ", ".join(f"{one.severity}: {percent(one.top_1, 1)}" for one in found)
    return RobustnessCell(sum(one.top_1 for one in found) / len(found), words)
