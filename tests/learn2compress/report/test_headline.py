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
        f"The smallest, small, is 162{TIMES} smaller than the teacher, 22.1{TIMES} faster (21 to 24), and is "
        f"9.44 points less accurate. The most accurate, large, is 17.1{TIMES} smaller than the teacher, 5.78{TIMES} "
        "faster (5.4 to 6.1), and is 0.28 points less accurate."
    )


def test_one_student_is_both(family: FamilyReport) -> None:
    _, sentence = headline(pushed(family, "medium"))
    assert sentence.startswith(f"The student medium is 44.6{TIMES} smaller than the teacher, and is 1.39 points less")


def test_equal_accuracy_is_said_to_be_equal(family: FamilyReport) -> None:
    students = tuple(dataclasses.replace(one, accuracy=family.teacher.accuracy) for one in family.students)
    _, sentence = headline(pushed(dataclasses.replace(family, students=students), "large"))
    assert sentence.endswith("has the same top-1 accuracy.")


def test_nobody_is_called_good_beside_a_teacher_that_guesses(family: FamilyReport) -> None:
    guessing = tuple(tuple(4 if row == column else 32 // 9 for column in range(10)) for row in range(10))
    accuracy = dataclasses.replace(family.teacher.accuracy, confusion_matrix=guessing, top_1=0.12)
    teacher = dataclasses.replace(family.teacher, accuracy=accuracy)
    _, sentence = headline(pushed(dataclasses.replace(family, teacher=teacher), "large"))
    assert sentence.endswith(
        "% of the examples; the teacher is no yardstick: its accuracy 12% is no better than guessing, so that a "
        "comparison with it says nothing."
    )
    assert "accurate" not in sentence


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
    assert constraint_sentences({"accept_guessing": False, "max_accuracy_drop": 0.0}) == (
        "at most 0 points less top-1 than the teacher",
    )
    assert constraint_sentences({"accept_guessing": True}) == (
        "students and teachers that are no better than guessing are accepted",
    )
