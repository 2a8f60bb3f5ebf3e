"""Whether a set of TFRecord files is whole: a file cut between two records, and one that is missing, look like nothing.

A TFRecord file does not say how many records it holds. What can be known lies beside it: the names of a set's files
(`...-00000-of-00002`), the lengths in the `dataset_info.json` of TensorFlow Datasets, the lines of an index as DALI's
`tfrecord2idx` writes it, and sizes that differ though a writer fills the files of a set evenly.
"""

from __future__ import annotations

import dataclasses
import json
import re
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"(?P<prefix>.*?)(?P<number>\d{1,9})-of-(?P<count>\d{1,9})(?P<suffix>.*)")
_INDEX_LINE = re.compile(rb"\d+ \d+\s*")
# A file of fewer bytes than this share of its set's median is told about.
_SMALL_SHARE = 0.5
_MIN_FILES = 3


@dataclasses.dataclass(frozen=True, order=True)
class ShardSet:
    """What the names of a set's files have in common: `prefix`, a number, `-of-`, how many files, `suffix`.

    Attributes:
      prefix: Before the number.
      suffix: After the number of files.
      count: The number of files, as it is written.
    """

    prefix: str
    suffix: str
    count: str

    @property
    def num_files(self) -> int:
        """Files of the whole set."""
        return int(self.count)


def place_in_set(name: str) -> tuple[ShardSet, int] | None:
    """Returns the set that a file belongs to and its number in it, or `None` where its name tells none.

    Args:
      name: Without folders.
    """
    found = _NAME.fullmatch(name)
    if found is None or int(found["number"]) > int(found["count"]):
        return None
    return ShardSet(found["prefix"], found["suffix"], found["count"]), int(found["number"])


def missing_files(names: Collection[str]) -> dict[str, list[str]]:
    """Finds what is missing of each set.

    Args:
      names: Of the files that are there, in one folder.

    Returns:
      Names of missing files, by the name of a file of their set that is there.
    """
    missing = {}
    for shards, files in _sets(names).items():
        # Most tools count from 0.
        first = 1 if shards.num_files in files and 0 not in files else 0
        absent = [number for number in range(first, first + shards.num_files) if number not in files]
        if absent:
            tail = f"-of-{shards.count}{shards.suffix}"
            num_digits = min(len(name) - len(shards.prefix) - len(tail) for name in files.values())
            missing[files[min(files)]] = [f"{shards.prefix}{number:0{num_digits}d}{tail}" for number in absent]
    return missing


def rival_sets(names: Collection[str]) -> tuple[str, str] | None:
    """Finds a set that lies there twice, in another number of files each time: an old one and a new one.

    Args:
      names: Of the files that are there, in one folder.

    Returns:
      A file of each, or `None`.
    """
    seen: dict[tuple[str, str], str] = {}
    for shards, files in sorted(_sets(names).items(), key=lambda item: item[0]):
        name = files[min(files)]
        other = seen.setdefault((shards.prefix, shards.suffix), name)
        if other != name:
            return other, name
    return None


def size_notes(sizes: Mapping[str, int]) -> list[tuple[str, str]]:
    """Returns what the sizes of files tell: empty ones, and those much smaller than the others of their set.

    The last file of a set holds what is left, and may be small.

    Args:
      sizes: Bytes by name, in one folder; 0 throughout where the file system does not say.

    Returns:
      Names, and what to tell about each.
    """
    notes = []
    if any(sizes.values()):
        notes += [(name, "it is empty: if it was cut, fetch it again") for name, size in sizes.items() if not size]
    for files in _sets(sizes).values():
        if len(files) < _MIN_FILES:
            continue
        ordered = [files[number] for number in sorted(files)]
        median = statistics.median(sizes[name] for name in ordered)
        notes += [
            (name, f"it has {sizes[name]} bytes, and the files of its set {median:.0f}: if it was cut, fetch it again")
            for name in ordered[:-1]
            if 0 < sizes[name] < _SMALL_SHARE * median
        ]
    return notes


def dataset_info_counts(content: bytes, names: Sequence[str]) -> dict[str, int]:
    """Reads how many records files hold from the `dataset_info.json` of TensorFlow Datasets.

    Args:
      content: The file's.
      names: Of the files beside it.

    Returns:
      Records by name, for the files that it tells about; none where it is something else.
    """
    try:
        splits: Any = json.loads(content)["splits"]
        lengths = {str(split["name"]): [int(length) for length in split["shardLengths"]] for split in splits}
    except (ValueError, KeyError, TypeError):
        return {}
    counts = {}
    for name in names:
        if place := place_in_set(name):
            shards, number = place
            found = [split for split in lengths if split in re.split(r"[-.]", shards.prefix)]
            if len(found) == 1 and len(lengths[found[0]]) == shards.num_files > number:
                counts[name] = lengths[found[0]][number]
    return counts


def index_count(content: bytes) -> int | None:
    """Counts the records that an index lists, a line of offset and length for each.

    Args:
      content: The file's.

    Returns:
      Records, or `None` where it is something else.
    """
    lines = content.splitlines()
    return len(lines) if lines and all(map(_INDEX_LINE.fullmatch, lines)) else None


def _sets(names: Iterable[str]) -> dict[ShardSet, dict[int, str]]:
    """Returns the files that are there by their numbers, by set."""
    found: dict[ShardSet, dict[int, str]] = {}
    for name in sorted(names):
        if place := place_in_set(name):
            found.setdefault(place[0], {})[place[1]] = name
    return found
