"""What the driver says is read, and what the launcher reads is written, as they have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.container.executor_input import ExecutorInput, write_executor_output
from pipelines.kubeflow.contract.step_contract import ParameterKind


def content(folder: Path, uri: str = "s3://b/model", **artifact: Any) -> str:
    outputs = {
        "artifacts": {"model": {"artifacts": [{"uri": uri, **artifact}]}},
        "outputFile": str(folder / "o/x.json"),
    }
    return json.dumps({"inputs": {"parameterValues": {"epochs": 3.0}}, "outputs": outputs})


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://b/k", "gcs/b/k"),
        ("s3://b/k", "s3/b/k"),
        ("minio://b/a/k", "minio/b/a/k"),
        ("/volume/k", "/volume/k"),
    ],
)
def test_an_artifact_is_where_the_launcher_puts_it(uri: str, path: str, tmp_path: Path) -> None:
    found = ExecutorInput.parse(content(tmp_path, uri), tmp_path).outputs["model"]
    assert (found.uri, found.path) == (uri, tmp_path / path)  # an absolute path stands for itself


@pytest.mark.parametrize("uri", ["oci://image", "s3://a/../b", "relative/path", "file:///etc"])
def test_what_no_launcher_copies_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^artifact URI .*: the launcher copies gs://, s3://, minio:// alone"):
        ExecutorInput.parse(content(tmp_path, uri))


def test_a_volume_may_be_mounted_elsewhere(tmp_path: Path) -> None:
    given = content(tmp_path, customPath="/volume/model", name="17")
    found = ExecutorInput.parse(given, tmp_path).outputs["model"]
    assert (found.name, found.path) == ("17", Path("/volume/model"))


def test_parameters_get_their_types_back(tmp_path: Path) -> None:
    (epochs,) = ExecutorInput.parse(content(tmp_path)).typed_parameters({"epochs": ParameterKind.INTEGER}).values()
    assert (epochs, type(epochs)) == (3, int)
    with pytest.raises(ConfigError, match="parameter seed: found None"):
        ExecutorInput.parse(content(tmp_path)).typed_parameters({"seed": ParameterKind.INTEGER})


def test_the_output_names_the_place_that_the_driver_named(tmp_path: Path) -> None:
    given = ExecutorInput.parse(content(tmp_path, name="17"), tmp_path)
    write_executor_output(given, {"model": {"student": "small"}}, {"data_fingerprint": "fe"})
    written = json.loads(given.output_file.read_text())
    expected = {"name": "17", "uri": "s3://b/model", "metadata": {"student": "small"}}
    assert written == {
        "artifacts": {"model": {"artifacts": [expected]}},
        "parameterValues": {"data_fingerprint": "fe"},
    }
