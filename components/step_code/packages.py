"""Which installed packages can change what a step computes, with their versions."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

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
    "scipy": ("numpy",),
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
_CODE = frozenset({".py", ".so", ".pyd", ".dylib", ".dll"})
_CODE_IN_RECORD = re.compile(r"\n(?!_editable_|__editable__)[^,\n]+\.(py|so|pyd)")
_NAME_IN_RECORD = re.compile(r"\n([^/\n]+)-[^-/\n]+\.dist-info/")


def counted_packages(modules: Iterable[str]) -> dict[str, str]:
    """Finds the packages behind imported modules, and those beneath them.

    A module that is not installed counts for nothing: it can't be imported either. One
    that belongs to no distribution counts by its name with the digest of its code.

    Args:
      modules: Dotted names, some of them names inside a module.

    Returns:
      Versions, or `sha256:` and digits, or "unknown", by normalized package name, sorted.
    """
    found = set()
    for module in modules:
        top_level = module.partition(".")[0]
        found |= packages_of(module) or ({top_level} - sys.stdlib_module_names)
    found |= {below for package in found for below in BENEATH.get(package, ())}
    found |= {below for package in found for below in BENEATH.get(package, ())}
    counted = sorted(found - _COMPUTE_NOTHING.keys())
    versions = {name: version_of(name) or code_digest_of(name.replace("-", "_")) for name in counted}
    # A distribution whose metadata name no version is here all the same.
    versions |= {name: "unknown" for name, version in versions.items() if not version and name in records()}
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


@functools.cache
def code_digest_of(top_level: str) -> str:
    """Returns a digest of a module's code on disk, which is not imported; an empty text where there is no such code."""
    try:
        spec = importlib.util.find_spec(top_level)
    except (ImportError, ValueError):  # a name that no module can have, or a module without a specification
        return ""
    if spec is None:
        return ""
    files: dict[str, Path] = {}
    for folder in map(Path, spec.submodule_search_locations or []):
        files |= {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _CODE}
    if not files and spec.origin is not None and (module := Path(spec.origin)).is_file():
        files = {module.name: module}
    if not files:
        # A folder of this name without code is no module; what is in an archive or frozen can't be read here.
        return "" if spec.origin is None else "unknown"
    try:
        digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    except OSError:
        return "unknown"
    return f"sha256:{hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]}"


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
    """Reads the lists of files by normalized package name; of two that have one name, Python takes the first.

    Of a distribution whose list names no code (conda's and Debian's may have no list,
    an editable one lists a link), its top-level modules stand for it.
    """
    found: dict[str, str] = {}
    without_code: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        # Searched as text, which names the package, too: to parse each list and its METADATA takes much longer.
        record = f"\n{distribution.read_text('RECORD') or ''}"
        name = _NAME_IN_RECORD.search(record)
        if name is not None and _CODE_IN_RECORD.search(record) is not None:
            found.setdefault(normalized(name[1]), record)
        elif package := distribution.metadata["Name"]:
            modules = (distribution.read_text("top_level.txt") or package.replace("-", "_").lower()).split()
            listed = "".join(f"\n{module}/" for module in modules)
            without_code.setdefault(normalized(package), f"{record}{listed}")
    return without_code | found
