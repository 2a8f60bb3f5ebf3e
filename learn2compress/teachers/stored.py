"""A checked teacher as a folder: its files, and a `teacher.json` that says how to read them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras

from learn2compress.config import InputScaling, TeacherMemberConfig, TeacherOutput
from learn2compress.results.reports import read_json, write_json
from learn2compress.teachers.network import Member

TEACHER_FILE = "teacher.json"


@dataclasses.dataclass(frozen=True)
class StoredMember:
    """One network in the folder.

    Attributes:
      file: Name of its `.keras` or `.h5` file or SavedModel folder.
      input_scaling: How bytes become its inputs.
      output: What it returns.
    """

    file: str
    input_scaling: InputScaling
    output: TeacherOutput


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
        stored.append(StoredMember(name, member.scaling, member.output))
    write_json(folder / TEACHER_FILE, StoredTeacher(tuple(stored)))


def store_keras(folder: Path, model: keras.Model, member: Member) -> None:
    """Saves a Keras teacher with the weights it has now; it has no optimizer, whose state would be saved, too.

    Args:
      folder: A folder; made if needed.
      model: The network's model.
      member: The network that `model` belongs to, for its input scaling and output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = "member-0.keras"
    model.save(folder / name)
    write_json(folder / TEACHER_FILE, StoredTeacher((StoredMember(name, member.scaling, member.output),)))


def stored_members(folder: Path) -> list[tuple[Path, TeacherMemberConfig]]:
    """Returns each network's path and how to read it, as `load_member` takes them.

    Args:
      folder: Holds `teacher.json` and the files that it names.
    """
    stored: StoredTeacher = read_json(StoredTeacher, folder / TEACHER_FILE)
    paths = [folder / member.file for member in stored.members]
    return [
        (path, TeacherMemberConfig(str(path), member.input_scaling, member.output))
        for path, member in zip(paths, stored.members, strict=True)
    ]
