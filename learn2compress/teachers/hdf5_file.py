"""Checks a teacher's HDF5 file.

HDF5 can point outside itself: external links, external raw storage and virtual
datasets read any file that the reader may read. It can also declare terabytes
in a few bytes (CVE-2026-0897), and its filters may be plugins. A Keras file
uses none of that: hard links to plain numeric datasets.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import h5py

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.formats import (
    EXPANSION_FLOOR_BYTES,
    MAX_EXPANSION,
    MAX_FILES,
    MAX_TEACHER_BYTES,
    UnsafeTeacherError,
)
from learn2compress.teachers.loadable_file import CONFIG_ATTRIBUTE, checked_config

_BUILT_IN_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


def check_model(path: Path) -> None:
    """Checks a whole model saved as `.h5`: structure, then the `model_config` attribute.

    Args:
      path: An HDF5 file.

    Raises:
      UnsafeTeacherError: it points outside itself, or its configuration is unsafe.
      ConfigError: it is damaged, or holds weights without a model.
    """
    check_structure(path, str(path), path.stat().st_size)
    with h5py.File(path, "r") as file:
        text = file.attrs.get(CONFIG_ATTRIBUTE)
    if text is None:
        raise ConfigError(f"{path}: found HDF5 without model_config, accepted is a whole model, not weights alone")
    if not isinstance(text, str | bytes):
        raise ConfigError(f"{path}: found a model_config that is no text, accepted is JSON")
    checked_config(text, f"{path}: {CONFIG_ATTRIBUTE}", legacy=True)


def check_structure(source: Path | IO[bytes], name: str, stored_bytes: int) -> None:
    """Checks that an HDF5 file holds hard links to plain numeric datasets and nothing else.

    Args:
      source: Path or open file.
      name: What to call it in messages.
      stored_bytes: Its size, to which the sizes that it declares are compared.

    Raises:
      UnsafeTeacherError: naming the link or dataset.
      ConfigError: it can't be read as HDF5.
    """
    try:
        with h5py.File(source, "r") as file:
            declared_bytes = _walk(file, name)
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{name}: HDF5 that can't be read ({reason}); fetch or export the teacher again") from error
    limit = min(MAX_TEACHER_BYTES, max(EXPANSION_FLOOR_BYTES, stored_bytes * MAX_EXPANSION))
    if declared_bytes > limit:
        raise UnsafeTeacherError(
            f"{name}: found datasets of {declared_bytes} bytes in a file of {stored_bytes}, accepted are up to {limit}"
        )


def _walk(file: Any, name: str) -> int:
    declared_bytes = 0
    num_links = 0
    seen = set()
    groups = [file]
    while groups:
        group = groups.pop()
        for key in group:
            num_links += 1
            if num_links > MAX_FILES:
                raise UnsafeTeacherError(f"{name}: found more than {MAX_FILES} HDF5 links, accepted is fewer")
            where = f"{name}: {group.name.rstrip('/')}/{key}"
            # getlink describes the link and does not follow it.
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise UnsafeTeacherError(f"{where}: found an HDF5 {type(link).__name__}, accepted are hard links")
            item = group[key]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    groups.append(item)
            elif isinstance(item, h5py.Dataset):
                declared_bytes += _check_dataset(item, where)
            else:
                raise UnsafeTeacherError(f"{where}: found an HDF5 {type(item).__name__}, accepted are datasets")
    return declared_bytes


def _check_dataset(dataset: Any, where: str) -> int:
    if dataset.is_virtual or dataset.external:
        kind = "virtual dataset" if dataset.is_virtual else "dataset stored in another file"
        raise UnsafeTeacherError(f"{where}: found a {kind}, accepted are datasets stored inside the file")
    if dataset.dtype.kind not in "biufcSV" or dataset.dtype.hasobject:
        raise UnsafeTeacherError(f"{where}: found data of type {dataset.dtype}, accepted are numbers")
    created_with = dataset.id.get_create_plist()
    for index in range(created_with.get_nfilters()):
        if created_with.get_filter(index)[0] not in _BUILT_IN_FILTERS:
            raise UnsafeTeacherError(f"{where}: found a filter plugin, accepted are gzip, shuffle and fletcher32")
    return int(dataset.nbytes)
