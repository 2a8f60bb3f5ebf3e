"""Images held as arrays: scikit-learn's handwritten digits, and NumPy `.npz` files.

An `.npz` file holds `x` and `y`, or `x_train`, `y_train`, `x_test` and
`y_test` (the test part is then the held-out split), and may hold `labels`, the
class names. Without labels it holds `x` or `x_train`. Only the headers are read to plan; pickled objects are refused
(`allow_pickle=False`), since loading them runs their code.
"""

from __future__ import annotations

import contextlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learn2compress.config import DataFormat
from learn2compress.data.locations import Location
from learn2compress.data.records import (
    MAX_ARRAY_BYTES,
    MAX_CLASSES,
    RawRecord,
    ReadPlan,
    Split,
    Unit,
    label_problem,
)

DIGITS_URI = "scikit-learn:digits"
_NUM_DIGITS = 1797
# A compressed array is inflated again for every unit, so a large one still has few.
_MIN_RECORDS_PER_UNIT = 16_384
_MAX_UNITS = 8
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def record_ranges(num_records: int) -> list[tuple[int, int]]:
    """Splits records into at most eight ranges.

    Args:
      num_records: At least 1.

    Returns:
      `(start, stop)` of each.
    """
    step = max(_MIN_RECORDS_PER_UNIT, math.ceil(num_records / _MAX_UNITS))
    return [(start, min(start + step, num_records)) for start in range(0, num_records, step)]


def plan_digits() -> ReadPlan:
    """Plans the reading of the 8x8 digits that scikit-learn bundles (UCI, Alpaydin & Kaynak 1998)."""
    return ReadPlan((Unit(DataFormat.DIGITS, "data.format", DIGITS_URI, stop=_NUM_DIGITS),), tuple("0123456789"))


def read_digits() -> Iterator[RawRecord]:
    """Reads the digits; stored values 0..16 become 0..255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255.0 / 16.0)).astype(np.uint8)
    for index, (image, label) in enumerate(zip(pixels, digits.target, strict=True)):
        yield RawRecord(f"digits#{index}", int(label), image)


def plan_npz(location: Location, split: Split | None, *, labelled: bool = True, first_label: int = 0) -> ReadPlan:
    """Plans the reading of an `.npz` file.

    Args:
      location: The file.
      split: The split that it belongs to, where the file does not tell itself.
      labelled: Whether its labels are read.
      first_label: Index of the first class.

    Returns:
      Units of a range of images each, and the class names where the file has them.

    Raises:
      SourceError: the file or an array in it is missing, of the wrong type,
        shape or size, or the labels don't fit.
    """
    found = location.entry()
    if found is None or found.is_folder or found.problem:
        raise location.error(f"found no file at {location.uri}, accepted is an .npz file")
    with _opened(location) as archive:
        shapes = {name.removesuffix(".npy"): _header(archive, name, location) for name in archive.namelist()}
        names = _label_names(archive, location) if labelled and "labels" in shapes else None
        pairs = _array_pairs(shapes, location, split) if labelled else _unlabelled_array(shapes, location, split)
        units = []
        for x_key, y_key, part in pairs:
            _check_images(shapes[x_key], x_key, location)
            num_records = shapes[x_key][0][0]
            if labelled:
                _check_labels(_array(archive, y_key, location), y_key, num_records, names, first_label, location)
            units += [
                Unit(DataFormat.NPZ, location.field, location.uri, (x_key, y_key), start, stop, part, names, labelled)
                for start, stop in record_ranges(num_records)
            ]
    return ReadPlan(tuple(units), names)


def read_npz(unit: Unit) -> Iterator[RawRecord]:
    """Reads one range of images; memory holds the array as a whole.

    Args:
      unit: From `plan_npz`.

    Raises:
      SourceError: the file is damaged.
    """
    location = Location(unit.uri, unit.field)
    x_key, y_key = unit.paths
    name = location.path.rpartition("/")[2]
    with _opened(location) as archive:
        images = _array(archive, x_key, location)[unit.start : unit.stop]
        labels = _array(archive, y_key, location).reshape(-1)[unit.start : unit.stop] if unit.labelled else None
    for index, image in enumerate(images):
        label = None if labels is None else _label(labels[index], unit)
        yield RawRecord(f"{name}#{x_key}[{unit.start + index}]", label, image)


def _array_pairs(
    shapes: dict[str, Any], location: Location, split: Split | None
) -> list[tuple[str, str, Split | None]]:
    if {"x_train", "y_train", "x_test", "y_test"} <= shapes.keys() and split is None:
        return [("x_train", "y_train", Split.TRAIN), ("x_test", "y_test", Split.HELD_OUT)]
    if {"x", "y"} <= shapes.keys():
        return [("x", "y", split)]
    if split is Split.VALIDATION and {"x_validation", "y_validation"} <= shapes.keys():
        return [("x_validation", "y_validation", split)]
    if {"x_train", "y_train"} <= shapes.keys() and split in (None, Split.TRAIN):
        return [("x_train", "y_train", split)]
    if {"x_test", "y_test"} <= shapes.keys() and split is Split.HELD_OUT:
        return [("x_test", "y_test", split)]
    others = "x_validation and y_validation" if split is Split.VALIDATION else "x_train, y_train, x_test and y_test"
    raise location.error(f"{location.uri}: found arrays {sorted(shapes)}, accepted are x and y, or {others}")


def _unlabelled_array(
    shapes: dict[str, Any], location: Location, split: Split | None
) -> list[tuple[str, str, Split | None]]:
    for key in ("x", "x_train"):
        if key in shapes:
            return [(key, "", split)]
    raise location.error(f"{location.uri}: found arrays {sorted(shapes)}, accepted are x or x_train")


@contextlib.contextmanager
def _opened(location: Location) -> Iterator[zipfile.ZipFile]:
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(stack.enter_context(location.open())))
        except _UNREADABLE as error:
            raise location.error(f"{location.uri}: found no zip archive, accepted is an .npz file") from error
        yield archive


def _header(archive: zipfile.ZipFile, member: str, location: Location) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Reads shape and type of an array, and compares the size it claims with the limit and the archive's entry."""
    try:
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
    except _UNREADABLE as error:
        raise location.error(f"{location.uri}: found {member!r}, accepted are NumPy arrays") from error
    if dtype.hasobject:
        raise location.error(
            f"{location.uri}: array {member!r} holds pickled objects, accepted are plain numbers or text"
        )
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > min(MAX_ARRAY_BYTES, archive.getinfo(member).file_size):
        raise location.error(
            f"{location.uri}: array {member!r} claims {num_bytes} bytes and the file holds "
            f"{archive.getinfo(member).file_size}, accepted are {MAX_ARRAY_BYTES} at most, all of them there"
        )
    return tuple(shape), dtype


