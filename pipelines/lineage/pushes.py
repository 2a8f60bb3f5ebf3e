"""Which push a file is of: from a file in a pushed version to the execution and the artifact that the push took."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_metadata import MetadataStore

from components.step_code.step import MADE_WITH
from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import SUMS_FILE, parse_sums
from learn2compress.results.reports import FAMILY_FILE
from pipelines.metadata_store import (
    Artifact,
    Execution,
    artifacts_of_type,
    consumers_of,
    outputs_of,
    producer_of,
    properties_of,
    step_of,
)

_PUSHED_TYPE = "L2CPushedVersion"
# Folders between a version and its deepest file, and some to spare.
_MOST_FOLDERS = 4


@dataclasses.dataclass(frozen=True)
class PlacedFile:
    """A file, or all files, of a pushed version that lies on this machine: where it was pushed to, or a copy.

    Attributes:
      folder: The version's.
      path: Of the file below it, with forward slashes; empty for the whole version.
      sums: SHA-256 of each file by path.
    """

    folder: Path
    path: str
    sums: Mapping[str, str]

    @property
    def student(self) -> str:
        """Returns the student that the file belongs to; empty for files that are about the whole family."""
        name = self.path.partition("/")[0]
        return name if f"{name}/{name}.tflite" in self.sums else ""


@dataclasses.dataclass(frozen=True)
class Push:
    """One version that was pushed.

    Attributes:
      execution: Of the Pusher.
      version: The artifact of the version.
      model: The artifact of the model that is asked for; `None` where it is the version as a whole.
    """

    execution: Execution
    version: Artifact
    model: Artifact | None = None


def placed_file(path: Path) -> PlacedFile | None:
    """Finds the pushed version that a file or folder on this machine is of.

    Args:
      path: Of something that is there.

    Returns:
      Its place; `None` where it lies in no pushed version, or beside its files.

    Raises:
      ConfigError: it is no longer what was pushed.
    """
    path = path.resolve()
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents[:_MOST_FOLDERS]):
        if not os.path.isfile(folder / SUMS_FILE):  # a FIFO of that name would never answer
            continue
        try:
            sums = parse_sums((folder / SUMS_FILE).read_bytes())
        except (OSError, UnicodeDecodeError):
            continue
        relative = path.relative_to(folder).as_posix()
        if relative in (".", SUMS_FILE):
            return PlacedFile(folder, "", sums)
        if path.is_dir():
            is_pushed = any(name.startswith(f"{relative}/") for name in sums)
        elif is_pushed := relative in sums:
            _check_unchanged(path, sums[relative])
        return PlacedFile(folder, relative, sums) if is_pushed else None
    return None


def pushes_of(store: MetadataStore, model: Artifact) -> list[Push]:
    """Returns the pushes that took a model, oldest first; one that refused it, or pushed others alone, is none.

    Args:
      store: The store.
      model: Artifact of a LiteRT file.
    """
    found = []
    for execution in consumers_of(store, model.id):
        if step_of(store, execution) == "Pusher":
            outputs = [output for _, output in outputs_of(store, execution.id) if output.type == _PUSHED_TYPE]
            found += [
                Push(execution, output, model)
                for output in outputs
                if has_pushed(properties_of(output), properties_of(model))
            ]
    return found


def has_pushed(version: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Returns whether a version holds a model's file.

    Args:
      version: Properties of the version's artifact.
      model: Properties of the model's.
    """
    name, sha256 = model.get("student"), model.get("model_sha256")
    return bool(version.get("destination")) and sha256 is not None and version.get(f"sha256.{name}") == sha256


def all_pushes(store: MetadataStore) -> list[Push]:
    """Returns everything that was pushed, oldest first."""
    found = []
    for version in sorted(artifacts_of_type(store, _PUSHED_TYPE), key=lambda artifact: artifact.id):
        execution = producer_of(store, version.id)
        if execution is not None and properties_of(version).get("destination"):
            found.append(Push(execution, version))
    return found


def push_of_place(pushes: list[Push], place: PlacedFile) -> Push | None:
    """Returns the push that made a pushed version, or the version that a copy was made of.

    What the version says about itself decides; between pushes of which it says the same, its folder does.

    Args:
      pushes: Those that took the file, or all of them; oldest first.
      place: The file.

    Returns:
      The push; `None` where none of them made this version, though one pushed the same bytes elsewhere.
    """
    try:
        family = json.loads((place.folder / FAMILY_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    made_here = [push for push in pushes if _says_the_same(push, family, place.student)]
    return max(made_here, key=lambda push: (_is_at(push, place.folder), push.execution.id), default=None)


def find_pushed_digest(store: MetadataStore, sha256: str) -> PlacedFile | None:
    """Finds a file by its digest in the versions that were pushed to folders of this machine, the newest first.

    Args:
      store: The store.
      sha256: 64 hexadecimal digits.
    """
    for push in reversed(all_pushes(store)):
        folder = Path(str(properties_of(push.version)["destination"]))
        place = placed_file(folder) if folder.is_dir() else None
        path = next((path for path, digest in place.sums.items() if digest == sha256), None) if place else None
        if place is not None and path is not None:
            return dataclasses.replace(place, path=path)
    return None


def _check_unchanged(path: Path, sha256: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ConfigError(
            f"{path}: found no record of {found}: the file was changed after it was pushed with SHA-256 {sha256}; take "
            "it from its destination again"
        )


def _says_the_same(push: Push, family: Any, student: str) -> bool:
    """Returns whether a version's `family.json` tells of this push: its number, its provenance, what made the file."""
    told = json.loads(properties_of(push.execution).get("provenance", "{}"))
    try:
        versions_are_same = not student or push.model is None or family["made_with"][student] == _made_with(push.model)
        return (
            versions_are_same
            and family["version"] == properties_of(push.version).get("version")
            and told.items() <= family["provenance"].items()
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _made_with(model: Artifact) -> Any:
    return json.loads(properties_of(model).get(MADE_WITH, "{}"))


def _is_at(push: Push, folder: Path) -> bool:
    destination = str(properties_of(push.version)["destination"])
    return "://" not in destination and Path(destination).resolve() == folder
