"""What readers pass on: units of work, records as stored, and records refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError

MAX_CLASSES = 10_000
MAX_LABEL_CHARACTERS = 256
# In one array of a file. An array is held in memory as a whole.
MAX_ARRAY_BYTES = 8 * 2**30


class Split(StrEnum):
    """The two parts of the data; the words are also folder names."""

    TRAIN = "train"
    HELD_OUT = "held_out"


class SourceError(ConfigError):
    """A source can't be read as a whole; the message names the configuration's field."""


@dataclasses.dataclass(frozen=True)
class BadRecord:
    """A record that is refused.

    Attributes:
      source: Where it is: a path below the data's folder, or file#index.
      reason: One line: what was found and what is accepted.
      field: The configuration's field that names the source.
    """

    source: str
    reason: str
    field: str = "data.uri"


@dataclasses.dataclass(frozen=True)
class RawRecord:
    """A record as it is stored.

    Attributes:
      source: Where it is: a path below the data's folder, or file#index.
      label: Name of the class, or its index, or `None` in a source without labels.
      payload: Bytes of a PNG or JPEG file, pixels `[height, width]` or
        `[height, width, channels]` of an integer type, or text.
    """

    source: str
    label: str | int | None
    payload: bytes | str | NDArray[np.integer]


@dataclasses.dataclass(frozen=True)
class Unit:
    """A share of the data that one worker reads; small, and safe to pickle.

    Attributes:
      format: How the examples are stored.
      field: The configuration's field that names the source, for messages.
      uri: File or folder that holds the examples.
      paths: Files below a folder, where `uri` is one.
      start: First record, where the unit is a range of records.
      stop: Record after the last.
      split: The split that the source belongs to, or `None` where a record's content decides.
      names: Class names in index order, where the source declares them.
      labelled: Whether its records have labels; if not, those that are there are not read.
    """

    format: DataFormat
    field: str
    uri: str
    paths: tuple[str, ...] = ()
    start: int = 0
    stop: int = 0
    split: Split | None = None
    names: tuple[str, ...] | None = None
    labelled: bool = True

    @property
    def num_records(self) -> int | None:
        """Records in the unit by the source's header or listing, or `None` where only reading tells."""
        if self.format in (DataFormat.DIGITS, DataFormat.NPZ, DataFormat.IDX):
            return self.stop - self.start
        return len(self.paths) if self.format is DataFormat.IMAGE_FOLDER else None

    def __str__(self) -> str:
        if self.format is DataFormat.IMAGE_FOLDER:
            return source_name(f"{self.field}: {self.paths[0]} to {self.paths[-1]} in {self.uri}")
        if self.num_records is None:
            return source_name(f"{self.field}: {' '.join(self.paths)}")
        return source_name(f"{self.field}: records {self.start} to {self.stop - 1} of {self.uri}")


@dataclasses.dataclass(frozen=True)
class ReadPlan:
    """All there is to read.

    Attributes:
      units: Shares of the work, in a fixed order.
      names: Class names in index order, or `None` where records tell them.
      refused: Files that the listing alone shows to be no examples.
    """

    units: tuple[Unit, ...]
    names: tuple[str, ...] | None = None
    refused: tuple[BadRecord, ...] = ()


def label_problem(label: str) -> str | None:
    """Returns why a label can't name a class, or `None`: a name is one printable line in reports and `labels.txt`.

    Args:
      label: As it is stored.
    """
    if not label:
        return "found no label, accepted is the name of a class"
    if len(label) > MAX_LABEL_CHARACTERS:
        return f"found a label of {len(label)} characters, accepted are {MAX_LABEL_CHARACTERS} at most"
    if not label.isprintable():
        return f"found label {label!a}, accepted are printable characters"
    return None


def class_names(found: Iterable[str | int]) -> tuple[str, ...]:
    """Returns class names in index order, from all labels found.

    Args:
      found: Indices become "0", "1", ... up to the highest one found; names that
        are all whole numbers are sorted as numbers, others as text.
    """
    labels = set(found)
    if labels and all(isinstance(label, int) for label in labels):
        return tuple(str(index) for index in range(max(int(label) for label in labels) + 1))
    names = [str(label) for label in labels]
    if all(name.isascii() and name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def source_name(path: str) -> str:
    """Returns a path as records and reports name it: bytes that are not UTF-8 are written out as `\\udcff`.

    Args:
      path: As the file system returns it.
    """
    return path.encode("utf-8", "backslashreplace").decode()
