"""The tree of a lineage: who pushed the file, which decisions left it out, and digests in short."""

from __future__ import annotations

from rich.console import Console

from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep, PushRecord
from pipelines.lineage.tree import lineage_tree

SHA256 = "5a" * 32


def shown(lineage: Lineage) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(lineage_tree(lineage))
    return captured.get()


def test_the_run_that_pushed_is_named_and_later_versions_say_whether_they_hold_the_file() -> None:
    step = LineageStep("Quantize.small", 5, {"teacher_sha256": "7e" * 32}, (), ())
    properties = {"student": "small", "model_sha256": SHA256}
    model = LineageArtifact("model", "L2CLiteRtModel", 6, "/runs/6", properties, step)
    versions = [
        {"version": 1, "destination": "/pushed/1", "sha256.small": SHA256},
        {"version": 2, "destination": "/pushed/2", "sha256.large": SHA256},
    ]
    later = tuple(
        LineageArtifact("pushed", "L2CPushedVersion", 7 + number, "/runs", found, None)
        for number, found in enumerate(versions)
    )
    pushed_by = PushRecord("4", 9, 1, "/pushed/1")
    text = shown(Lineage(SHA256, model, later, {}, {"config_sha256": "cf" * 32}, (), "small/small.tflite", pushed_by))
    assert "pushed by run 4 as small/small.tflite in version 1: /pushed/1" in text
    assert f"config_sha256={'cf' * 6}\u2026" in text
    first, second = [line for line in text.splitlines() if "destination=" in line]
    assert "does not hold this file" not in first
    assert second.endswith("it does not hold this file")
    assert f"teacher_sha256={'7e' * 6}\u2026" in text


def test_what_no_run_pushed_is_said() -> None:
    model = LineageArtifact("model", "L2CLiteRtModel", 6, "/runs/6", {}, None)
    assert "not pushed by any run that is recorded here" in shown(Lineage(SHA256, model, (), {}, {}))
