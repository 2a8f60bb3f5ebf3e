"""Weights that reach outside of their file, or declare more than they store, are refused unread."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers import hdf5_file


def hdf5_with(path: Path, add: Callable[[h5py.File], None]) -> Path:
    with h5py.File(path, "r+") as file:
        add(file)
    return path


def add_external_link(file: h5py.File) -> None:
    file["linked"] = h5py.ExternalLink("/etc/passwd", "/x")


def add_soft_link(file: h5py.File) -> None:
    file["linked"] = h5py.SoftLink("/elsewhere")


def add_external_storage(file: h5py.File) -> None:
    file.create_dataset("stolen", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def add_virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((16,), "u1")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (16,))
    file.create_virtual_dataset("stolen", layout)


def add_shape_bomb(file: h5py.File) -> None:
    file.create_dataset("huge", (2**40,), "f4", chunks=(1024,), compression="gzip")


def add_references(file: h5py.File) -> None:
    file.create_dataset("references", (1,), h5py.ref_dtype)


HOSTILE_HDF5 = [
    (add_external_link, "ExternalLink"),
    (add_soft_link, "SoftLink"),
    (add_external_storage, "another file"),
    (add_virtual_dataset, "virtual dataset"),
    (add_shape_bomb, "found datasets of"),
    (add_references, "numbers"),
]


@pytest.mark.parametrize(("add", "what"), HOSTILE_HDF5)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_hdf5_that_reaches_outside_is_refused(
    repack: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
    add: Callable[[h5py.File], None],
    what: str,
    suffix: str,
) -> None:
    path = tmp_path / f"teacher{suffix}"
    if suffix == ".h5":
        shutil.copy(logits_teachers["h5"], path)
        hdf5_with(path, add)
    else:
        weights = tmp_path / "weights.h5"
        with zipfile.ZipFile(logits_teachers["keras"]) as archive:
            weights.write_bytes(archive.read("model.weights.h5"))
        hdf5_with(weights, add)
        repack(logits_teachers["keras"], path, **{"model.weights.h5": weights.read_bytes()})
    refused(path, what)


def test_plain_numbers_are_accepted_whichever_way_keras_packs_them(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense")
        group["kernel"] = np.zeros((3, 2), np.float32)
        group.create_dataset("bias", data=np.zeros(2), chunks=(2,), compression="gzip", shuffle=True, fletcher32=True)
        group["again"] = group["kernel"]
        group["name"] = np.bytes_("dense")
    hdf5_file.check_structure(path, "weights", path.stat().st_size)


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = np.zeros(3)
    with pytest.raises(ConfigError, match="found HDF5 without model_config, accepted is a whole model"):
        hdf5_file.check_model(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = 3
    with pytest.raises(ConfigError, match="found a model_config that is no text, accepted is JSON"):
        hdf5_file.check_model(path)
