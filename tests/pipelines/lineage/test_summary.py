"""The screen of a lineage: what a person asks first, in few lines, and nothing that is not recorded."""

from __future__ import annotations

import dataclasses
from typing import Any

from rich.console import Console

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import parse, to_dict
from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep, PushRecord
from pipelines.lineage.summary import lineage_summary

SHA256 = "5a" * 32
SAID: dict[str, Any] = {
    "name": "flowers",
    "data": {"format": "image_folder", "uri": "photos"},
    "teacher": {"uri": "flowers.keras"},
    "training": {"epochs": 5, "stages": [{"channels": 8}, {"channels": 12}]},
    "students": [{"name": "small", "stage": 1}, {"name": "large"}],
}


def artifact(number: int, kind: str, key: str, made_by: LineageStep | None = None, **known: Any) -> LineageArtifact:
    return LineageArtifact(key, kind, number, f"/runs/{number}", known, made_by)


def make_lineage() -> Lineage:
    counts = {"num_train": 1412, "num_held_out": 385, "num_bad": 2, "num_classes": 10}
    examples = artifact(1, "L2CExamples", "examples", content_sha256="da" * 32, source_uri="photos", **counts)
    examples = dataclasses.replace(examples, made_by=LineageStep("Ingest", 1, {"num_shards": 9}, (), (examples,)))
    teacher = artifact(2, "L2CTeacher", "teacher", content_sha256="7e" * 32, source_uri="flowers.keras")
    logits = artifact(3, "L2CTeacherLogits", "teacher_logits")
    load = LineageStep("TeacherLoad", 2, {}, (examples,), (teacher, logits))
    inputs = (examples, dataclasses.replace(logits, made_by=load))
    dense = artifact(4, "L2CStudent", "student", content_sha256="de" * 32, accuracy=0.96)
    train = LineageStep("JointDistillTrainer", 3, {}, inputs, (dense,))
    quantize = LineageStep("Quantize.small", 5, {}, (*inputs, dataclasses.replace(dense, made_by=train)), ())
    known = {"student": "small", "model_sha256": SHA256, "model_bytes": 11018, "made_with": '{"keras": "3.15.1"}'}
    return Lineage(
        SHA256,
        artifact(6, "L2CLiteRtModel", "model", quantize, **known),
        (artifact(7, "L2CEvaluation", "evaluation", student="small", accuracy=0.95, latency_ms=0.015),),
        to_dict(parse(CompressionConfig, SAID)),
        {"config_sha256": "cf" * 32, "source_commit": "c0" * 20, "source_repository": "git", "source_ref": "main"},
        (),
        "small/small.tflite",
        PushRecord("4", 9, 3, "/pushed/versions/3"),
        (artifact(8, "L2CEvaluation", "teacher_evaluation", student="teacher", accuracy=0.98),),
    )


def shown(lineage: Lineage, width: int = 80) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(lineage_summary(lineage))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_screen_has_what_made_the_file() -> None:
    lines = shown(make_lineage())
    assert len(lines) <= 28
    text = "\n".join(" ".join(line.split()) for line in lines)
    for fact in (
        "file small/small.tflite, 11.0 kB", f"SHA-256 {SHA256}", "pushed by run 4, version 3: /pushed/versions/3",
        "measured accuracy 95.00%, latency 0.0150 ms", "configuration flowers, cfcfcfcfcfcf", "commit c0c0c0c0c0c0",
        "teacher flowers.keras, 7e7e7e7e7e7e, accuracy 98.00%", "data photos, dadadadadada",
        "1,412 to train, 385 held out, 2 bad, 10 classes", "made with keras 3.15.1",
        "Ingest examples dadadadadada", "TeacherLoad teacher_logits (artifact 3)",
        "JointDistillTrainer student dededededede, accuracy 96.00%", "Quantize.small model 5a5a5a5a5a5a",
    ):  # fmt: skip
        assert fact in text
    steps = [line.split()[0] for line in lines if line.startswith("  ")]
    assert steps[:4] != sorted(steps[:4])  # the order in which they ran, each once
    assert [step for step in steps if step in ("Ingest", "TeacherLoad", "JointDistillTrainer", "Quantize.small")] == [
        "Ingest",
        "TeacherLoad",
        "JointDistillTrainer",
        "Quantize.small",
    ]


def test_only_settings_that_were_changed_are_shown() -> None:
    lines = shown(make_lineage())
    start = lines.index("settings that differ from the defaults")
    settings = [line.split(maxsplit=1) for line in lines[start + 1 :] if line.startswith("  ") and "." in line]
    assert [path for path, _ in settings] == ["students.small.stage", "training.stages", "training.epochs"]
    assert dict(settings)["training.epochs"] == "5"


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    lines = shown(make_lineage(), 60)
    assert all(len(line) <= 60 for line in lines)
    assert SHA256 in "".join(line.replace("SHA-256", "").strip() for line in lines)


def test_what_is_not_recorded_is_not_shown() -> None:
    model = artifact(6, "L2CLiteRtModel", "model", student="small", model_sha256=SHA256)
    text = "\n".join(shown(Lineage(SHA256, model, (), {}, {})))
    assert "no run that is recorded here" in text
    for word in ("configuration", "teacher", "data", "measured", "settings that", "made by"):
        assert word not in text.replace("--all shows every parameter", "")
