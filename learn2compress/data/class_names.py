"""Names of the classes in index order, and what a person must know about that order.

Names that are all numbers are in numeric order in every format; others are in the order of their characters, as
`sorted` has it. Indices keep their order, and take the names that records have beside them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from learn2compress.config.parsing import clipped, listed
from learn2compress.data.records import Label, NamedIndex, SourceError

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_MAX_SHOWN = 5
_LONGEST_SHOWN = 40
_UNNAMED = "unnamed {}"
# Fewer classes are what a small trial has.
_MIN_SUSPICIOUS_CLASSES = 10


def class_names(found: Iterable[Label]) -> tuple[str, ...]:
    """Returns class names in index order, from all labels found.

    Args:
      found: All of them text, or all of them indices. An index without a name becomes its own name, up to the highest
        one found.

    Raises:
      SourceError: records name one index differently.
    """
    labels = set(found)
    if labels and all(not isinstance(label, str) for label in labels):
        return _indexed_names(label for label in labels if not isinstance(label, str))
    return ordered_names(str(label) for label in labels)


def ordered_names(names: Iterable[str]) -> tuple[str, ...]:
    """Returns names in index order: as numbers, where all of them are, and otherwise as text.

    Args:
      names: Each once.
    """
    found = list(names)
    if all(map(_NUMBER.fullmatch, found)):
        return tuple(sorted(found, key=lambda name: (Decimal(name), name)))
    return tuple(sorted(found))


def naming_notes(names: Sequence[str]) -> tuple[str, ...]:
    """Returns what a person must know about the names of the classes: their order, and those that may be one class.

    Args:
      names: In index order.
    """
    return (*_order_notes(names), *_likeness_notes(names))


def _order_notes(names: Sequence[str]) -> tuple[str, ...]:
    """Returns what somebody must know of the order who trained a network on the classes elsewhere."""
    if len(names) < 2 or not all(map(_NUMBER.fullmatch, names)):
        return ()
    as_text = sorted(names)
    notes = []
    if as_text != list(names):
        differs = next(index for index, (one, other) in enumerate(zip(names, as_text, strict=True)) if one != other)
        notes.append(
            f"the names of the classes are numbers and in numeric order, so output {differs} is class "
            f"{names[differs]!r}; Keras' image_dataset_from_directory and what else sorts them as text has "
            f"{as_text[differs]!r} there: if the teacher was trained so, set teacher.classes to its own order"
        )
    if names[0] == "1":
        notes.append(f"the labels begin at 1: output 0 is class '1', and output {len(names) - 1} is {names[-1]!r}")
    return tuple(notes)


def _likeness_notes(names: Sequence[str]) -> tuple[str, ...]:
    """Returns a note on names that a person would take for the same."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault("".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return ()
    shown = listed(
        [" and ".join(ascii(clipped(name, _LONGEST_SHOWN)) for name in group) for group in groups], _MAX_SHOWN
    )
    return (
        f"these classes differ in case, spaces or the form of a character alone: {shown}; if they are one, mend the "
        "labels",
    )


def too_many_classes(names: Sequence[str], num_labelled: int) -> str | None:
    """Returns why there are too many classes for their examples to be classes, or `None`.

    Args:
      names: Of the classes.
      num_labelled: Labelled examples of both splits.
    """
    if len(names) <= _MIN_SUSPICIOUS_CLASSES or 2 * len(names) <= num_labelled:
        return None
    shown = ", ".join(ascii(clipped(name, _LONGEST_SHOWN)) for name in names[:3])
    return (
        f"found {len(names)} classes in {num_labelled} examples, such as {shown}, accepted are two examples of a class "
        "on average at least: is something else taken for the label? In a table set data.label_column and "
        "data.text_column"
    )


def starts_at_one(names: Sequence[str], counts: Sequence[int], *, declared: bool) -> str | None:
    """Returns that indices seem to count from 1, or `None`.

    Args:
      names: Of the classes.
      counts: Examples of each class in both splits.
      declared: Whether the source declares the names, so that they are no indices.
    """
    if declared or len(counts) < 2 or counts[0] or names[0] not in ("0", _UNNAMED.format(0)):
        return None
    lowest = next((index for index, count in enumerate(counts) if count), 0)
    if lowest != 1:
        return None
    return (
        f"found labels 1 to {len(counts) - 1} and none that is 0, accepted are labels from 0: if they count from 1, "
        f"set data.first_label: 1 (output 0 of a network is then class 1, and there are {len(counts) - 1} classes)"
    )


def _indexed_names(labels: Iterable[int | NamedIndex]) -> tuple[str, ...]:
    found: dict[int, set[str]] = {}
    for label in labels:
        index = label.index if isinstance(label, NamedIndex) else label
        found.setdefault(index, set()).update([label.name] if isinstance(label, NamedIndex) else [])
    is_named = any(found.values())
    names = []
    for index in range(max(found) + 1):
        of_index = sorted(found.get(index, ()))
        if len(of_index) > 1:
            shown = listed(list(map(ascii, of_index)), _MAX_SHOWN)
            raise SourceError(
                f"data.uri: found label {index} with the names {shown}, accepted is one name for one label"
            )
        names.append(of_index[0] if of_index else _UNNAMED.format(index) if is_named else str(index))
    # ImageNet has two cranes.
    times = Counter(names)
    return tuple(name if times[name] == 1 else f"{name} ({index})" for index, name in enumerate(names))
