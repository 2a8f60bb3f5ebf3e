"""Images in idx files, the format of MNIST and its successors (LeCun, Cortes & Burges).

A header of two zero bytes, the element type, the number of dimensions and each
dimension as a big-endian 32-bit number is followed by the elements, in C
order. Files may be gzipped. `...images...idx3...` is read with its sibling
`...labels...idx1...`, or without labels alone.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO, cast

import numpy as np

from learn2compress.config import DataFormat
from learn2compress.data.arrays import check_indices, record_ranges
from learn2compress.data.locations import Location
from learn2compress.data.records import (
    MAX_ARRAY_BYTES,
    MAX_CLASSES,
    RawRecord,
    ReadPlan,
    Split,
    Unit,
    gathered_notes,
)

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"
_RECORDS_PER_READ = 1024
_READ_BYTES = 2**20
_UNREADABLE = (OSError, EOFError, zlib.error)


def plan_idx(location: Location, split: Split | None, *, labelled: bool = True, first_label: int = 0) -> ReadPlan:
    """Plans the reading of an images file, or of the `train-` and `t10k-` files of a folder.

    Args:
      location: The file or the folder.
      split: The split that it belongs to, where a folder's file names don't tell.
      labelled: Whether labels are read; without them a folder's `train-` images alone are.
      first_label: Index of the first class.

    Returns:
      Units of a range of images each.

    Raises:
      SourceError: a file is missing, damaged, too large, or labels don't fit.
    """
    found = location.entry()
    if found is None:
        raise location.error(f"found nothing at {location.uri}, accepted is an idx images file or a folder of them")
    if not found.is_folder:
        return ReadPlan(_units(location, location.path, split, labelled, first_label))
    names = [entry.name for entry in location.folder() if not entry.problem and not entry.is_folder]
    train, train_notes = _images_file(names, "train")
    test, test_notes = _images_file(names, "t10k")
    notes = gathered_notes(location.field, (*train_notes, *test_notes))
    if split is Split.VALIDATION and test and train:
        raise location.error(
            f"found train- and t10k- files in {location.uri}, accepted is the images file of those to choose by"
        )
    if split in (Split.HELD_OUT, Split.VALIDATION) and (test or train):
        units = _units(location, f"{location.path}/{test or train}", split, labelled, first_label)
        return ReadPlan(units, notes=notes)
    if train is None:
        raise location.error(f"found no train-images-idx3-ubyte[.gz] in {location.uri}, accepted is a folder with one")
    units = _units(
        location, f"{location.path}/{train}", Split.TRAIN if test and split is None else split, labelled, first_label
    )
    if test and split is None:
        units += _units(location, f"{location.path}/{test}", Split.HELD_OUT, labelled, first_label)
    return ReadPlan(units, notes=notes)


def read_idx(unit: Unit) -> Iterator[RawRecord]:
    """Reads one range of images.

    Args:
      unit: From `plan_idx`.

    Raises:
      SourceError: the file ends early, holds more than it claims, or is damaged.
    """
    location = Location(unit.uri, unit.field)
    images_path = unit.paths[0]
    labels = _labels(location, unit.paths[1])[unit.start : unit.stop] if unit.labelled else None
    name = images_path.rpartition("/")[2]
    with _opened(location, images_path) as file:
        num_images, height, width = _dimensions(file, 3, location, images_path)
        _skip(file, unit.start * height * width, location, images_path)
        for start in range(unit.start, unit.stop, _RECORDS_PER_READ):
            stop = min(start + _RECORDS_PER_READ, unit.stop)
            raw = _exactly(file, (stop - start) * height * width, location, images_path)
            images = np.frombuffer(raw, np.uint8).reshape(stop - start, height, width)
            for index, image in enumerate(images, start):
                label = None if labels is None else int(labels[index - unit.start])
                yield RawRecord(f"{name}#{index}", label, image)
        if unit.stop == num_images:
            _expect_end(file, location, images_path)


def _units(
    location: Location, images_path: str, split: Split | None, labelled: bool, first_label: int
) -> tuple[Unit, ...]:
    with _opened(location, images_path) as file:
        num_images, _, _ = _dimensions(file, 3, location, images_path)
    paths: tuple[str, ...] = (images_path,)
    if labelled:
        paths = (images_path, labels_path_of(location, images_path))
        labels = _labels(location, paths[1])
        if len(labels) != num_images:
            raise location.error(
                f"{images_path}: found {num_images} images and {len(labels)} labels, accepted are as many"
            )
        check_indices(labels, MAX_CLASSES, paths[1], location, first_label=first_label)
    return tuple(
        Unit(DataFormat.IDX, location.field, location.uri, paths, start, stop, split, labelled=labelled)
        for start, stop in record_ranges(num_images)
    )


def _images_file(names: list[str], prefix: str) -> tuple[str | None, list[tuple[str, str]]]:
    """Returns the images file of a part of the data, `None` where there is none, and a note on each other."""
    pattern = re.compile(rf"{prefix}-images[-.]idx3-ubyte(\.gz)?")
    found = [name for name in names if pattern.fullmatch(name)]
    return next(iter(found), None), [(name, f"left out, as {found[0]} is read") for name in found[1:]]


def labels_path_of(location: Location, images_path: str) -> str:
    """Finds the labels file that belongs to an images file.

    Args:
      location: The source.
      images_path: The images file.

    Returns:
      Its path.

    Raises:
      SourceError: there is none beside it.
    """
    folder, _, name = images_path.rpartition("/")
    labels_name = name.replace("images", "labels").replace("idx3", "idx1")
    # The two may be stored differently: one gzipped, one not.
    for candidate in (labels_name, labels_name.removesuffix(".gz"), f"{labels_name}.gz"):
        if candidate != name and location.filesystem.exists(f"{folder}/{candidate}"):
            return f"{folder}/{candidate}"
    raise location.error(f"found no {labels_name} beside {images_path}, accepted is a labels file with that name")


@contextlib.contextmanager
def _opened(location: Location, path: str) -> Iterator[IO[bytes]]:
    try:
        with location.open(path) as file:
            zipped = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if not zipped:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as inflated:
                yield cast(IO[bytes], inflated)
    except _UNREADABLE as error:
        raise location.error(f"{path} can't be read, or is damaged: {error}") from error


def _dimensions(file: IO[bytes], wanted: int, location: Location, path: str) -> tuple[int, ...]:
    """Reads the header's dimensions, and checks what an idx file of images or labels may claim."""
    zeros, kind, num_dimensions = struct.unpack(">HBB", _exactly(file, 4, location, path))
    if (zeros, kind, num_dimensions) != (0, _UNSIGNED_BYTE, wanted):
        raise location.error(
            f"{path}: found header {zeros:04x}{kind:02x}{num_dimensions:02x}, "
            f"accepted is 0000{_UNSIGNED_BYTE:02x}{wanted:02x}: an idx file of bytes with {wanted} dimensions"
        )
    dimensions = struct.unpack(f">{wanted}I", _exactly(file, 4 * wanted, location, path))
    if not 0 < math.prod(dimensions) <= MAX_ARRAY_BYTES:
        raise location.error(f"{path}: found dimensions {dimensions}, accepted are 1 to {MAX_ARRAY_BYTES} bytes in all")
    return dimensions


def _labels(location: Location, path: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    with _opened(location, path) as file:
        (num_labels,) = _dimensions(file, 1, location, path)
        labels = np.frombuffer(_exactly(file, num_labels, location, path), np.uint8)
        _expect_end(file, location, path)
    return labels


def _exactly(file: IO[bytes], num_bytes: int, location: Location, path: str) -> bytes:
    # In pieces, so that memory grows with what is there and not with what a header claims.
    pieces = []
    missing = num_bytes
    while missing:
        piece = file.read(min(missing, _READ_BYTES))
        if not piece:
            raise location.error(f"{path}: ends {missing} bytes early; it is damaged: fetch it again")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _skip(file: IO[bytes], num_bytes: int, location: Location, path: str) -> None:
    while num_bytes:
        piece = min(num_bytes, _READ_BYTES)
        _exactly(file, piece, location, path)
        num_bytes -= piece


def _expect_end(file: IO[bytes], location: Location, path: str) -> None:
    if file.read(1):
        raise location.error(f"{path}: holds more bytes than its header claims; it is damaged: fetch it again")
