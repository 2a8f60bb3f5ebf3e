"""The teachers that a configuration names: the first one, and those that form an ensemble with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from learn2compress.config import TeacherConfig, TeacherMemberConfig
from learn2compress.config.parsing import about
from learn2compress.teachers.fetching import fetch_teacher


def member_field(index: int) -> str:
    """Returns where a teacher stands in the configuration: "teacher", "teacher.ensemble.0" and so on.

    Args:
      index: 0 for the first teacher, from 1 for those that form an ensemble with it.
    """
    return "teacher" if index == 0 else f"teacher.ensemble.{index - 1}"


def members_of(config: TeacherConfig) -> dict[str, TeacherMemberConfig]:
    """Returns all teachers by the configuration's field, such as "teacher" and "teacher.ensemble.0", in its order."""
    first = TeacherMemberConfig(config.uri, config.input_scaling, config.output, config.classes, config.outputs)
    return {member_field(index): member for index, member in enumerate((first, *config.ensemble))}


def fetch_members(config: TeacherConfig, into: Path) -> tuple[Path, ...]:
    """Copies all remote teachers onto this machine, as `fetch_teacher` does.

    Args:
      config: The teacher and its ensemble.
      into: A local folder; each remote teacher gets a folder of its own in it.

    Returns:
      Their local paths, in the order of `members_of`.

    Raises:
      ConfigError: one can't be found or read, or is too large; the message names
        its field, such as "teacher.ensemble.0.uri".
    """
    paths = []
    for field, member in members_of(config).items():
        with about(f"{field}.uri"):
            paths.append(fetch_teacher(member.uri, into / field))
    return tuple(paths)


def joint_sha256(digests: Sequence[str]) -> str:
    """Returns one hash of all teachers: a single teacher's own, or one over the hashes of all in their order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
