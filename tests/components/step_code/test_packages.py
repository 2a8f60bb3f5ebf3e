"""Which installed packages count."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

from components.step_code.packages import BENEATH, counted_packages, gpu_libraries, normalized, packages_of, records


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
