"""Which installed packages count."""

from __future__ import annotations

import importlib.metadata
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.step_code.packages import (
    BENEATH,
    _holding,
    code_digest_of,
    counted_packages,
    gpu_libraries,
    normalized,
    packages_of,
    records,
)


@pytest.mark.parametrize(
    ("module", "packages"),
    [
        ("google.protobuf.message.DecodeError", {"protobuf"}),
        ("google.protobuf", {"protobuf"}),
        ("kfp.kubernetes", {"kfp-kubernetes"}),
        ("PIL.Image", {"pillow"}),
        ("yaml", {"pyyaml"}),
        ("sklearn.datasets", {"scikit-learn"}),
        ("json", set()),
        ("not_installed.at_all", set()),
    ],
)
def test_a_module_is_that_of_its_package(module: str, packages: set[str]) -> None:
    assert packages_of(module) == packages


def test_what_computes_beneath_counts_and_what_hands_over_does_not() -> None:
    found = counted_packages(["tensorflow.io", "tfx.types.artifact", "pydantic", "fsspec.core"])
    assert {"tensorflow", "opt-einsum", "numpy"} <= set(found)
    assert not {"tfx", "ml-pipelines-sdk", "pydantic", "fsspec"} & set(found)
    assert found["numpy"] == importlib.metadata.version("numpy")
    assert list(found) == sorted(found)
    assert counted_packages([]) == {}


def test_libraries_of_a_gpu_are_found_and_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counted_packages(["tensorflow"])
    metadata = tmp_path / "nvidia_cudnn_cu12-9.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nvidia-cudnn-cu12\nVersion: 9.3\n")
    (metadata / "RECORD").write_text("nvidia_cudnn_cu12-9.3.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    records.cache_clear()
    assert gpu_libraries()["nvidia-cudnn-cu12"] == "9.3"
    assert counted_packages(["tensorflow"]) == before
    records.cache_clear()


def test_what_is_said_to_be_beneath_a_package_is_what_it_asks_for() -> None:
    for package, below in BENEATH.items():
        asked = {
            normalized(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
            for requirement in importlib.metadata.requires(package) or []
        }
        assert set(below) <= asked, package


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages that is looked at before the others."""
    monkeypatch.syspath_prepend(tmp_path)
    clear_caches()
    yield tmp_path
    clear_caches()


def clear_caches() -> None:
    for cached in (records, _holding, code_digest_of):
        cached.cache_clear()


def write_metadata(folder: Path, name: str, **files: str) -> None:
    metadata = folder / f"{name.replace('-', '_')}-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    for file, text in files.items():
        (metadata / (file if file == "RECORD" else f"{file}.txt")).write_text(text)


@pytest.mark.parametrize(
    ("name", "module", "files"),
    [
        ("some_layers", "some_layers.dense", {}),
        ("Some-Layers", "some_layers", {}),
        ("some_layers", "layers_of_some", {"top_level": "_compiled\nlayers_of_some\n"}),
        # What editable installations leave.
        ("some_layers", "some_layers", {"RECORD": "_some_layers.pth,,\nsome_layers-1.5.dist-info/METADATA,,\n"}),
        ("some_layers", "some_layers", {"RECORD": "__editable___some_layers_1_5_finder.py,,\n"}),
        # Beside others that share a folder and have their lists of files.
        ("google-layers", "google.layers", {"top_level": "google\n"}),
    ],
)
def test_a_package_without_a_list_of_its_code_counts(
    site_packages: Path, name: str, module: str, files: dict[str, str]
) -> None:
    write_metadata(site_packages, name, **files)
    assert counted_packages([module])[normalized(name)] == "1.5"


def test_a_module_of_no_package_counts_by_its_code_and_is_not_imported(site_packages: Path) -> None:
    package = site_packages / "loose_layers"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (site_packages / "loose_file.py").write_text("WIDTH = 3\n")
    before = counted_packages(["loose_layers.dense", "loose_file.WIDTH", "json"])
    assert list(before) == ["loose_file", "loose_layers"]
    assert all(re.fullmatch("sha256:[0-9a-f]{16}", version) for version in before.values())
    (package / "dense.py").write_text("WIDTH = 4\n")
    clear_caches()
    after = counted_packages(["loose_layers.dense", "loose_file.WIDTH", "json"])
    assert after["loose_layers"] != before["loose_layers"]
    assert after["loose_file"] == before["loose_file"]


def test_a_module_of_no_package_whose_code_cannot_be_read_is_unknown(
    site_packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = site_packages / "archive.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("zipped_layers.py", "WIDTH = 3\n")
    monkeypatch.syspath_prepend(archive)
    (site_packages / "folder_of_data").mkdir()
    assert counted_packages(["zipped_layers.WIDTH", "folder_of_data"]) == {"zipped_layers": "unknown"}


def test_a_package_without_a_version_is_unknown(site_packages: Path) -> None:
    metadata = site_packages / "some_layers.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: some-layers\n")
    assert counted_packages(["some_layers.dense"]) == {"some-layers": "unknown"}
