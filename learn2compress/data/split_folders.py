"""Folders whose parts are splits, `train/`, `validation/` and `test/`, and not classes: told before they are mixed."""

from __future__ import annotations

import dataclasses
import re

from learn2compress.config import DataFormat
from learn2compress.data.locations import Location
from learn2compress.data.tfrecord_folder import is_tfrecord

# Of several for one purpose, the first is taken.
_TRAIN = ("train", "training")
_VALIDATION = ("validation", "valid", "val", "dev")
_TEST = ("test", "testing", "eval", "evaluation", "held_out", "holdout")
_ALL = frozenset((*_TRAIN, *_VALIDATION, *_TEST))
_WORDS = re.compile(r"[^-._]+")
_TABLE_ENDING = re.compile(r"\.(csv|tsv)(\.gz)?$")


@dataclasses.dataclass(frozen=True)
class SplitFolders:
    """The parts of a folder, as a configuration names them.

    Attributes:
      train: Where the training examples are.
      test: Where the held-out examples are; those for validation where there are no others; `None` for neither.
      validation: Where the examples to choose by are; `None` where there are none, or they are held out.
      unused: Names of further parts, for which there is no use beside these.
    """

    train: str
    test: str | None
    validation: str | None
    unused: tuple[str, ...] = ()

    def settings(self, field: str) -> str:
        """Returns what to set, such as "set data.uri: d/train, data.validation_uri: d/val, data.held_out_uri: d/test".

        Args:
          field: That named the folder, such as "data.uri".
        """
        if field != "data.uri":
            return f"set {field} to the part that you mean, such as {self.test or self.train}"
        parts = {"uri": self.train, "validation_uri": self.validation, "held_out_uri": self.test}
        return "set " + ", ".join(f"data.{name}: {uri}" for name, uri in parts.items() if uri)


def find_split_folders(location: Location, data_format: DataFormat) -> SplitFolders | None:
    """Looks whether all that a folder holds is splits: folders of images, tables or records that are called so.

    Args:
      location: The folder.
      data_format: How the examples are stored.

    Returns:
      The splits, one for training among them and another; `None` for anything else.

    Raises:
      SourceError: the folder can't be listed.
    """
    found = location.entry()
    if found is None or not found.is_folder:
        return None
    parts: dict[str, str] = {}
    for entry in location.folder():
        if data_format is DataFormat.IMAGE_FOLDER and entry.is_folder:
            parts[entry.name.lower()] = entry.name
        elif data_format.is_table and _TABLE_ENDING.search(entry.name.lower()):
            parts[_TABLE_ENDING.sub("", entry.name.lower())] = entry.name
        elif data_format is DataFormat.TFRECORD and is_tfrecord(entry.name.lower()):
            # A set has many files, such as flowers-train.tfrecord-00000-of-00002.
            words = [word for word in _WORDS.findall(entry.name) if word.lower() in _ALL] or [entry.name]
            parts[words[0].lower()] = f"*{words[0]}*"
    if len(parts) < 2 or not parts.keys() <= _ALL:
        return None
    taken = [next((parts[key] for key in kind if key in parts), None) for kind in (_TRAIN, _VALIDATION, _TEST)]
    train, validation, test = (name and f"{location.uri.rstrip('/')}/{name}" for name in taken)
    if train is None:
        return None
    unused = tuple(sorted(set(parts.values()) - set(taken)))
    return SplitFolders(train, test or validation, validation if test else None, unused)


def check_no_splits(location: Location, data_format: DataFormat) -> None:
    """Refuses a folder whose parts are splits: as classes they are none, and as one table nothing is held out.

    Args:
      location: The folder.
      data_format: How the examples are stored.

    Raises:
      SourceError: with what to set instead.
    """
    splits = find_split_folders(location, data_format)
    if splits is not None:
        kind = "one folder for each class" if data_format is DataFormat.IMAGE_FOLDER else "one part of the data"
        raise location.error(f"found splits in {location.uri}, accepted is {kind}: {splits.settings(location.field)}")
