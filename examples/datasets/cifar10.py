"""CIFAR-10 (Krizhevsky, 2009) as a folder of PNG files for each class."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets.archives import Archive, member_bytes, opened_tar, whole_or_nothing
from learn2compress.config.parsing import ConfigError

CIFAR10 = Archive(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    file_name="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
_BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
_NAMES = "batches.meta"
_SHAPE = (3, 32, 32)
# All that the pickled arrays of the archive are made of.
_ACCEPTED = {"_reconstruct", "ndarray", "dtype", "scalar"}


def write_cifar10(archive: Path, folder: Path) -> int:
    """Writes `train/CLASS/NAME.png` and `test/CLASS/NAME.png`, lossless, as a whole or not at all.

    Args:
      archive: The published archive for Python.
      folder: Where to write; it is not there yet.

    Returns:
      The number of images.

    Raises:
      ConfigError: the archive lacks a batch, or holds what is no array.
    """
    count = 0
    with opened_tar(archive, CIFAR10) as opened, whole_or_nothing(folder) as incoming:
        members = {Path(member.name).name: member for member in opened.getmembers() if member.isfile()}
        names = [name.decode() for name in _load(opened, members, _NAMES)[b"label_names"]]
        for part, batches in _BATCHES.items():
            for name in names:
                (incoming / part / name).mkdir(parents=True)
            for batch in batches:
                found = _load(opened, members, batch)
                images = np.asarray(found[b"data"], np.uint8).reshape(-1, *_SHAPE).transpose(0, 2, 3, 1)
                for image, label, file_name in zip(images, found[b"labels"], found[b"filenames"], strict=True):
                    path = incoming / part / names[label] / Path(file_name.decode()).name
                    with path.open("xb") as file:  # two images of one name would be one file
                        Image.fromarray(image).save(file, format="png")
                    count += 1
    return count


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays and plain values; a pickle that names anything else is refused before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] in ("numpy", "_codecs") and (
            name in _ACCEPTED or (module, name) == ("_codecs", "encode")
        ):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise ConfigError(f"the archive holds {module}.{name}, accepted are arrays")


def _load(opened: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> dict[bytes, Any]:
    content = member_bytes(opened, members[name]) if name in members else None
    if content is None:
        raise ConfigError(f"{opened.name}: found no {name}, accepted is the archive {CIFAR10.file_name}")
    loaded: dict[bytes, Any] = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    return loaded
