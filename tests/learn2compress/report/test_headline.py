from __future__ import annotations

import dataclasses

from learn2compress.report.headline import constraint_sentences, headline
from learn2compress.results.reports import FamilyReport

TIMES = "\N{MULTIPLICATION SIGN}"


def pushed(family: FamilyReport, *names: str) -> FamilyReport:
    verdicts = tuple(dataclasses.replace(one, selected=one.name in names) for one in family.verdicts)
    return dataclasses.replace(family, verdicts=verdicts)


def test_the_smallest_and_the_most_accurate_are_told_apart(family: FamilyReport) -> None:
    title, sentences = headline(pushed(family, "large", "small"))
    assert title == "2 of 3 students pushed"
    assert sentences == (
        f"The smallest, small, is 162{TIMES} smaller than the teacher, 22.1{TIMES} faster, and is 9.44 points less "
        f"accurate. The most accurate, large, is 17.1{TIMES} smaller than the teacher, 5.78{TIMES} faster, and is 0.28 "
        "points less accurate."
    )


def test_one_student_is_both(family: FamilyReport) -> None:
    _, sentence = headline(pushed(family, "medium"))
    assert sentence.startswith(f"The student medium is 44.6{TIMES} smaller than the teacher, and is 1.39 points less")


def test_equal_accuracy_is_said_to_be_equal(family: FamilyReport) -> None:
    students = tuple(dataclasses.replace(one, accuracy=family.teacher.accuracy) for one in family.students)
    _, sentence = headline(pushed(dataclasses.replace(family, students=students), "large"))
    assert sentence.endswith("has the same top-1 accuracy.")


def test_nothing_was_pushed(family: FamilyReport) -> None:
    title, sentence = headline(pushed(family))
    assert title == "None of 3 students pushed"
    assert "reasons" in sentence


def test_limits_in_words() -> None:
    limits = {"max_latency_ms": 3.0, "max_latency_ratio": 0.25, "min_accuracy": None, "max_model_bytes": 200_000}
    assert constraint_sentences(limits) == (
        "file at most 200 kB as stored",
        "latency at most 3 ms",
        "latency at most 0.25 times the teacher's",
    )
    assert constraint_sentences({}) == ()
