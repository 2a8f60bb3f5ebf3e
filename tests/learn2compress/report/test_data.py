"""What Ingest counted, as the page and the cards show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from learn2compress.report.data import class_rows
from learn2compress.report.model_card import render_model_card
from learn2compress.report.page import render_page
from learn2compress.results.data import ClassCounts, DataReport, PreviousData
from learn2compress.results.reports import FamilyReport

Report = Callable[..., DataReport]


def test_what_is_to_be_known_of_the_data_is_on_page_and_card(data_report: Report, family: FamilyReport) -> None:
    shown = dataclasses.replace(family, data=data_report(num_labelled_left_out=3, changes=("class '<owl>' is new",)))
    page, card = render_page(shown), render_model_card(shown, "large")
    assert "<li>3 labelled examples left out of training: the content is held out</li>" in page
    assert "<li>class &#39;&lt;owl&gt;&#39; is new</li>" in page
    assert "\n- 3 labelled examples left out of training: the content is held out\n" in card
    assert "\n- class '&lt;owl&gt;' is new\n" in card
    clean = dataclasses.replace(family, data=data_report())
    assert "nothing was left out, no content recurs</li>" in render_page(clean)
    assert "left out" not in render_model_card(clean, "large")


def test_the_card_does_not_say_that_examples_were_unseen_which_were_trained_on(
    data_report: Report, family: FamilyReport
) -> None:
    unseen = "no weight of the student was fitted to"
    assert unseen in render_model_card(dataclasses.replace(family, data=data_report()), "large")
    card = render_model_card(dataclasses.replace(family, data=data_report(num_held_out_trained_on=110)), "large")
    assert unseen not in card
    assert "110 of them have the content of training examples, which weights were fitted to" in card


def test_the_page_has_the_classes_of_both_runs(data_report: Report, family: FamilyReport) -> None:
    old = data_report(labels=("cat", "<owl>"), class_counts=ClassCounts((900, 30), (90, 3)))
    data = data_report(previous=PreviousData.of(old))
    rows = class_rows(data)
    assert [(row.label, row.now.train, row.before and row.before.train) for row in rows] == [
        ("cat", 700, 900),
        ("dog", 500, 0),
        ("<owl>", 0, 30),
    ]
    page = render_page(dataclasses.replace(family, data=data))
    assert "&lt;owl&gt;" in page
    assert "<owl>" not in page
    assert '<h2 id="data">Data</h2>' in page
    assert '<h2 id="data">' not in render_page(family)


def test_of_many_classes_those_that_changed_most_come_first(data_report: Report) -> None:
    labels = tuple(f"class {index:02d}" for index in range(30))
    before = data_report(labels=labels, class_counts=ClassCounts((50,) * 30, (5,) * 30))
    now = (*[50] * 28, 10, 60)
    data = data_report(labels=labels, class_counts=ClassCounts(now, (5,) * 30), previous=PreviousData.of(before))
    rows = class_rows(data)
    assert [row.label for row in rows[:3]] == ["class 28", "class 29", "class 00"]
    assert len(rows) == 20
    assert class_rows(dataclasses.replace(data, previous=None))[0].label == "class 28"
