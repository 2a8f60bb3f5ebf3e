"""What readers pass on: units of work, records as stored, and records refused."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.table_layout import TableLayout

MAX_CLASSES = 10_000
MAX_LABEL_CHARACTERS = 256
# Zero-width joiner and non-joiner: letters of Persian, Sinhala, Malayalam and others, and emoji, are written with them.
_JOINERS = "\u200c\u200d"
# In one array of a file. An array is held in memory as a whole.
MAX_ARRAY_BYTES = 8 * 2**30


class Split(StrEnum):
    """The parts of the data; the words are also folder names.

    `validation` holds the examples to choose by where a configuration names some; otherwise there is no such split, and
    some of `train` are kept back for that.
    """

    TRAIN = "train"
    VALIDATION = "validation"
    HELD_OUT = "held_out"

    @property
    def gives_way_to(self) -> tuple[Split, ...]:
        """Returns the splits whose content is left out of this one."""
        return {Split.TRAIN: (Split.HELD_OUT, Split.VALIDATION), Split.VALIDATION: (Split.HELD_OUT,)}.get(self, ())

    @property
    def words(self) -> str:
        """Returns the name as sentences have it."""
        return {Split.TRAIN: "training", Split.HELD_OUT: "held-out"}.get(self, self.value)


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
class NamedIndex:
    """A class index, and the name that the record gives it."""

    index: int
    name: str

    def __str__(self) -> str:
        """Returns the name."""
        return self.name


Label = str | int | NamedIndex


@dataclasses.dataclass(frozen=True)
class RawRecord:
    """A record as it is stored.

    Attributes:
      source: Where it is: a path below the data's folder, or file#index.
      label: Name of the class, or its index, or both, or `None` in a source without labels.
      payload: Bytes of an image file, pixels `[height, width]` or
        `[height, width, channels]` of an integer type, or text.
    """

    source: str
    label: Label | None
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
      table: How a table's columns are laid out; of other formats `None`.
      first_label: The lowest class index of the source, 0 or 1; what is passed on counts from 0.
      num_declared: Records that something beside the file says it holds, or `None`.
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
    table: TableLayout | None = None
    first_label: int = 0
    num_declared: int | None = None

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


def splits_of(units: Iterable[Unit]) -> tuple[Split, ...]:
    """Returns the splits that there are, in their order: one to choose by only where a source is named for it.

    Args:
      units: The plan's.
    """
    has_validation = any(unit.split is Split.VALIDATION for unit in units)
    return tuple(split for split in Split if split is not Split.VALIDATION or has_validation)


@dataclasses.dataclass(frozen=True)
class ReadPlan:
    """All there is to read.

    Attributes:
      units: Shares of the work, in a fixed order.
      names: Class names in index order, or `None` where records tell them.
      refused: Files that the listing alone shows to be no examples.
      notes: What was concluded and not declared, for a person to read; one line each.
    """

    units: tuple[Unit, ...]
    names: tuple[str, ...] | None = None
    refused: tuple[BadRecord, ...] = ()
    notes: tuple[str, ...] = ()


def label_problem(label: str) -> str | None:
    """Returns why a label can't name a class, or `None`: a name is one printable line in reports and `labels.txt`.

    Args:
      label: As it is stored.
    """
    if not label:
        return "found no label, accepted is the name of a class"
    if len(label) > MAX_LABEL_CHARACTERS:
        return f"found a label of {len(label)} characters, accepted are {MAX_LABEL_CHARACTERS} at most"
    if not _is_printable(label):
        return f"found label {label!a}, accepted are printable characters"
    return None


def gathered_notes(field: str, notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Returns one line for each thing noted, however many files it is true of.

    Args:
      field: The configuration's field that names the source.
      notes: Name of a file, and what is noted of it.
    """
    files: dict[str, list[str]] = {}
    for name, note in notes:
        files.setdefault(note, []).append(name)
    lines = []
    for note, names in files.items():
        more = f" (and {len(names) - 1} more files)" if len(names) > 1 else ""
        lines.append(f"{field}: {source_name(names[0])}{more}: {note}")
    return tuple(lines)


def source_name(path: str) -> str:
    """Returns a path as records and reports name it: on one line, with what can't be shown written out.

    Args:
      path: As the file system returns it. A byte that is not UTF-8 becomes `\\udcff`, a control character `\\x1b`.
    """
    return "".join(
        character.encode("unicode_escape").decode() if _is_unseen(character) else character for character in path
    )


def _is_unseen(character: str) -> bool:
    # Controls, surrogates, formats such as those that turn the direction of writing, and separators of lines.
    return unicodedata.category(character) in ("Cc", "Cs", "Cf", "Zl", "Zp") and character not in _JOINERS


def _is_printable(label: str) -> bool:
    """Returns whether a label is one line that shows all that is in it.

    Joiners count where they follow what they are used with: nobody sees one behind a letter of ASCII or another joiner.
    """
    before = ["", *label]
    return all(
        not previous.isascii() and previous not in _JOINERS if character in _JOINERS else character.isprintable()
        for previous, character in zip(before, label, strict=False)
    )
