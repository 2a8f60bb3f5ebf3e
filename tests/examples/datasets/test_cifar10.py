"""An archive as CIFAR-10's for Python becomes folders of the same pixels."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress.config.parsing import ConfigError

NAMES = [b"cat", b"dog"]
BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def batch(number: int) -> dict[bytes, Any]:
    """Three images as the archive has them: rows of all red, all green, all blue values."""
    data = np.random.default_rng(number).integers(0, 256, (3, 3072), dtype=np.uint8)
    names = [b"b%d_%d.png" % (number, index) for index in range(3)]
    return {b"batch_label": b"batch", b"labels": [0, 1, 1], b"data": data, b"filenames": names}


def write_archive(path: Path, files: dict[str, Any]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            text = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return path


@pytest.fixture
def files() -> dict[str, Any]:
    return {"batches.meta": {b"label_names": NAMES}} | {name: batch(number) for number, name in enumerate(BATCHES)}


@pytest.fixture
def write(example: Callable[[str], ModuleType]) -> Callable[[Path, Path], int]:
    return example("datasets.cifar10").write_cifar10


def test_each_image_is_a_png_of_its_class(write: Any, files: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "cifar10"
    assert write(write_archive(tmp_path / "archive.tar.gz", files), folder) == 18
    assert sorted(path.name for path in (folder / "test" / "dog").iterdir()) == ["b5_1.png", "b5_2.png"]
    assert len(list((folder / "train").rglob("*.png"))) == 15
    image = np.asarray(Image.open(folder / "train" / "cat" / "b0_0.png"))
    planes = files["data_batch_1"][b"data"][0].reshape(3, 32, 32)
    for channel in range(3):
        np.testing.assert_array_equal(image[:, :, channel], planes[channel])


def test_an_archive_without_a_batch_leaves_nothing(write: Any, files: dict[str, Any], tmp_path: Path) -> None:
    del files["data_batch_4"]
    with pytest.raises(ConfigError, match=r"found no data_batch_4"):
        write(write_archive(tmp_path / "archive.tar.gz", files), tmp_path / "out" / "cifar10")
    assert list((tmp_path / "out").iterdir()) == []


class _Call:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("called"),)


def test_a_pickle_that_would_call_something_is_refused(
    write: Any, files: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files["data_batch_1"][b"labels"] = _Call()
    with pytest.raises(ConfigError, match="accepted are arrays"):
        write(write_archive(tmp_path / "archive.tar.gz", files), tmp_path / "cifar10")
    assert not (tmp_path / "called").exists()
