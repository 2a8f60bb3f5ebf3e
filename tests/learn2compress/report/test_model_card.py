from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from learn2compress.report.model_card import escape_markdown, render_model_card
from learn2compress.results.reports import FamilyReport


def test_the_card_says_what_was_measured_and_how_to_feed_it(family: FamilyReport) -> None:
    card = render_model_card(family, "large")
    student = family.students[0]
    for figure in (
        student.model_sha256,
        f"{student.model_bytes:,}",
        f"{student.download_bytes:,}",
        f"{student.macs:,}",
        f"{100 * student.accuracy.top_1:.2f}%",
        student.latency.processor,
        f"{student.accuracy.num_examples} held-out examples",
        "`[1, 8, 8, 1]`",
        "grey values 0 to 255",
        family.provenance["data_sha256"],
        family.provenance["teacher_sha256"],
        "| quantize | 4 |",
        "It satisfies every constraint.",
        "| expected calibration error, 15 bins | 3.12% | 3.12% |",
        "(95% interval on the same examples: \N{MINUS SIGN}4.19 to +0.31)",
        "| latency | 0.0712 ms | 0.412 ms |",
        "5.78\N{MULTIPLICATION SIGN} faster (5.4 to 6.1); ratio 0.173 (0.163 to 0.185)",
        "Latency is the processor time of the fastest inference of all rounds, one example with 1 thread",
        "| latency by threads | 1: 0.0712 ms, 2: 0.0356 ms, 4: 0.0178 ms |",
        "| cold start: load, first inference | 1.75 ms, 0.610 ms | 1.75 ms, 0.610 ms |",
        "an estimate from counts",
        "| kitchen | 100 | 97.0% | 91.0 to 99.0% | 97.0% |",
        "| &lt;garden&gt; | 260 | 90.0% |",
        "| gaussian\\_noise | 60.0% | 1: 80.0%, 3: 60.0%, 5: 40.0% | 60.0% |",
        "at most 5 points less top-1 than the teacher",
    ):
        assert figure in card
    for section in ("Model details", "Intended use", "Factors", "Evaluation data", "Ethical considerations"):
        assert f"\n## {section}" in card


def test_the_card_names_licence_and_contact_or_says_that_none_is_named(family: FamilyReport) -> None:
    push = {"uri": "pushed", "license": "MIT OR Apache-2.0", "contact": "Vision *team* <vision@example.org>"}
    card = render_model_card(dataclasses.replace(family, config=family.config | {"push": push}), "large")
    assert "- **Licence:** MIT OR Apache-2.0\n" in card
    assert "- **Contact:** Vision \\*team\\* &lt;vision@example.org&gt;\n" in card
    unnamed = render_model_card(family, "large")
    assert "- **Licence:** none is named" in unnamed
    assert "- **Contact:** nobody is named" in unnamed


def test_the_card_names_the_versions_that_made_its_own_file(family: FamilyReport) -> None:
    large, small = render_model_card(family, "large"), render_model_card(family, "small")
    assert "The step that made this file ran with:\n\n- keras 3.15.1\n- python 3.11.7\n- tensorflow 2.21.0\n" in large
    assert "- keras 3.14.0\n" in small
    assert "keras 3.15.1" not in small
    without = render_model_card(dataclasses.replace(family, made_with={}), "large")
    assert "The versions that made this file were not recorded." in without


def test_a_refused_student_says_why(family: FamilyReport) -> None:
    assert "It does not satisfy every constraint." in render_model_card(family, "small")
    assert "accuracy drop 9.44 points is above max\\_accuracy\\_drop 5 points" in render_model_card(family, "small")


def test_a_teacher_that_guesses_is_called_no_yardstick(family: FamilyReport) -> None:
    sentence = "**The teacher is no yardstick: its accuracy 12% is no better than guessing"
    assert sentence not in render_model_card(family, "large")
    guesses = tuple(tuple(4 if row == column else 3 for column in range(10)) for row in range(10))
    accuracy = dataclasses.replace(family.teacher.accuracy, confusion_matrix=guesses, top_1=0.12)
    teacher = dataclasses.replace(family.teacher, accuracy=accuracy)
    assert sentence in render_model_card(dataclasses.replace(family, teacher=teacher), "large")


def test_text_students_are_fed_hashed_features(family: FamilyReport) -> None:
    task = {"kind": "text", "input_shape": [4096]}
    card = render_model_card(dataclasses.replace(family, config=family.config | {"task": task}), "large")
    assert "hashed_ngrams" in card
    assert "`[1, 4096]`" in card
    assert "grey values" not in card


def test_hostile_labels_stay_text(family_of: Callable[..., FamilyReport]) -> None:
    labels = ("<script>x</script>", "a|b", "line\n# heading", "[link](http://evil)", "`code`")
    card = render_model_card(family_of(labels=labels), "large")
    assert "<script" not in card
    assert "\n# heading" not in card
    assert "[link](" not in card
    rows = [line for line in card.splitlines() if line.startswith("| a\\|b |")]
    assert len(rows) == 1


def test_many_labels_are_not_all_listed(family_of: Callable[..., FamilyReport]) -> None:
    card = render_model_card(family_of(labels=tuple(f"class{index}" for index in range(120))), "large")
    assert "The first classes, in order, of 120" in card
    assert "recall of the classes that it knows least" in card


def test_an_unknown_student_is_refused(family: FamilyReport) -> None:
    with pytest.raises(ValueError, match="found 'huge', accepted are large, medium, small"):
        render_model_card(family, "huge")


def test_escape_markdown() -> None:
    assert escape_markdown("a_b*c & <d>\r\n\u2028e http://f 10:30") == "a\\_b\\*c &amp; &lt;d&gt; e http\\://f 10:30"
