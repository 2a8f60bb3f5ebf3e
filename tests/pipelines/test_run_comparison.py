"""Two runs are compared by what they measured and by what was set otherwise, each by its path."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

from rich.console import Console

from learn2compress.config import CompressionConfig, DataConfig, PushConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import to_dict
from learn2compress.results.latency import Latency
from learn2compress.results.reports import Accuracy, FamilyReport, ModelReport, Verdict
from pipelines.run_comparison import compare, comparison_table

CONFIG = to_dict(
    CompressionConfig(
        name="digits",
        data=DataConfig(),
        teacher=TeacherConfig("teacher.keras"),
        students=(StudentConfig("large", stage=2), StudentConfig("small", stage=1)),
        push=PushConfig("pushed"),
    )
)


def measured(name: str, model_bytes: int, top_1: float) -> ModelReport:
    accuracy = Accuracy(1000, top_1, top_1 - 0.01, top_1 + 0.01, 3, None, (), ())
    latency = Latency(0.5, 0.6, 0.4, 1.0, 0.9, 1.1, 1, "a processor")
    digest = f"{model_bytes:064x}"
    return ModelReport(name, digest, model_bytes, 900, 400, 200, 5000, {}, "uint8", "uint8", accuracy, latency, 0)


def family(**changes: Any) -> FamilyReport:
    students = (measured("large", 112_000, 0.98), measured("small", 11_000, 0.9))
    report = FamilyReport(
        name="digits",
        version=1,
        created="",
        labels=("0", "1"),
        config=CONFIG,
        teacher=measured("teacher", 471_000, 0.99),
        students=students,
        histories={},
        verdicts=(Verdict("large", True, True), Verdict("small", True, True)),
        pareto_bytes=(),
        pareto_latency=(),
        provenance={"config_sha256": "c1", "data_sha256": "da" * 32, "teacher_sha256": "7e" * 32},
    )
    return dataclasses.replace(report, **changes)


def other_family() -> FamilyReport:
    config = CONFIG | {"training": CONFIG["training"] | {"epochs": 5}}
    config["students"] = [CONFIG["students"][0], CONFIG["students"][1] | {"stage": 2}, {"name": "tiny", "stage": 1}]
    return family(
        config=config,
        students=(measured("large", 112_000, 0.975), measured("small", 9_000, 0.85), measured("tiny", 800, 0.5)),
        verdicts=(Verdict("large", True, True), Verdict("small", False, False), Verdict("tiny", True, True)),
        provenance={"config_sha256": "c2", "data_sha256": "db" * 32, "teacher_sha256": "7e" * 32},
    )


def test_a_setting_of_one_student_is_held_against_the_common_one() -> None:
    students = [CONFIG["students"][0] | {"prune": {"method": "channels"}}, CONFIG["students"][1]]
    found = compare(family(), family(config=CONFIG | {"students": students}))
    assert found.settings == {"students.large.prune.method": ("magnitude", "channels")}
    assert found.sentences == ("students.large.prune.method: magnitude -> channels",)


def test_what_differs_is_found() -> None:
    found = compare(family(), other_family())
    by_name = {model.name: model for model in found.models}
    assert list(by_name) == ["teacher", "large", "small", "tiny"]
    assert by_name["small"].top_1 == (0.9, 0.85)
    assert by_name["small"].model_bytes == (11_000, 9_000)
    assert by_name["small"].is_pushed == (True, False)
    assert by_name["tiny"].top_1 == (None, 0.5)
    assert by_name["large"].is_same_file
    assert not by_name["small"].is_same_file
    epochs = CONFIG["training"]["epochs"]
    assert found.settings["training.epochs"] == (epochs, 5)
    assert found.settings["students.small.stage"] == (1, 2)
    assert found.settings["students.tiny"] == ("not set", {"stage": 1})
    assert not [path for path in found.settings if path.startswith("students.tiny.")]
    assert not [path for path in found.settings if path.startswith("students.large")]
    assert found.provenance == {"data_sha256": ("da" * 32, "db" * 32)}
    assert f"training.epochs: {epochs} -> 5" in found.sentences
    assert "data: dadadadadada -> dbdbdbdbdbdb" in found.sentences
    assert found.sentences[-1] == "the held-out examples may be others, too: compare the accuracies with care"


def test_other_costs_than_the_files_size_are_said_where_they_differ() -> None:
    pruned = dataclasses.replace(measured("large", 112_000, 0.98), download_bytes=600, macs=2500)
    found = compare(family(), family(students=(pruned, measured("small", 11_000, 0.9))))
    lines = [line for line in found.sentences if line.startswith(("large", "small"))]
    assert lines == ["large, download: 900 B -> 600 B", "large, multiply-accumulates: 5.00 k -> 2.50 k"]


def test_a_run_beside_itself_differs_in_nothing() -> None:
    found = compare(family(), family())
    assert (found.settings, found.provenance) == ({}, {})
    assert found.sentences == ("the same configuration, data, teacher and code",)
    assert all(model.is_same_file for model in found.models)


def test_the_table_fits_60_columns() -> None:
    console = Console(file=io.StringIO(), width=60)
    console.print(comparison_table(compare(family(), other_family()), ("1", "12")))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 60
    minus = "\N{MINUS SIGN}"
    rows = [line.split() for line in lines]
    assert ["small", "90.00%", "85.00%", f"{minus}5.00", "11.0", "kB", "9.00", "kB", "1"] in rows
    assert ["tiny", "-", "50.00%", "-", "800", "B", "12"] in rows
    assert ["large", "98.00%", "97.50%", f"{minus}0.50", "112", "kB", "same", "file", "both"] in rows