def _array(archive: zipfile.ZipFile, key: str, location: Location) -> NDArray[Any]:
    member = f"{key}.npy" if f"{key}.npy" in archive.namelist() else key
    _header(archive, member, location)
    try:
        with archive.open(member) as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except _UNREADABLE as error:
        raise location.error(f"{location.uri}: array {key!r} is damaged; fetch the file again") from error


def _label_names(archive: zipfile.ZipFile, location: Location) -> tuple[str, ...]:
    array = _array(archive, "labels", location)
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise location.error(
            f"{location.uri}: array 'labels' has type {array.dtype} and shape {array.shape}, "
            "accepted is a list of class names"
        )
    names = tuple(_text(name) for name in array)
    problem = next(filter(None, map(label_problem, names)), None)
    if problem or len(set(names)) != len(names):
        raise location.error(f"{location.uri}: array 'labels': {problem or 'found a name twice, accepted is once'}")
    return names


def _check_images(header: tuple[tuple[int, ...], np.dtype[Any]], key: str, location: Location) -> None:
    shape, dtype = header
    if dtype.kind not in "iu" or len(shape) not in (3, 4) or shape[0] == 0:
        raise location.error(
            f"{location.uri}: array {key!r} has type {dtype} and shape {shape}, accepted are whole numbers 0..255 "
            "of shape [examples, height, width] or [examples, height, width, channels]"
        )


def _check_labels(
    labels: NDArray[Any],
    key: str,
    num_records: int,
    names: tuple[str, ...] | None,
    first_label: int,
    location: Location,
) -> None:
    if labels.dtype.kind not in "iuUS" or labels.shape not in ((labels.size,), (labels.size, 1)):
        raise location.error(
            f"{location.uri}: array {key!r} has type {labels.dtype} and shape {labels.shape}, accepted are "
            "class indices or names of shape [examples]"
        )
    if labels.size != num_records:
        raise location.error(
            f"{location.uri}: found {num_records} images and {labels.size} labels, accepted are as many"
        )
    if labels.dtype.kind in "iu":
        check_indices(labels, len(names) if names else MAX_CLASSES, key, location, first_label=first_label)


def check_indices(
    labels: NDArray[Any], num_classes: int, what: str, location: Location, *, first_label: int = 0
) -> None:
    """Checks that class indices are in range.

    Args:
      labels: Whole numbers, at least one.
      num_classes: Classes there may be.
      what: Array or file that holds the labels, for the message.
      location: The source, for the message.
      first_label: Index of the first class.

    Raises:
      SourceError: an index is out of range.
    """
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < first_label or highest >= first_label + num_classes:
        other = 1 - first_label
        fits = lowest >= other and highest < other + num_classes
        mend = f": if they count from {other}, set data.first_label: {other}" if fits else ""
        raise location.error(
            f"{location.uri}: {what}: found labels {lowest}..{highest}, accepted are {first_label}.."
            f"{first_label + num_classes - 1}{mend}"
        )


def _label(value: Any, unit: Unit) -> str | int:
    if isinstance(value, np.integer):
        return unit.names[int(value) - unit.first_label] if unit.names else int(value)
    return _text(value)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
