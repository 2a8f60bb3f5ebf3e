"""Images in a folder per class, `<uri>/<class>/*.jpg`, or without labels anywhere below a folder.

A name says whether a file is meant as an image; its content says of which kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from learn2compress.config import DataFormat
from learn2compress.data.class_names import ordered_names
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit, label_problem, source_name

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif")
MAX_IMAGE_FILE_BYTES = 64 * 2**20
_FILES_PER_UNIT = 512
_BESIDE = "found an image beside the class folders, accepted are images inside them"
_DEEPER = "found an image in a folder inside a class folder, accepted are such images with data.subfolders: true"
_NO_IMAGES = "found a folder without images inside a class folder, accepted are images"
_ACCEPTED = "accepted are names that end in .jpg, .jpeg, .jpe, .jfif, .png, .webp, .bmp, .dib or .gif"


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


def plan_image_folder(location: Location, split: Split | None, *, subfolders: bool = False) -> ReadPlan:
    """Plans the reading of a folder of images by class.

    Args:
      location: The folder.
      split: The split that it belongs to, or `None` where content decides.
      subfolders: Whether images in folders inside a class folder belong to the class; if not, each is refused.

    Returns:
      Units of some files each, the class names, and files that are no images or lie where none is read.

    Raises:
      SourceError: the folder, a class folder or its images are missing.
    """
    units: list[Unit] = []
    folders = class_folders(location)
    refused = [
        BadRecord(source_name(entry.name), _BESIDE, location.field)
        for entry in location.folder()
        if not entry.is_folder and entry.name.lower().endswith(IMAGE_SUFFIXES)
    ]
    for folder in folders:
        paths: list[str] = []
        deeper: dict[str, list[str]] = {}
        for below, entry in files_below(location, folder.path):
            path = f"{folder.name}/{below}"
            problem = _problem(entry)
            if "/" in below and not subfolders:
                images = deeper.setdefault(f"{folder.name}/{below.partition('/')[0]}", [])
                images += [] if problem else [path]
            elif problem:
                refused.append(BadRecord(source_name(path), problem, location.field))
            else:
                paths.append(path)
        if not paths:
            raise location.error(_why_empty(location, folder, sum(map(len, deeper.values()))))
        for inner, images in deeper.items():
            # Each image counts, or a folder of a thousand would be one bad record.
            lost = [(path, _DEEPER) for path in images] or [(inner, _NO_IMAGES)]
            refused += [BadRecord(source_name(path), problem, location.field) for path, problem in lost]
        units += _units(location, paths, split, labelled=True)
    return ReadPlan(tuple(units), ordered_names(folder.name for folder in folders), tuple(refused))


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
        problem = _problem(entry)
        if problem:
            refused.append(BadRecord(source_name(path), problem, location.field))
        else:
            paths.append(path)
    if not paths:
        raise location.error(f"found no image below {location.uri}, {_ACCEPTED}")
    return ReadPlan(_units(location, paths, split, labelled=False), None, tuple(refused))


def files_below(location: Location, folder: str | None = None) -> Iterator[tuple[str, Entry]]:
    """Lists everything below a folder but folders, in a fixed order.

    A folder that a link leads to a second time is listed itself, and its content is not.

    Args:
      location: The place that links must not leave.
      folder: The folder, there; by default the place itself.

    Yields:
      Path from the folder, and the entry.
    """
    start = location.path if folder is None else folder
    pending = [("", start)]
    seen = {os.path.realpath(start)}
    while pending:
        prefix, path_there = pending.pop()
        for entry in location.folder(path_there):
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
        return "found a folder a second time, behind a link, accepted is once"
    if not entry.name.lower().endswith(IMAGE_SUFFIXES):
        return f"found another kind of file, {_ACCEPTED}"
    if entry.num_bytes >= MAX_IMAGE_FILE_BYTES:
        return f"found {entry.num_bytes} bytes, accepted are fewer than {MAX_IMAGE_FILE_BYTES}"
    return None


def _why_empty(location: Location, folder: Entry, num_deeper: int) -> str:
    if num_deeper:
        return (
            f"class {folder.name!r} has all of its {num_deeper} images in folders inside {folder.path}, accepted are "
            f"images in the folder itself; set data.subfolders: true, or, if {folder.name!r} is no class but a part of "
            f"the data, name {folder.path} as {location.field}"
        )
    return f"class {folder.name!r} is empty: found no image in {folder.path}, {_ACCEPTED}"
