"""Keywords as the configuration that they are part of, checked by its rules, and sizes as students that fit them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from learn2compress import progress
from learn2compress.config import CompressionConfig, StudentConfig, TaskConfig, TaskKind
from learn2compress.config.byte_sizes import parse_bytes
from learn2compress.config.parsing import ConfigError, clipped, parse
from learn2compress.report.formatting import byte_size
from learn2compress.search.stages_for_sizes import trunk_for_sizes

Students = Mapping[str, "str | int | Mapping[str, Any]"]

OWN_NETWORK = "teacher"
"""In place of a size: the teacher's own network as a student."""

DEFAULT_NAME = "family"
_ACCEPTED = frozenset(
    {"name", "task", "data", "training", "prune", "quantize", "evaluate", "constraints", "seed"},
)
_OF_PIPELINES = {
    "search": "l2c run searches",
    "push": "family['small'].save('small.tflite') writes a file",
    "beam": "the work is done in this process",
    "kubernetes": "the work is done in this process",
}
# Who sets one of these has a network in mind, whose width alone is left to choose.
_NETWORK_KEYS = ("architecture", "stages", "sharing", "pretrained", "shared_stages")


@dataclasses.dataclass(frozen=True)
class SizedStudents:
    """Students of a configuration.

    Attributes:
      students: Plain settings of each.
      training: The configuration's `training`, with a network for them.
      max_model_bytes: The largest size of each file that somebody limited, by name.
    """

    students: tuple[Mapping[str, Any], ...]
    training: Mapping[str, Any]
    max_model_bytes: Mapping[str, int]


def check_settings(settings: Mapping[str, Any], students: Students) -> None:
    """Refuses keywords and students that no data would make acceptable, before anything is read.

    The rules between parts of the configuration are held when all of it is known.

    Args:
      settings: Keywords by name.
      students: See `compress`.

    Raises:
      ConfigError: naming the field.
    """
    for name in settings:
        if name in _OF_PIPELINES:
            raise ConfigError(f"{name}: found it as a keyword, accepted is none here: {_OF_PIPELINES[name]}")
        if name not in _ACCEPTED:
            raise ConfigError(f"{name}: found an unknown keyword, accepted are {', '.join(sorted(_ACCEPTED))}")
    if not isinstance(students, Mapping) or not students:
        raise ConfigError(
            f"students: found {students!r}, accepted is a mapping of names to sizes, such as "
            "{'large': '500 kB', 'small': '100 kB'}, or to 'teacher', the teacher's own network"
        )
    for name, student in _with_own_network(students).items():
        own = student if isinstance(student, Mapping) else {}
        if not isinstance(student, Mapping):
            parse_bytes(student, f"students.{name}")
        parse(StudentConfig, {"name": name, **own}, f"students.{name}")
        whole({}, {"uri": "teacher"}, {"format": "npz", "uri": "train"}, [{"name": name}])
    data = settings.get("data", {})
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"data: found {clipped(repr(data))}, accepted is a mapping of the configuration's data, such as "
            "{'held_out_ratio': 0.2}"
        )
    types = get_type_hints(CompressionConfig, include_extras=True)
    for name, value in settings.items():
        # What the data need beside these keys is known when they were looked at.
        if name != "data":
            parse(types[name], value, name)


def whole(
    settings: Mapping[str, Any],
    teacher: Mapping[str, Any],
    data: Mapping[str, Any],
    students: Sequence[Mapping[str, Any]],
) -> CompressionConfig:
    """Returns the configuration that keywords are part of.

    Args:
      settings: Keywords by name.
      teacher: Its `teacher`.
      data: Its `data`.
      students: Its `students`.

    Raises:
      ConfigError: naming the field.
    """
    others = {name: value for name, value in settings.items() if name != "data"}
    return parse(
        CompressionConfig,
        {"name": DEFAULT_NAME, **others, "teacher": dict(teacher), "data": dict(data), "students": list(students)},
    )


def sized_students(
    students: Students, training: Mapping[str, Any], task: TaskConfig, labels: Sequence[str]
) -> SizedStudents:
    """Turns sizes into a network whose students fit them, and says which.

    Of images all students are exits of one `resnet` trunk where there is one for their sizes; otherwise, and where
    `training` names a network, each gets the largest width within its size, and shares kernels with the wider ones.

    Args:
      students: See `compress`.
      training: The configuration's `training` as far as it was given.
      task: What students take.
      labels: Class names in index order.

    Raises:
      ConfigError: a size is none.
    """
    students = _with_own_network(students)
    limits: dict[str, int] = {}
    for name, student in students.items():
        if isinstance(student, Mapping):
            own_limit = (student.get("budget") or {}).get("max_model_bytes")
            limits |= {} if own_limit is None else {name: own_limit}
        else:
            limits[name] = parse_bytes(student, f"students.{name}")
    as_sizes = [name for name, student in students.items() if not isinstance(student, Mapping)]
    is_free = task.kind is TaskKind.IMAGE and not any(key in training for key in _NETWORK_KEYS)
    num_own = sum(_is_own_network(student) for student in students.values())
    if as_sizes and is_free and len(as_sizes) + num_own == len(students):
        trunk = trunk_for_sizes(task.input_shape, labels, limits)
        if trunk is not None:
            sizes = ", ".join(f"{name} about {byte_size(trunk.cost_of[name].model_bytes)}" for name in as_sizes)
            progress.notice("students", f"one resnet trunk of {len(trunk.stages)} stages: {sizes}")
            stages = [dataclasses.asdict(stage) for stage in trunk.stages]
            return SizedStudents(
                tuple(
                    {"name": name, **(student if isinstance(student, Mapping) else {"stage": trunk.stage_of[name]})}
                    for name, student in students.items()
                ),
                {**training, "architecture": "resnet", "sharing": "prefix", "stages": stages},
                limits,
            )
    plain: list[Mapping[str, Any]] = []
    for name, student in students.items():
        own = student if isinstance(student, Mapping) else {"budget": {"max_model_bytes": limits[name]}}
        plain.append({"name": name, **own})
    if as_sizes and "pretrained" not in training:
        training = {"sharing": "width", **training}
    return SizedStudents(tuple(plain), training, limits)


def _with_own_network(students: Students) -> Students:
    """Returns students of which those that are called the teacher's network are mappings, too."""
    return {name: {"network": OWN_NETWORK} if student == OWN_NETWORK else student for name, student in students.items()}


def _is_own_network(student: Any) -> bool:
    return isinstance(student, Mapping) and student.get("network") == OWN_NETWORK
