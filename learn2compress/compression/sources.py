"""Examples in any form that a person has them in: arrays, data sets of TensorFlow, texts, folders and files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np

from learn2compress import progress
from learn2compress.compression.class_names import checked_class_names
from learn2compress.compression.labels import label_list
from learn2compress.compression.pixels import PixelRange, range_of, rounding_note
from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.data.prepare import PreparedRecord, prepare
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit
from learn2compress.data.sources import from_zero

_ACCEPTED = (
    "accepted are (x, y) of arrays, a list of texts with its labels likewise, a tf.data.Dataset of (example, label), "
    "or the path of a folder of images or of a file"
)
_DATASET_BATCH = 256
_FIRST_IMAGES = 1024


@dataclasses.dataclass(frozen=True)
class Examples:
    """The records of one split, or of both, that are in memory or come out of a data set.

    Attributes:
      field: The argument that they were given as.
      kind: Images or texts.
      format: The configuration's word that is nearest.
      pixels: What the numbers of images mean; `None` for texts.
      input_shape: Height, width and channels of images; `None` for texts.
      class_names: Names that the source has itself, in index order; empty where it has none.
      num_records: `None` where only reading tells.
      read: Yields the records.
    """

    field: str
    kind: TaskKind
    format: DataFormat
    pixels: PixelRange | None
    input_shape: tuple[int, ...] | None
    class_names: tuple[str, ...]
    num_records: int | None
    read: Callable[[], Iterator[RawRecord]]

    def unit(self, split: Split | None, names: tuple[str, ...] | None, first_label: int) -> Unit:
        """Returns the unit of work that stands for them.

        Args:
          split: Where they belong, or `None` where content decides.
          names: Class names in index order, where somebody declared them.
          first_label: Index of the first class.
        """
        count = self.num_records or 0
        return Unit(self.format, self.field, self.field, (self.field,), 0, count, split, names, first_label=first_label)

    def prepared(self, unit: Unit, data: DataConfig, task: TaskConfig) -> Iterator[PreparedRecord | BadRecord]:
        """Reads and prepares the records, as `read_prepared` does those of a file.

        Args:
          unit: From `unit`.
          data: How images are resized.
          task: What students receive.
        """
        names = frozenset(unit.names or ())
        for record in self.read():
            if unit.names is not None:
                self._check_named(record.label, names, unit.first_label)
            counted = from_zero(record, unit)
            yield counted if isinstance(counted, BadRecord) else prepare(counted, task, data)

    def _check_named(self, label: Any, names: frozenset[str], first_label: int) -> None:
        if label in names if isinstance(label, str) else label < len(names) + first_label:
            return
        more = " (text)" if isinstance(label, str) else ""
        raise ConfigError(
            f"class_names: found {len(names)} names and in {self.field} the label {clipped(repr(label))}{more}, "
            f"accepted are a name for each class and labels that are names or numbers from {first_label} in their order"
        )


def memory_plan(
    train: Examples, apart: Mapping[Split, Examples], class_names: Sequence[str] | None, first_label: int = 0
) -> tuple[ReadPlan, dict[str, Examples]]:
    """Plans the reading of examples that no configuration names.

    Args:
      train: Those to train on.
      apart: Those to measure with, where no share of the others is held out, and those to choose by, where there are
        some, by split.
      class_names: In index order, where they were given.
      first_label: Index of the first class.

    Returns:
      The plan, and the examples by the field that its units name.

    Raises:
      ConfigError: they are of different kinds, or a name is there twice.
    """
    given = class_names if class_names is not None else train.class_names or None
    names = None if given is None else checked_class_names(given)
    for others in apart.values():
        if others.kind is not train.kind:
            raise ConfigError(
                f"{others.field}: found {others.kind.value}s, accepted are {train.kind.value}s as in train"
            )
    units = [train.unit(Split.TRAIN if Split.HELD_OUT in apart else None, names, first_label)]
    units += [others.unit(split, names, first_label) for split, others in apart.items()]
    return ReadPlan(tuple(units), names), {part.field: part for part in (train, *apart.values())}


def examples_of(data: Any, field: str, input_shape: tuple[int | None, ...] | None) -> Examples:
    """Looks at examples that are in memory or in a data set.

    Args:
      data: See `compress`.
      field: "train", "held_out" or "validation".
      input_shape: What the teacher takes, where it is known: tells whether a data set is batched.

    Returns:
      How to read them.

    Raises:
      ConfigError: they are nothing that is accepted.
    """
    if _is_dataset(data):
        return _dataset_examples(data, field, input_shape)
    if isinstance(data, tuple) and len(data) == 2:
        return _array_examples(data[0], data[1], field)
    if isinstance(data, list) and data and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in data):
        return _array_examples([pair[0] for pair in data], [pair[1] for pair in data], field)
    raise ConfigError(f"{field}: found {type(data).__name__}, {_ACCEPTED}")


def images_of(values: Any, field: str) -> np.ndarray[Any, Any]:
    """Returns images as an array with channels.

    Args:
      values: `[n, height, width]` or `[n, height, width, channels]`.
      field: What they are, for the message.

    Raises:
      ConfigError: they have another shape, or there are none.
    """
    accepted = "accepted are images [n, height, width] or [n, height, width, 1 or 3], at least one, all of one size"
    try:
        given = np.asarray(values)
    except (TypeError, ValueError):
        raise ConfigError(f"{field}: found images of several sizes, {accepted}") from None
    found = given[..., np.newaxis] if given.ndim == 3 else given
    if found.ndim != 4 or found.shape[-1] not in (1, 3) or 0 in found.shape:
        raise ConfigError(f"{field}: found an array of shape {list(given.shape)}, {accepted}")
    return found


def _array_examples(x: Any, y: Any, field: str) -> Examples:
    for part in (x, y):
        if isinstance(part, (str, bytes, Mapping, Set)) or not hasattr(part, "__len__"):
            raise ConfigError(f"{field}: found (x, y) with {type(part).__name__} in it, {_ACCEPTED}")
    if getattr(x, "shape", None) == ():
        raise ConfigError(f"{field}: found an x of a single value, {_ACCEPTED}")
    if len(x) and all(isinstance(value, (str, bytes)) for value in x):
        texts = [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value) for value in x]
        words = label_list(y, len(texts), field)
        pairs = list(zip(words, texts, strict=True))

        def read_texts() -> Iterator[RawRecord]:
            for index, (label, text) in enumerate(pairs):
                yield RawRecord(f"{field}#{index}", label, text)

        return Examples(field, TaskKind.TEXT, DataFormat.TSV, None, None, (), len(texts), read_texts)
    images = images_of(x, field)
    labels = label_list(y, len(images), field)
    pixels = range_of(images, field)
    _tell(rounding_note(pixels, images[:_FIRST_IMAGES], field))

    def read_images() -> Iterator[RawRecord]:
        for index, (label, image) in enumerate(zip(labels, images, strict=True)):
            yield RawRecord(f"{field}#{index}", label, pixels.to_bytes(image, field))

    shape = images.shape[1:]
    return Examples(field, TaskKind.IMAGE, DataFormat.NPZ, pixels, shape, (), len(images), read_images)


def _dataset_examples(data: Any, field: str, input_shape: tuple[int | None, ...] | None) -> Examples:
    batches = _batched(data, field, input_shape)
    x, y = next(iter(batches.as_numpy_iterator()), (np.empty(0), np.empty(0)))
    if not len(x):
        raise ConfigError(f"{field}: found a data set without an example, accepted is one with some")
    class_names = tuple(getattr(data, "class_names", None) or ())
    if x.dtype.kind == "O":

        def read_texts() -> Iterator[RawRecord]:
            number = 0
            for texts, some in batches.as_numpy_iterator():
                flat = texts.reshape(-1)
                for label, text in zip(label_list(some, len(flat), field), flat, strict=True):
                    yield RawRecord(f"{field}#{number}", label, text.decode("utf-8", "backslashreplace"))
                    number += 1

        return Examples(field, TaskKind.TEXT, DataFormat.TSV, None, None, class_names, None, read_texts)
    images = images_of(x, field)
    label_list(y, len(images), field)
    pixels = range_of(images, field)
    _tell(rounding_note(pixels, images[:_FIRST_IMAGES], field))

    def read_images() -> Iterator[RawRecord]:
        number = 0
        for some, of_some in batches.as_numpy_iterator():
            rows = images_of(some, field)
            for label, image in zip(label_list(of_some, len(rows), field), rows, strict=True):
                yield RawRecord(f"{field}#{number}", label, pixels.to_bytes(image, field))
                number += 1

    # An image a record, like TFRecords: only reading tells how many there are.
    shape = images.shape[1:]
    return Examples(field, TaskKind.IMAGE, DataFormat.TFRECORD, pixels, shape, class_names, None, read_images)


def _batched(data: Any, field: str, input_shape: tuple[int | None, ...] | None) -> Any:
    """Returns a data set of batches, whether it had batches before or not."""
    import tensorflow as tf

    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or not all(isinstance(part, tf.TensorSpec) for part in spec):
        raise ConfigError(f"{field}: found a data set of {spec}, accepted is one of (example, label)")
    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ConfigError(f"{field}: found a data set without an end, accepted is one without repeat()")
    x, y = spec
    if x.shape.rank is None or y.shape.rank is None:
        raise ConfigError(f"{field}: found a data set of unknown shapes, accepted is one whose shapes have known ranks")
    of_one = 0 if x.dtype == tf.string else 3 if input_shape is None else len(input_shape)
    is_batched = y.shape.rank == 2 or (y.shape.rank == 1 and (x.shape.rank > of_one or y.dtype.is_integer))
    return data if is_batched else data.batch(_DATASET_BATCH)


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "element_spec") and hasattr(data, "as_numpy_iterator")


def _tell(sentence: str | None) -> None:
    if sentence is not None:
        progress.notice("data", sentence)


def memory_settings(train: Examples, apart: Mapping[Split, Examples], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration's `data` for examples that are in memory: what is written down of them.

    Args:
      train: Those to train on.
      apart: Those to measure with and to choose by, if any, by split.
      settings: Keys of `data` that were given beside them.

    Raises:
      ConfigError: a key that names a source.
    """
    for name in ("format", "uri", "held_out_uri", "validation_uri", "unlabelled_uri"):
        if name in settings:
            raise ConfigError(
                f"data.{name}: found one beside examples in memory, accepted is none: train is the source"
            )
    found = dict(settings) | {"format": train.format.value, "uri": train.field}
    return found | {f"{split.value}_uri": others.field for split, others in apart.items()}
