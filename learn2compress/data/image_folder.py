"""Images in a folder per class, `<uri>/<class>/*.png|jpg|jpeg`, or without labels anywhere below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

from learn2compress.config import DataFormat
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit, label_problem, source_name

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_IMAGE_FILE_BYTES = 64 * 2**20
_FILES_PER_UNIT = 512


def class_folders(location: Location) -> list[Entry]:
    """Finds the folders of the classes.

    Args:
      location: The folder that holds them.

    Returns:
      Entries sorted by name.

    Raises:
      SourceError: there is no folder, no class in it, or a class can't be used.
    """
    found = location.entry()
    if found is None or not found.is_folder:
        kind = "a file" if found else "nothing"
        raise location.error(f"found {kind} at {location.uri}, accepted is a folder with one folder per class")
    folders = [entry for entry in location.folder() if entry.is_folder]
    if not folders:
        raise location.error(f"found no class in {location.uri}, accepted is one folder of images per class")
    for folder in folders:
        problem = folder.problem or label_problem(folder.name)
        if problem:
            raise location.error(f"class folder {folder.path!a}: {problem}")
    return folders


def plan_image_folder(location: Location, split: Split | None) -> ReadPlan:
    """Plans the reading of a folder of images by class.

    Args:
      location: The folder.
      split: The split that it belongs to, or `None` where content decides.

    Returns:
      Units of some files each, the class names, and files that are no images.

    Raises:
      SourceError: the folder, a class folder or its images are missing.
    """
    units: list[Unit] = []
    refused: list[BadRecord] = []
    folders = class_folders(location)
    for folder in folders:
        paths = []
        for entry in location.folder(folder.path):
            path = f"{folder.name}/{entry.name}"
            problem = _problem(entry)
            if problem:
                refused.append(BadRecord(source_name(path), problem, location.field))
            else:
                paths.append(path)
        if not paths:
            raise location.error(
                f"class {folder.name!r} is empty: found no image in {folder.path}, accepted are .png, .jpg and .jpeg"
            )
        units += _units(location, paths, split, labelled=True)
    return ReadPlan(tuple(units), tuple(folder.name for folder in folders), tuple(refused))


def plan_unlabelled_images(location: Location, split: Split | None) -> ReadPlan:
    """Plans the reading of all images below a folder, however nested.

    Args:
      location: The folder.
      split: The split that it belongs to.

    Returns:
      Units of some files each, and files that are no images.

    Raises:
      SourceError: there is no folder, or no image below it.
    """
    found = location.entry()
    if found is None or not found.is_folder:
        kind = "a file" if found else "nothing"
        raise location.error(f"found {kind} at {location.uri}, accepted is a folder with images anywhere below it")
    paths: list[str] = []
    refused: list[BadRecord] = []
    for path, entry in files_below(location):
        twice = "found a folder a second time, behind a link, accepted is once" if entry.is_folder else None
        problem = entry.problem or twice or _problem(entry)
        if problem:
            refused.append(BadRecord(source_name(path), problem, location.field))
        else:
            paths.append(path)
    if not paths:
        raise location.error(f"found no image below {location.uri}, accepted are .png, .jpg and .jpeg")
    return ReadPlan(_units(location, paths, split, labelled=False), None, tuple(refused))


def files_below(location: Location) -> Iterator[tuple[str, Entry]]:
    """Lists everything below a folder but folders, in a fixed order.

    A folder that a link leads to a second time is listed itself, and its content is not.

    Args:
      location: The folder.

    Yields:
      Path from there, and the entry.
    """
    pending = [("", location.path)]
    seen = {os.path.realpath(location.path)}
    while pending:
        prefix, folder = pending.pop()
        for entry in location.folder(folder):
            path = f"{prefix}{entry.name}"
            real = os.path.realpath(entry.path) if location.is_local else entry.path
            if not entry.is_folder or entry.problem or real in seen:
                yield path, entry
            else:
                seen.add(real)
                pending.append((f"{path}/", entry.path))


def read_image_folder(unit: Unit) -> Iterator[RawRecord | BadRecord]:
    """Reads the files of one unit.

    Args:
      unit: From `plan_image_folder` or `plan_unlabelled_images`.
    """
    location = Location(unit.uri, unit.field)
    for path in unit.paths:
        try:
            with location.open(f"{location.path}/{path}") as file:
                label = path.partition("/")[0] if unit.labelled else None
                yield RawRecord(source_name(path), label, file.read(MAX_IMAGE_FILE_BYTES))
        except OSError as error:
            reason = f"can't be read: {error.strerror or type(error).__name__}"
            yield BadRecord(source_name(path), reason, unit.field)


def _units(location: Location, paths: list[str], split: Split | None, *, labelled: bool) -> tuple[Unit, ...]:
    chunks = [tuple(paths[start : start + _FILES_PER_UNIT]) for start in range(0, len(paths), _FILES_PER_UNIT)]
    return tuple(
        Unit(DataFormat.IMAGE_FOLDER, location.field, location.uri, chunk, split=split, labelled=labelled)
        for chunk in chunks
    )


def _problem(entry: Entry) -> str | None:
    if entry.problem:
        return entry.problem
    if entry.is_folder:
        return "found a folder inside a class folder, accepted are image files"
    if not entry.name.lower().endswith(IMAGE_SUFFIXES):
        return "found another kind of file, accepted are .png, .jpg and .jpeg"
    if entry.num_bytes >= MAX_IMAGE_FILE_BYTES:
        return f"found {entry.num_bytes} bytes, accepted are fewer than {MAX_IMAGE_FILE_BYTES}"
    return None
