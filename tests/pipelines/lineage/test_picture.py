"""The picture of a lineage: complete, self-contained, the same each time, and safe with any text."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from pipelines.lineage.picture import lineage_picture
from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep

SHA256 = "5a" * 32
PROVENANCE = {"config_sha256": "cf" * 32}
MADE_WITH = '{"keras": "3.15.1", "learn2compress": "0.1.0", "protobuf": "6.33.6"}'
SVG = "{http://www.w3.org/2000/svg}"


def artifact(
    number: int, kind: str, key: str, made_by: LineageStep | None = None, **properties: Any
) -> LineageArtifact:
    return LineageArtifact(key, kind, number, f"/runs/{number}", properties, made_by)


def make_lineage(source_uri: str = "scikit-learn:digits") -> Lineage:
    made = {"content_sha256": "da" * 32, "num_train": 1412, "num_held_out": 385, "num_bad": 2, "num_classes": 10}
    examples = artifact(1, "L2CExamples", "examples", **made, source_uri=source_uri)
    ingest = LineageStep("Ingest", 1, {"code_digest": "c1" * 32}, (), (examples,))
    examples = dataclasses.replace(examples, made_by=ingest)
    teacher = artifact(2, "L2CTeacher", "teacher", model_bytes=471000, macs=1234567, source_uri="teacher.keras")
    load = LineageStep("TeacherLoad", 2, {"teacher_sha256": "7e" * 32}, (examples,), (teacher,))
    logits = artifact(3, "L2CTeacherLogits", "teacher_logits", load)
    dense = artifact(4, "L2CStudent", "small", accuracy=0.96)
    train = LineageStep(
        "JointDistillTrainer", 3, {"seed": 7, "training": '{"epochs": 40}'}, (examples, logits), (dense,)
    )
    student = artifact(4, "L2CStudent", "student", train)
    sparse = artifact(5, "L2CStudent", "pruned", accuracy=0.955, sparsity_ratio=0.5)
    inputs = (examples, student, logits)
    prune = LineageStep("Prune.small", 4, {"seed": 7, "epochs": 6, "sparsity_ratio": 0.5}, inputs, (sparse,))
    inputs = (examples, artifact(5, "L2CStudent", "student", prune), logits)
    quantize = LineageStep("Quantize.small", 5, {"seed": 7, "epochs": 4}, inputs, ())
    facts = {
        "student": "small",
        "model_sha256": SHA256,
        "recipe": "int8_qat",
        "model_bytes": 11018,
        "made_with": MADE_WITH,
    }
    evaluation = artifact(7, "L2CEvaluation", "evaluation", student="small", accuracy=0.95, latency_ms=0.015)
    known = {"version": 3, "destination": "/pushed/versions/3", "sha256.small": SHA256}
    pushed = artifact(8, "L2CPushedVersion", "pushed", **known)
    return Lineage(
        SHA256, artifact(6, "L2CLiteRtModel", "model", quantize, **facts), (evaluation, pushed), {}, PROVENANCE
    )


def texts_of(svg: str) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_every_step_is_there_with_what_it_is_known_by() -> None:
    texts = texts_of(lineage_picture(make_lineage()))
    titles = ["Ingest", "TeacherLoad", "JointDistillTrainer", "Prune.small", "Quantize.small", "small.tflite"]
    titles += ["Evaluate.small", "Pusher"]
    assert [text for text in texts if text in titles] == titles
    shown = "\n".join(texts)
    for fact in (
        f"data {'da' * 32}", "1,412 to train, 385 held out, 2 bad, 10 classes", "from scikit-learn:digits",
        f"teacher {'7e' * 32}", "471 kB as LiteRT, 1,234,567 multiply-accumulate operations",
        "seed 7, 40 epochs", "accuracy of small 96.00%",
        "50.0% of the prunable weights are zero", "recipe int8_qat", f"SHA-256 {SHA256}", "size 11.0 kB",
        f"configuration {'cf' * 32}",
        "made with learn2compress 0.1.0, keras 3.15.1",
        "accuracy 95.00%, latency 0.0150 ms", "version 3", "to /pushed/versions/3",
    ):  # fmt: skip
        assert fact in shown
    # Straight arrows and lanes: what each artifact is called.
    assert texts.count("examples") == 2
    assert texts.count("teacher_logits") == 2
    assert texts.count("student") == 2


def test_a_student_of_the_teachers_own_network_is_said_to_be_one() -> None:
    lineage = make_lineage()
    handed_on = artifact(4, "L2CStudent", "student", accuracy=0.97)
    step = LineageStep("TeacherAsStudent.own", 3, {"teacher_sha256": "7e" * 32}, (), (handed_on,))
    student = dataclasses.replace(handed_on, made_by=step)
    quantize = LineageStep("Quantize.own", 5, {"seed": 7, "epochs": 4}, (student,), ())
    model = dataclasses.replace(lineage.model, made_by=quantize)
    shown = "\n".join(texts_of(lineage_picture(dataclasses.replace(lineage, model=model))))
    assert "TeacherAsStudent.own" in shown
    assert "its own network, accuracy 97.00%" in shown


def test_a_picked_student_leads_to_its_family() -> None:
    lineage = make_lineage()
    family = artifact(3, "L2CFamily", "family", num_sub_networks=135)
    trainer = LineageStep("FamilyTrainer", 2, {"seed": 7, "training": '{"epochs": 20}'}, (), (family,))
    picked = artifact(4, "L2CStudent", "picked", accuracy=0.97, macs=5000)
    pick = LineageStep("Pick.small", 3, {}, (dataclasses.replace(family, made_by=trainer),), (picked,))
    quantize = LineageStep("Quantize.small", 5, {}, (dataclasses.replace(picked, made_by=pick),), ())
    model = dataclasses.replace(lineage.model, made_by=quantize)
    shown = "\n".join(texts_of(lineage_picture(dataclasses.replace(lineage, model=model))))
    assert "seed 7, 20 epochs, 135 sub-networks at once" in shown
    assert "5,000 multiply-accumulate operations, accuracy 97.00%" in shown


def test_boxes_are_stacked_without_overlap() -> None:
    svg = lineage_picture(make_lineage())
    root = ElementTree.fromstring(svg)
    heights = []
    for path in root.iter(f"{SVG}path"):
        if "var(--surface)" in path.get("style", ""):
            rows = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", path.get("d", ""))]
            heights.append((min(rows), max(rows)))
    assert len(heights) == 8
    assert all(above[1] < below[0] for above, below in pairwise(heights))
    assert heights[-1][1] < float(root.get("height", "0"))


def test_the_picture_is_self_contained_and_has_both_schemes() -> None:
    svg = lineage_picture(make_lineage())
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "prefers-color-scheme: dark" in svg
    style = svg[svg.index("<style>") : svg.index("</style>")]
    for variable in set(re.findall(r"var\((--\w+)\)", svg)):
        assert style.count(f"{variable}:") == 2
    assert re.findall(r"https?://[^\"' ]+", svg) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"#0\d0\d0\d", svg)) == set()  # stand-in colours
    assert ElementTree.fromstring(svg).find(f"{SVG}title").text == f"Lineage of {SHA256}"  # type: ignore[union-attr]


def test_the_same_lineage_gives_the_same_text() -> None:
    assert lineage_picture(make_lineage()) == lineage_picture(make_lineage())


def test_text_from_outside_stays_text() -> None:
    hostile = "</text><script>alert('$x$')</script>&amp;"
    svg = lineage_picture(make_lineage(source_uri=hostile))
    assert f"from {hostile}" in texts_of(svg)
    assert "<script" not in svg


def test_a_long_uri_keeps_its_end() -> None:
    uri = "gs://bucket/" + "folder/" * 60 + "train.tfrecord"
    (shown,) = [
        text for text in texts_of(lineage_picture(make_lineage(source_uri=uri))) if text.endswith("train.tfrecord")
    ]
    assert shown.startswith("from …")
    assert len(shown) < 100


def test_what_is_not_recorded_is_said_so() -> None:
    model = artifact(6, "L2CLiteRtModel", "model", None, student="small")
    texts = texts_of(lineage_picture(Lineage(SHA256, model, (), {}, {})))
    assert texts[0] == "small.tflite"
    assert "size not measured" in texts
    assert not any("configuration" in text for text in texts)
