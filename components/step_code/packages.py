"""Which installed packages can change what a step computes, with their versions."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Iterable, Mapping

# What our code imports counts, but for these.
_COMPUTE_NOTHING = {
    "tfx": "hands artifacts and parameters to the executor",
    "ml-pipelines-sdk": "the same, as TFX is packaged",
    "fsspec": "opens files and buckets",
    "pydantic": "checks the parameters, which are in the cache's key as they are",
}
# Packages that compute beneath those that our code imports, whether it imports them or not.
BENEATH: Mapping[str, tuple[str, ...]] = {
    "tensorflow": ("numpy", "ml-dtypes", "opt-einsum"),
    "keras": ("numpy", "ml-dtypes"),
    "scikit-learn": ("numpy", "scipy"),
    "tensorflow-data-validation": ("tfx-bsl", "pyarrow", "pandas", "numpy"),
    "litert-quantizer": ("ai-edge-litert", "numpy", "scipy", "ml-dtypes"),
    "ai-edge-litert": ("numpy",),
    "optuna": ("numpy",),
    "matplotlib": ("numpy",),
}
# Kernels for GPUs, which are installed where there is one. They compute, so they are recorded; like the processor they
# are in no digest, since a machine that only compiles a pipeline has none.
_GPU_LIBRARIES = re.compile(r"nvidia[-_](cublas|cudnn|cufft|cusolver|cusparse|curand|cuda[-_]runtime|nccl)[-_]cu\d+")
_NAME_IN_RECORD = re.compile(r"\n([^/\n]+)-[^-/\n]+\.dist-info/")


def counted_packages(modules: Iterable[str]) -> dict[str, str]:
    """Finds the packages behind imported modules, and those beneath them.

    A module that is not installed counts for nothing: it can't be imported either.

    Args:
      modules: Dotted names, some of them names inside a module.

    Returns:
      Versions by normalized package name, sorted.
    """
    found = {package for module in modules for package in packages_of(module)}
    found |= {below for package in found for below in BENEATH.get(package, ())}
    found |= {below for package in found for below in BENEATH.get(package, ())}
    versions = {name: version_of(name) for name in sorted(found - _COMPUTE_NOTHING.keys())}
    return {name: version for name, version in versions.items() if version}


def gpu_libraries() -> dict[str, str]:
    """Finds the installed libraries that TensorFlow computes with on a GPU, with their versions."""
    return {name: version_of(name) for name in sorted(records()) if _GPU_LIBRARIES.fullmatch(name)}


def version_of(package: str) -> str:
    """Returns the installed version, or an empty text."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def normalized(package: str) -> str:
    """Returns the one spelling of a package's name, after PEP 503."""
    return re.sub(r"[-_.]+", "-", package).lower()


def packages_of(module: str) -> set[str]:
    """Finds the packages that an import may come from: several where all share a folder and none is nearer."""
    parts = module.split(".")
    found = _holding(parts[0])
    for end in range(2, len(parts) + 1):
        if len(found) > 1:
            found = found & _holding("/".join(parts[:end])) or found
    return set(found)


@functools.cache
def _holding(path: str) -> frozenset[str]:
    """Finds the packages whose list of files has a folder or a module of this path."""
    starts = f"\n{path}/", f"\n{path}."
    return frozenset(name for name, record in records().items() if any(start in record for start in starts))


@functools.cache
def records() -> dict[str, str]:
    """Reads the lists of files by normalized package name; of two that have one name, Python takes the first."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        # Searched as text, which names the package, too: to parse each list and its METADATA takes much longer.
        record = f"\n{distribution.read_text('RECORD') or ''}"
        if (name := _NAME_IN_RECORD.search(record)) is not None:
            found.setdefault(normalized(name[1]), record)
    return found
