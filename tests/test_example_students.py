"""The students in `examples/students/` are those that were pushed, load, and are as small as promised."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from ai_edge_litert.interpreter import Interpreter

from learn2compress.results.reports import ModelReport, read_json

ROOT = Path(__file__).parents[1]
STUDENTS = ROOT / "examples" / "students"
DATA_SETS = ("cifar10",)


@pytest.fixture(params=DATA_SETS)
def data_set(request: pytest.FixtureRequest) -> Path:
    folder = STUDENTS / request.param
    assert list(folder.glob("*/*.tflite")), "collect_students.py puts them there"
    return folder


@pytest.fixture
def student_folders(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    return importlib.import_module("student_folders")


def local_paths(value: Any) -> list[str]:
    """Absolute paths among the values of a configuration."""
    if isinstance(value, dict):
        return [path for inner in value.values() for path in local_paths(inner)]
    if isinstance(value, list):
        return [path for inner in value for path in local_paths(inner)]
    return [value] if isinstance(value, str) and value.startswith("/") else []


def test_only_known_data_sets_stand_there() -> None:
    assert {path.name for path in STUDENTS.iterdir() if path.is_dir()} <= set(DATA_SETS)


def test_each_file_is_what_its_sums_say_and_small_enough(data_set: Path, student_folders: ModuleType) -> None:
    for model in student_folders.checked_students(data_set).values():
        assert model.stat().st_size <= student_folders.MAX_MODEL_BYTES
    files = [path for path in data_set.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= student_folders.MAX_FOLDER_BYTES
    for folder in data_set.iterdir():
        assert {"model_card.md", "report.json", "config.yaml", "SHA256SUMS"} <= {path.name for path in folder.iterdir()}


def test_each_student_loads_and_is_the_one_reported_on(data_set: Path, student_folders: ModuleType) -> None:
    for model in student_folders.checked_students(data_set).values():
        report = read_json(ModelReport, model.parent / "report.json")
        assert hashlib.sha256(model.read_bytes()).hexdigest() == report.model_sha256
        interpreter = Interpreter(model_path=str(model))
        interpreter.allocate_tensors()
        (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.set_tensor(source["index"], np.zeros(source["shape"], source["dtype"]))
        interpreter.invoke()
        labels = (model.parent / "labels.txt").read_text(encoding="utf-8").splitlines()
        assert interpreter.get_tensor(target["index"]).shape == (1, len(labels))


def test_no_configuration_names_a_path_of_a_machine(data_set: Path) -> None:
    for path in data_set.glob("*/config.yaml"):
        assert not local_paths(yaml.safe_load(path.read_text(encoding="utf-8")))
