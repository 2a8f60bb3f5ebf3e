"""Which output of a teacher is which class of the data, where they are not in the same order or not as many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import yaml

from learn2compress.config import TeacherMemberConfig
from learn2compress.config.parsing import ConfigError, listed

_MOST_NAMED = 5


def numbered_outputs(config: TeacherMemberConfig, labels: Sequence[str] | None, field: str) -> tuple[int, ...] | None:
    """Returns the number of the output of each class of the data, however the configuration says it.

    Args:
      config: A teacher; of its `classes` and `outputs` at most one is set.
      labels: Class names of the data in index order; `None` where they are not known.
      field: Where it stands in the configuration, such as "teacher".

    Returns:
      Numbers in the order of the data's classes; `None` where outputs and classes are the same.

    Raises:
      ConfigError: the names are not those of the data's classes.
      ValueError: there are names, and no `labels` to hold them against.
    """
    if labels is None:
        if config.classes or isinstance(config.outputs, Mapping):
            raise ValueError(f"{field}: found names of classes, but nobody said those of the data")
        return config.outputs
    if isinstance(config.outputs, Mapping):
        return _numbers_of(config.outputs, labels, f"{field}.outputs")
    return order_of(config.classes, labels, f"{field}.classes") if config.classes else config.outputs


def _numbers_of(outputs: Mapping[str, int], labels: Sequence[str], field: str) -> tuple[int, ...]:
    missing = [name for name in labels if name not in outputs]
    unknown = [name for name in outputs if name not in labels]
    if missing or unknown:
        found = f"no output of class {missing[0]!r}" if missing else f"an output of {unknown[0]!r}"
        raise ConfigError(
            f"{field}: found {found}, accepted is the number of an output for each class of the data: {_listed(labels)}"
        )
    return tuple(outputs[name] for name in labels)


def order_of(classes: Sequence[str], labels: Sequence[str], field: str) -> tuple[int, ...] | None:
    """Returns which output of a teacher belongs to each class of the data.

    Args:
      classes: Names in the order of the teacher's outputs, as configured.
      labels: Class names of the data in index order.
      field: Where `classes` stands in the configuration, such as "teacher.classes".

    Returns:
      Index of the output of each class, in the data's order; None where nothing changes.

    Raises:
      ConfigError: they are not the data's classes, each once.
    """
    repeated = sorted({name for name in classes if classes.count(name) > 1})
    missing = [name for name in labels if name not in classes]
    unknown = [name for name in classes if name not in labels]
    wrong = [
        f"{what} {_listed(names)}"
        for what, names in (("twice", repeated), ("no", missing), ("not in the data", unknown))
        if names
    ]
    if wrong:
        raise ConfigError(
            f"{field}: found {len(classes)} names ({'; '.join(wrong)}), accepted are the {len(labels)} classes of the "
            f"data, each once, in the order of the teacher's outputs: {_listed(labels)}"
        )
    order = tuple(list(classes).index(name) for name in labels)
    return None if order == tuple(range(len(labels))) else order


def classes_setting(assignment: np.ndarray, order: Sequence[int] | None, labels: Sequence[str]) -> list[str]:
    """Returns what `teacher.classes` must be for answers to be assigned so.

    Args:
      assignment: The class of each class that the teacher answers now, int `[num_classes]`.
      order: The output that each class of the data is read from now; None where outputs are in the data's order.
      labels: Class names of the data in index order.

    Returns:
      Names in the order of the teacher's outputs.
    """
    names = [""] * len(labels)
    for answered, assigned in enumerate(assignment):
        names[answered if order is None else order[answered]] = labels[assigned]
    return names


def yaml_list(names: Sequence[str]) -> str:
    """Returns names as a YAML list on one line, each quoted where it must be."""
    return str(yaml.safe_dump(list(names), default_flow_style=True, allow_unicode=True, width=float("inf"))).strip()


def _listed(names: Sequence[str]) -> str:
    return listed(list(map(repr, names)), _MOST_NAMED)
