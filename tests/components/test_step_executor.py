"""Every output says which versions made it, and these are of the process that ran the step."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import keras
import pytest

import learn2compress
from components.artifacts import Evaluation, LiteRtModel, Student
from components.prune.executor import Executor as PruneExecutor
from components.pusher.executor import Executor as PusherExecutor
from components.step_executor import versions_of

ROOT = Path(__file__).parents[2]


class Prune(PruneExecutor):
    """Prune's code without its work."""

    __module__ = PruneExecutor.__module__

    def run(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        if exec_properties.get("fails"):
            raise ValueError("no")


def test_every_output_names_the_versions_that_made_it() -> None:
    outputs: Any = {"pruned": [Student()], "other": [Evaluation(), LiteRtModel()]}
    Prune().Do({}, outputs, {})
    for artifacts in outputs.values():
        for artifact in artifacts:
            versions = versions_of(artifact)
            assert versions["keras"] == keras.__version__
            assert versions["python"] == platform.python_version()
            assert versions["learn2compress"] == learn2compress.__version__
            assert "matplotlib" not in versions


def test_a_step_that_failed_records_nothing() -> None:
    student = Student()
    with pytest.raises(ValueError, match="no"):
        Prune().Do({}, {"pruned": [student]}, {"fails": 1})
    assert versions_of(student) == {}


def test_the_package_of_a_teams_architecture_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_architecture.py").write_text("")
    metadata = tmp_path / "own_package-7.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-package\nVersion: 7.5\n")
    (metadata / "entry_points.txt").write_text("[learn2compress.architectures]\nown = own_architecture:Own\n")
    monkeypatch.syspath_prepend(tmp_path)
    student = Student()
    Prune().Do({}, {"pruned": [student]}, {"teacher_use": "{}", "training": json.dumps({"architecture": "own"})})
    assert versions_of(student)["own-package"] == "7.5"


def test_every_executor_records() -> None:
    assert issubclass(PusherExecutor, PruneExecutor.__mro__[1])
    for file in sorted((ROOT / "components").glob("*/executor.py")):
        text = file.read_text(encoding="utf-8")
        assert "(StepExecutor)" in text, file
        assert "base_executor" not in text, file
        assert "def Do(" not in text, file
