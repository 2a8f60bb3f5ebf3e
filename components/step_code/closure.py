"""The files that a step may run: its executor's module and all of ours that this imports, however far down.

Every import counts wherever it stands, since a function's own import runs in
the step as well; only what stands under `TYPE_CHECKING` never runs. A string
that names one of our modules counts as an import of it: worker processes are
started by such names. An `__init__.py` that only imports from other modules
stands for the modules of the names that are taken from it, so that the
configuration of the cluster is not behind every step that takes a class from
`learn2compress.config`.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.step_code.references import Source

OUR_PACKAGES = ("learn2compress", "components", "pipelines")
# Reads code, and computes nothing of a step's results: behind every executor, a change here must not train again.
_READER = __name__.rpartition(".")[0]
# Files that are read beside the modules: those that the package ships.
DATA_SUFFIXES = frozenset({".yaml", ".j2", ".css"})


@dataclass(frozen=True)
class Closure:
    """Code of one step.

    Attributes:
      modules: Our modules, each with the SHA-256 of what counts of it.
      data_files: Files beside those modules, by module-like name, with the SHA-256 of their bytes.
      foreign_modules: Dotted names that are imported from elsewhere, some of them names inside a module.
    """

    modules: Mapping[str, str]
    data_files: Mapping[str, str]
    foreign_modules: frozenset[str]


@functools.cache
def closure_of(roots: tuple[str, ...], packages: tuple[str, ...] = OUR_PACKAGES) -> Closure:
    """Follows the imports of some modules within our packages.

    Args:
      roots: Dotted names of the modules to begin with.
      packages: Top-level packages whose code is followed.

    Returns:
      What is behind them. A module whose text some other one reads as data has the SHA-256 of its bytes there.

    Raises:
      ModuleNotFoundError: a root is no module of these packages.
    """
    files = {name: path for package in packages for name, path in module_files(package).items()}
    found: dict[str, Source] = {}
    as_text: set[str] = set()
    foreign: set[str] = set()
    known = sys.stdlib_module_names | set(packages)
    waiting = []
    for root in roots:
        if root not in files:
            raise ModuleNotFoundError(f"{root}: no module of {', '.join(packages)}", name=root)
        waiting.append(root)
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        source = _source(files[module], module)
        found[module] = source
        references = source.references
        if references.shows_itself:
            as_text.add(module)
        for shown in references.shown & files.keys():
            as_text.add(shown)
            waiting.append(shown)
        taken = _resolve(references.names, files)
        if "__version__" in {name for _, name in references.names}:
            as_text |= {package for package, name in references.names if name == "__version__"} & files.keys()
        ours = {name for name in (*references.modules, *taken, *references.texts) if name in files}
        ours = {name for name in ours if name != _READER and not name.startswith(f"{_READER}.")}
        foreign |= {name for name in (*references.modules, *taken) if name.partition(".")[0] not in known}
        waiting += ours | {parent for name in ours for parent in _parents(name, files)}
    modules = {name: source.text_sha256 if name in as_text else source.code_sha256 for name, source in found.items()}
    return Closure(dict(sorted(modules.items())), _data_files(modules, files), frozenset(foreign))


@functools.cache
def module_files(package: str) -> Mapping[str, Path]:
    """Finds the modules of an installed top-level package by dotted name, and imports nothing of it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return {}
    if not spec.submodule_search_locations:
        return {package: Path(spec.origin)} if spec.origin else {}
    found = {}
    for folder in map(Path, spec.submodule_search_locations):
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _source(path: Path, module: str) -> Source:
    return _source_as_of(path, module, path.stat().st_mtime_ns)


@functools.cache
def _source_as_of(path: Path, module: str, _mtime_ns: int) -> Source:
    return Source.read(path, module)


def _resolve(names: Iterable[tuple[str, str]], files: Mapping[str, Path]) -> set[str]:
    """Finds the modules behind `from origin import name`: behind a re-export that of the name, not the package."""
    found, seen, waiting = set(), set(), list(names)
    while waiting:
        origin, name = waiting.pop()
        if (origin, name) in seen:
            continue
        seen.add((origin, name))
        inner = f"{origin}.{name}"
        if inner in files or origin not in files:
            found.add(inner)
        elif name == "*" or not (again := _reexported(origin, name, files)):
            found.add(origin)
        else:
            waiting += again
    return found


def _reexported(package: str, name: str, files: Mapping[str, Path]) -> list[tuple[str, str]]:
    source = _source(files[package], package)
    if not source.only_reexports:
        return []
    return [(origin, taken) for origin, taken in source.references.names if taken == name]


def _parents(module: str, files: Mapping[str, Path]) -> list[str]:
    """Lists the packages whose `__init__.py` runs when a module is imported, and does more than re-export."""
    parts = module.split(".")
    packages = (".".join(parts[:end]) for end in range(1, len(parts)))
    return [name for name in packages if name in files and not _source(files[name], name).only_reexports]


def _data_files(modules: Iterable[str], files: Mapping[str, Path]) -> dict[str, str]:
    folders = {files[module].parent: _package_of(module, files[module]) for module in modules}
    paths = [(package, path) for folder, package in folders.items() for path in folder.iterdir()]
    found = {
        f"{package}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for package, path in paths
        if path.suffix in DATA_SUFFIXES
    }
    return dict(sorted(found.items()))


def _package_of(module: str, path: Path) -> str:
    return module if path.name == "__init__.py" else module.rpartition(".")[0]
