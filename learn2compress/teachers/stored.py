"""A checked teacher as a folder: its files, and a `teacher.json` that says how to read them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras

from learn2compress.config import InputScaling, TaskConfig, TeacherMemberConfig, TeacherOutput
from learn2compress.results.reports import read_json, write_json
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.members import member_field
from learn2compress.teachers.network import Member

TEACHER_FILE = "teacher.json"


@dataclasses.dataclass(frozen=True)
class StoredMember:
    """One network in the folder.

    Attributes:
      file: Name of its `.keras` or `.h5` file or SavedModel folder.
      input_scaling: How bytes become its inputs.
      output: What it returns.
      outputs: The number of each class' output; `None` where outputs and classes are the same.
    """

    file: str
    input_scaling: InputScaling
    output: TeacherOutput
    outputs: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class StoredTeacher:
    """Content of `teacher.json`: the networks, whose mean probabilities are the signal where there are several."""

    members: tuple[StoredMember, ...]


def store_copies(folder: Path, paths: Sequence[Path], members: Sequence[Member]) -> None:
    """Copies a teacher's files as they are.

    Args:
      folder: An existing folder.
      paths: The files or SavedModel folders that `members` were loaded from.
      members: The networks loaded from them, in the same order.
    """
    stored = []
    for index, (path, member) in enumerate(zip(paths, members, strict=True)):
        name = f"member-{index}{path.suffix if path.is_file() else ''}"
        if path.is_dir():
            shutil.copytree(path, folder / name, symlinks=True)
        else:
            shutil.copyfile(path, folder / name)
        stored.append(_described(name, member))
    write_json(folder / TEACHER_FILE, StoredTeacher(tuple(stored)))


def store_keras(folder: Path, model: keras.Model, member: Member) -> None:
    """Saves a Keras teacher with the weights it has now; it has no optimizer, whose state would be saved, too.

    Args:
      folder: A folder; made if needed.
      model: The network's model.
      member: The network that `model` belongs to, for its input scaling, output and order of classes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = "member-0.keras"
    model.save(folder / name)
    write_json(folder / TEACHER_FILE, StoredTeacher((_described(name, member),)))


def _described(file: str, member: Member) -> StoredMember:
    return StoredMember(file, member.scaling, member.output, member.network.class_scores.outputs)


def load_stored(folder: Path, task: TaskConfig, num_classes: int) -> tuple[Member, ...]:
    """Loads the networks of a folder, after the same checks as the first time.

    Args:
      folder: Holds `teacher.json` and the files that it names.
      task: The examples' kind and shape.
      num_classes: Classes of the data.

    Returns:
      The networks, whose scores are in the order of the data's classes.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: one does not fit the task.
    """
    stored: StoredTeacher = read_json(StoredTeacher, folder / TEACHER_FILE)
    members = []
    for index, member in enumerate(stored.members):
        path = folder / member.file
        config = TeacherMemberConfig(str(path), member.input_scaling, member.output, outputs=member.outputs)
        members.append(load_member(path, config, task, num_classes, member_field(index)))
    return tuple(members)
