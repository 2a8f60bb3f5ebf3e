"""Takes students out of pushed versions into one small folder, such as `examples/students/cifar10`.

    python tests/benchmarks/collect_students.py FOLDER [NAME=]VERSION/STUDENT ...

Each becomes `FOLDER/NAME/` (NAME is the student's unless given): every file of the student as it was pushed, byte for
byte, the version's `config.yaml`, `teacher.json` (what the run measured on the teacher) and a SHA256SUMS of these. The
family's `report.html` and `family.json` are left out: they are larger than most students. In `config.yaml`, and nowhere
else, absolute paths are made relative where they are in this checkout, and shortened to their last part where they are
not. Nothing is written unless the version is whole, and both each `.tflite` file and FOLDER with the new students in it
are within the limits of `student_folders.py`.

The last line printed is one JSON object: bytes of each student's folder, and of all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import yaml
from command_line import ROOT
from student_folders import MAX_FOLDER_BYTES, MAX_MODEL_BYTES, check_sums

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import SUMS_FILE, format_sums
from learn2compress.results.reports import FAMILY_FILE, FamilyReport, json_bytes, read_json


def without_machine_paths(value: Any, folder: Path, root: Path = ROOT) -> Any:
    """Returns a configuration without absolute paths.

    Args:
      value: Plain mappings, lists and scalars.
      folder: Where its file will stand; a path below `root` becomes relative to it.
      root: The checkout.
    """
    if isinstance(value, dict):
        return {key: without_machine_paths(inner, folder, root) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_machine_paths(inner, folder, root) for inner in value]
    if not isinstance(value, str) or not value.startswith("/"):
        return value
    inside = Path(value).is_relative_to(root) and folder.resolve().is_relative_to(root)
    return os.path.relpath(value, folder.resolve()) if inside else Path(value).name


def student_files(student: Path, target: Path) -> dict[str, bytes]:
    """Returns what a collected student holds, by name.

    Args:
      student: Its folder in a pushed version.
      target: The folder that it becomes.

    Raises:
      ConfigError: it is no such folder, a file of the version is not the one pushed, or the student is too large.
    """
    version = student.parent
    if not (version / SUMS_FILE).is_file() or not list(student.glob("*.tflite")):
        raise ConfigError(f"STUDENT: found {student}, accepted is the folder of a student in a pushed version")
    check_sums(version)
    files = {path.name: path.read_bytes() for path in sorted(student.iterdir())}
    for name, content in files.items():
        if name.endswith(".tflite") and len(content) > MAX_MODEL_BYTES:
            raise ConfigError(
                f"{student / name}: found {len(content):,} bytes, accepted are {MAX_MODEL_BYTES:,}; "
                "collect a smaller one"
            )
    config = without_machine_paths(yaml.safe_load((version / "config.yaml").read_bytes()), target)
    files["config.yaml"] = yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()
    family: FamilyReport = read_json(FamilyReport, version / FAMILY_FILE)
    files["teacher.json"] = json_bytes(family.teacher)
    return files | {SUMS_FILE: format_sums({name: hashlib.sha256(body).hexdigest() for name, body in files.items()})}


def folder_bytes(folder: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def collect(folder: Path, students: dict[str, Path]) -> dict[str, int]:
    """Writes students into a folder.

    Args:
      folder: Holds one folder per student afterwards; others that are there stay.
      students: Folders of students in pushed versions, by the name to give them.

    Returns:
      Bytes of each new student's folder.

    Raises:
      ConfigError: a student can't be collected, a name is taken, or the folder would be too large; nothing is
        written then.
    """
    found = {name: student_files(path, folder / name) for name, path in students.items()}
    sizes = {name: sum(map(len, files.values())) for name, files in found.items()}
    taken = [name for name in found if (folder / name).exists()]
    if taken:
        raise ConfigError(f"FOLDER: {folder / taken[0]} is there already; delete it, or write NAME=VERSION/STUDENT")
    total = folder_bytes(folder) + sum(sizes.values())
    if total > MAX_FOLDER_BYTES:
        raise ConfigError(f"FOLDER: found {total:,} bytes in all, accepted are {MAX_FOLDER_BYTES:,}; collect fewer")
    for name, files in found.items():
        (folder / name).mkdir(parents=True)
        for file, content in files.items():
            (folder / name / file).write_bytes(content)
    return sizes


def main() -> None:
    """Collects the students that were named, and prints how large they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to")
    parser.add_argument("students", nargs="+", metavar="[NAME=]VERSION/STUDENT", help="folder of a pushed student")
    arguments = parser.parse_args()
    students: dict[str, Path] = {}
    for argument in arguments.students:
        name, equals, path = argument.partition("=")
        student = Path(path if equals else argument).resolve()
        name = name if equals else student.name
        if name in students or name != Path(name).name:
            parser.error(f"STUDENT: found the name {name!r} twice or with a slash, accepted is one plain name each")
        students[name] = student
    try:
        sizes = collect(arguments.folder, students)
    except ConfigError as error:
        parser.error(str(error))
    print(json.dumps({"folder_bytes": sizes, "all_bytes": folder_bytes(arguments.folder)}))


if __name__ == "__main__":
    main()
