"""What lies beside TFRecord files: the rest of their set, how many records they hold, and names of the classes.

Counts are in the `dataset_info.json` of TensorFlow Datasets or in an index such as DALI's; names are in the
`label.labels.txt` of TensorFlow Datasets, or in a `labels.txt` of lines such as `0:daisy`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence

from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import SourceError, label_problem
from learn2compress.data.shard_sets import dataset_info_counts, index_count, missing_files, rival_sets, size_notes

_FILE_NAME = re.compile(r"tfrec|\.records?\b|-\d+-of-\d+")
_OTHER_SUFFIXES = (".json", ".txt", ".idx", ".index", ".md", ".sha256", ".md5", ".crc")
_UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", ".bak", "~")
_INFO_FILE = "dataset_info.json"
_NAMES_FILES = ("label.labels.txt", "labels.txt")
_NUMBERED_NAME = re.compile(r"(\d+):(.+)")
_MAX_INFO_BYTES = 64 * 2**20


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What is known of TFRecord files from beside them.

    Attributes:
      counts: Records by path, for the files that something tells about.
      names: Class names in index order, where a file has them.
      notes: Name of a file, and what a person must know about it.
    """

    counts: Mapping[str, int]
    names: tuple[str, ...] | None
    notes: Sequence[tuple[str, str]]


def is_tfrecord(name: str) -> bool:
    """Returns whether a file of a folder is taken for one of records.

    Args:
      name: Its name, in lower case.
    """
    return bool(_FILE_NAME.search(name)) and not name.endswith((*_OTHER_SUFFIXES, *_UNFINISHED_SUFFIXES))


def look_around(location: Location, files: Sequence[Entry], *, labelled: bool, is_counted: bool) -> Surroundings:
    """Looks for what tells that a set of files is not whole, and for class names.

    Args:
      location: The source.
      files: To be read.
      labelled: Whether class names are looked for.
      is_counted: Whether the configuration says how many records there are, so that a set may lack files.

    Raises:
      SourceError: a file of a set is missing, or a set is there in two numbers of files.
    """
    notes: list[tuple[str, str]] = []
    names: tuple[str, ...] | None = None
    counts: dict[str, int] = {}
    for folder, members in _by_folder(files).items():
        listed = _listed(location, folder)
        read = [file.name for file in members]
        notes += _check_sets(location, read, listed, is_counted=is_counted)
        notes += size_notes({file.name: file.num_bytes for file in members})
        notes += [
            (name, "left out, as its name says that it is unfinished or a copy")
            for name in listed
            if members[0].path != location.path
            and name.lower().endswith(_UNFINISHED_SUFFIXES)
            and _FILE_NAME.search(name.lower())
        ]
        counts |= {f"{folder}/{name}": count for name, count in _declared_counts(location, read, listed).items()}
        if labelled and names is None:
            names = _declared_names(location, listed)
    return Surroundings(counts, names, notes)


def files_beside(location: Location, files: Sequence[Entry]) -> list[Entry]:
    """Returns the files that `look_around` reads beside files of records: what they say is a part of the data.

    Args:
      location: The source.
      files: To be read.
    """
    found = []
    for folder, members in _by_folder(files).items():
        listed = _listed(location, folder)
        names = {_INFO_FILE, *_NAMES_FILES, *(index for file in members for index in _index_files(file.name))}
        found += [listed[name] for name in sorted(names & listed.keys())]
    return found


def _by_folder(files: Sequence[Entry]) -> dict[str, list[Entry]]:
    folders: dict[str, list[Entry]] = {}
    for file in files:
        folders.setdefault(file.path.rpartition("/")[0], []).append(file)
    return folders


def _index_files(name: str) -> tuple[str, ...]:
    return (f"{name}.idx", f"{name}.index", f"{name.rpartition('.')[0]}.idx")


def _listed(location: Location, folder: str) -> dict[str, Entry]:
    try:
        entries = location.folder(folder)
    except SourceError:
        # A web server serves files and lists none.
        return {}
    return {entry.name: entry for entry in entries if not entry.is_folder and not entry.problem}


def _check_sets(
    location: Location, read: Collection[str], listed: Collection[str], *, is_counted: bool
) -> list[tuple[str, str]]:
    """Refuses a set that lacks a file, or lies there twice, and tells which files of a set are there and not asked for.

    Args:
      location: The source.
      read: Names of the files to read, in one folder.
      listed: Names of all files in it.
      is_counted: Whether a set may lack files.

    Raises:
      SourceError: a file is missing, or a set is there in two numbers of files.
    """
    if rivals := rival_sets(read):
        raise location.error(
            f"found {rivals[0]} and {rivals[1]}, two sets of one name, accepted is one: move the old one away, or name "
            "the other by a glob"
        )
    notes = []
    for name, absent in missing_files(read).items():
        gone = [missing for missing in absent if missing not in listed]
        # Whoever names one file means it.
        if gone and not is_counted and name != location.path.rpartition("/")[2]:
            raise location.error(
                f"found {name} and not {gone[0]}, and {len(gone)} files of this set are missing, accepted is a whole "
                "set: fetch what is missing, or set data.num_records to what there is if it is meant to be a part"
            )
        notes.append((name, f"{len(absent)} other files of its set are not read"))
    return notes


def _declared_counts(location: Location, read: Collection[str], listed: Mapping[str, Entry]) -> dict[str, int]:
    """Reads how many records files hold, where something beside them tells.

    Args:
      location: The source.
      read: Names of the files to read, in one folder.
      listed: All files in it, by name.

    Returns:
      Records by name.
    """
    counts: dict[str, int] = {}
    if _INFO_FILE in listed:
        counts |= dataset_info_counts(_content(location, listed[_INFO_FILE]), sorted(read))
    for name in read:
        for index in _index_files(name):
            count = index_count(_content(location, listed[index])) if index in listed else None
            if count is not None:
                counts.setdefault(name, count)
    return counts


def _declared_names(location: Location, listed: Mapping[str, Entry]) -> tuple[str, ...] | None:
    """Reads class names in index order from a file beside the records, or returns `None` where there is none."""
    for file in _NAMES_FILES:
        if file not in listed:
            continue
        try:
            lines = _content(location, listed[file]).decode().splitlines()
        except UnicodeDecodeError as error:
            raise location.error(f"{listed[file].path}: found bytes that are not UTF-8, accepted is UTF-8") from error
        numbered = [_NUMBERED_NAME.fullmatch(line.strip()) for line in lines if line.strip()]
        if file != "labels.txt":
            names = [line.strip() for line in lines if line.strip()]
        elif numbered and all(numbered) and [int(found[1]) for found in numbered if found] == [*range(len(numbered))]:
            names = [found[2].strip() for found in numbered if found]
        else:
            continue
        problem = next(filter(None, map(label_problem, names)), None)
        if problem or not names or len(set(names)) != len(names):
            raise location.error(
                f"{listed[file].path}: {problem or 'found no name or one twice, accepted is a line for each class'}"
            )
        return tuple(names)
    return None


def _content(location: Location, entry: Entry) -> bytes:
    try:
        with location.open(entry.path) as file:
            return file.read(_MAX_INFO_BYTES)
    except OSError as error:
        raise location.error(f"{entry.path} can't be read: {error.strerror or error}") from error
