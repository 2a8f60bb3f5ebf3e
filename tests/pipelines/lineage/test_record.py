from __future__ import annotations

from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep, holds_file, versions_text


def artifact(number: int, made_by: LineageStep | None = None) -> LineageArtifact:
    return LineageArtifact("key", "kind", number, "", {}, made_by)


def test_steps_come_after_those_that_they_read_and_each_once() -> None:
    ingest = LineageStep("Ingest", 7, {}, (), ())
    load = LineageStep("TeacherLoad", 3, {}, (artifact(1, ingest),), ())
    train = LineageStep("Train", 5, {}, (artifact(2, load), artifact(1, ingest)), ())
    found = Lineage("", artifact(4, train), (), {}, {}).steps()
    assert [step.step for step, _ in found] == ["Ingest", "TeacherLoad", "Train"]
    assert [[one.artifact_id for one in read] for _, read in found] == [[1], [2], [4]]


def test_what_nobody_recorded_has_no_steps() -> None:
    assert Lineage("", artifact(4), (), {}, {}).steps() == ()


def test_a_version_without_the_file_is_told() -> None:
    model = LineageArtifact("model", "L2CLiteRtModel", 1, "", {"student": "a", "model_sha256": "1" * 64}, None)
    known = {"destination": "/pushed", "sha256.a": "1" * 64}
    assert holds_file(LineageArtifact("pushed", "L2CPushedVersion", 2, "", known, None), model)
    other = {"destination": "/pushed", "sha256.a": "2" * 64}
    assert not holds_file(LineageArtifact("pushed", "L2CPushedVersion", 2, "", other, None), model)


def test_versions_are_one_line() -> None:
    assert versions_text({"keras": "3.15.1", "numpy": "2.1.0"}) == "keras 3.15.1, numpy 2.1.0"
    assert versions_text({}) == "versions that were not recorded"
