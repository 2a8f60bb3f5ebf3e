"""The code of the architecture that `training.architecture` names, ours or an installed package's own."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.step_code.closure import OUR_PACKAGES
from components.step_code.packages import normalized
from learn2compress.config.training import ARCHITECTURE_ENTRY_POINTS


@dataclass(frozen=True)
class ArchitectureCode:
    """Where an architecture's code is.

    Attributes:
      module: That of its class.
      package: The installed package that brings it; empty for one of ours.
    """

    module: str
    package: str

    @classmethod
    def find(cls, name: str) -> ArchitectureCode | None:
        """Finds an installed architecture without importing it; `None` where there is none of that name."""
        for entry_point in importlib.metadata.entry_points(group=ARCHITECTURE_ENTRY_POINTS, name=name):
            package = normalized(entry_point.dist.name) if entry_point.dist is not None else ""
            is_ours = entry_point.module.partition(".")[0] in OUR_PACKAGES
            return cls(entry_point.module, "" if is_ours else package)
        return None

    @property
    def top_level(self) -> str:
        """Returns the top-level package or module of its code."""
        return self.module.partition(".")[0]

    def file_digests(self) -> dict[str, str]:
        """Computes the SHA-256 of each file of a foreign package, by its path where it is installed.

        An editable installation lists only where the code is, so the folder
        of the module counts beside the files that the package lists.
        """
        if not self.package:
            return {}
        found = dict(_files_of_module(self.top_level)) | dict(_files_of_package(self.package))
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(found.items())}


def installed_architectures() -> list[str]:
    """Lists the names that `training.architecture` accepts here, sorted."""
    return sorted(importlib.metadata.entry_points(group=ARCHITECTURE_ENTRY_POINTS).names)


def _files_of_module(top_level: str) -> Iterator[tuple[str, Path]]:
    spec = importlib.util.find_spec(top_level)
    if spec is None:
        return
    if not spec.submodule_search_locations:
        if spec.origin and Path(spec.origin).is_file():
            yield Path(spec.origin).name, Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        for path in folder.rglob("*"):
            if path.is_file() and _is_code(path):
                yield f"{top_level}/{path.relative_to(folder).as_posix()}", path


def _files_of_package(package: str) -> Iterator[tuple[str, Path]]:
    for file in importlib.metadata.files(package) or []:
        path = Path(str(file.locate()))
        if not file.parts[0].endswith(".dist-info") and ".." not in file.parts and path.is_file() and _is_code(path):
            yield file.as_posix(), path


def _is_code(path: Path) -> bool:
    """Says no to byte code, and to what an editable installation leaves, which names folders of this machine."""
    is_link = path.suffix == ".pth" or path.name.startswith("__editable__")
    return path.suffix != ".pyc" and "__pycache__" not in path.parts and not is_link
