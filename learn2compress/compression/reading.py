"""Reads the examples of a call, of whatever form they are, into the folder that the steps behind it read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from learn2compress import progress
from learn2compress.compression.paths import is_path, path_settings
from learn2compress.compression.pixels import PixelRange
from learn2compress.compression.sources import Examples, examples_of, memory_plan, memory_settings
from learn2compress.compression.teacher import StoredTeacher
from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError, parse, to_dict
from learn2compress.data.image_survey import survey_images
from learn2compress.data.records import Split
from learn2compress.data.sources import plan
from learn2compress.data.writing import write_examples
from learn2compress.results.data import DataReport


@dataclasses.dataclass(frozen=True)
class ReadData:
    """What reading the data found.

    Attributes:
      task: The configuration's `task`.
      config: The configuration's `data`.
      data: What was counted.
      pixels: What the numbers of images in memory mean; `None` of other examples.
    """

    task: TaskConfig
    config: DataConfig
    data: DataReport
    pixels: PixelRange | None


def read_data(
    stored: StoredTeacher,
    train: Any,
    held_out: Any,
    class_names: Sequence[str] | None,
    settings: Mapping[str, Any],
    folder: Path,
    validation: Any = None,
) -> ReadData:
    """Reads, checks and writes the examples, in whatever form they were given.

    Args:
      stored: The teacher, whose input shape stands in where the examples have none.
      train: See `compress`.
      held_out: See `compress`.
      class_names: See `compress`.
      settings: The configuration's keys that were given.
      folder: Gets the examples.
      validation: See `compress`.

    Raises:
      ConfigError: the examples are not accepted, or will not do.
    """
    shape = stored.input_shape()
    given = dict(settings.get("data", {}))
    task_settings = dict(settings.get("task", {}))
    if is_path(train):
        data = parse(DataConfig, path_settings(train, held_out, given, validation), "data")
        kind = TaskKind.TEXT if data.format.is_table else TaskKind.IMAGE
        task = _task({"kind": kind.value, **task_settings}, None, shape)
        if class_names is not None:
            raise ConfigError(
                "class_names: found some beside a path, accepted are the names that the source has itself"
            )
        data = _resized(data, task, "resize" in given)
        report = write_examples(plan(data, task), data, task, folder)
        _tell_held_out(report, data)
        return ReadData(task, data, report, None)
    examples = examples_of(train, "train", shape)
    apart = {
        split: examples_of(others, split.value, shape)
        for split, others in ((Split.HELD_OUT, held_out), (Split.VALIDATION, validation))
        if others is not None
    }
    for name, others in apart.items():
        if others.pixels != examples.pixels and examples.kind is TaskKind.IMAGE:
            raise ConfigError(f"{name}: found images as {_words(others)}, accepted is {_words(examples)}, as in train")
    data = parse(DataConfig, memory_settings(examples, apart, given), "data")
    own_shape = shape if data.resize is not None else examples.input_shape
    task = _task({"kind": examples.kind.value, **task_settings}, own_shape, shape)
    reading, parts = memory_plan(examples, apart, class_names, data.first_label)
    with _as_arguments():
        report = write_examples(reading, data, task, folder, lambda unit: parts[unit.field].prepared(unit, data, task))
    _tell_held_out(report, data)
    return ReadData(task, data, report, examples.pixels)


@contextlib.contextmanager
def _as_arguments() -> Iterator[None]:
    """Names the arguments of a call where an error names the fields of a configuration that they stand for."""
    try:
        yield
    except ConfigError as error:
        text = str(error)
        for name, argument in (
            ("data.held_out_uri", "held_out"),
            ("data.validation_uri", "validation"),
            ("data.uri", "train"),
        ):
            text = text.replace(name, argument)
        raise ConfigError(text) from error


def _words(examples: Examples) -> str:
    return "none" if examples.pixels is None else examples.pixels.words


def _task(
    given: dict[str, Any], own_shape: tuple[int | None, ...] | None, teacher_shape: tuple[int | None, ...] | None
) -> TaskConfig:
    """Returns the configuration's `task`: as given, else with the shape of the examples, else that of the teacher."""
    shape = own_shape or teacher_shape
    if "input_shape" not in given:
        if shape is None or any(size is None for size in shape):
            raise ConfigError(
                f"task.input_shape: found a teacher that takes {'strings' if shape is None else list(shape)}, accepted "
                "is task={'input_shape': [...]}, the shape of one example"
            )
        given = given | {"input_shape": [int(size) for size in shape if size is not None]}
    return parse(TaskConfig, given, "task")


def _resized(data: DataConfig, task: TaskConfig, is_given: bool) -> DataConfig:
    """Returns the data with images resized where some have another size than the task and nobody said what to do."""
    if is_given or data.format is not DataFormat.IMAGE_FOLDER:
        return data
    shapes = {shape[:2] for shape in survey_images(data).shapes}
    if shapes == {task.input_shape[:2]}:
        return data
    height, width = task.input_shape[:2]
    progress.notice("data", f"images of other sizes are resized to {height}x{width}; data={{'resize': ...}} says how")
    return parse(DataConfig, to_dict(data) | {"resize": True}, "data")


def _tell_held_out(report: DataReport, data: DataConfig) -> None:
    if data.held_out_uri is None:
        total = report.num_train + report.num_held_out
        progress.notice(
            "data",
            f"{report.num_held_out:,} of {total:,} examples are held out to measure with, chosen by the hash of their "
            "content: the same ones in every call; a teacher that was trained on them looks better than it is",
        )
