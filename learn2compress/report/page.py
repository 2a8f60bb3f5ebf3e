"""The family's report: one self-contained HTML page.

It needs no script and fetches nothing; a strict Content-Security-Policy says so.
Every name and label in it comes from somebody's data and is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from learn2compress.report import formatting, phone
from learn2compress.report.classes import ConfusedPair, confused_pairs, confusion_rows, lowest_recall
from learn2compress.report.curves import training_curves
from learn2compress.report.data import class_rows
from learn2compress.report.examples import card_groups, cell_links
from learn2compress.report.figures import (
    Limits,
    PlottedModel,
    accuracy_against_bytes,
    accuracy_against_latency,
)
from learn2compress.report.headline import constraint_sentences, headline
from learn2compress.report.quantization import quantization_sentences
from learn2compress.report.reliability import reliability_diagram
from learn2compress.results.data_words import data_sentences, held_out_sentence
from learn2compress.results.reports import FamilyReport, ModelReport, Verdict
from learn2compress.results.shown_examples import ShownExample
from learn2compress.results.sub_networks import FamilyFront

MAX_MATRIX_CLASSES = 20
MAX_LISTED = 20
_TINY_PIXELS = 32  # pictures up to here are shown pixel by pixel


def render_page(report: FamilyReport, examples: Mapping[str, Sequence[ShownExample]] | None = None) -> str:
    """Writes the page of one pushed (or refused) family.

    Example:
      >>> from pathlib import Path
      >>> from learn2compress.config import ConstraintsConfig
      >>> from learn2compress.report.page import render_page
      >>> from learn2compress.results.latency import Latency
      >>> from learn2compress.results.reports import Accuracy, ClassResult, FamilyReport, ModelReport
      >>> from learn2compress.selection.select import select
      >>> labels = ("cat", "dog")
      >>> def measured(name, model_bytes, hits):
      ...     classes = tuple(ClassResult(label, 50, hits / 50, hits / 50) for label in labels)
      ...     accuracy = Accuracy(100, hits / 50, 0.8, 1.0, 3, None, classes, ((hits, 50 - hits), (50 - hits, hits)))
      ...     latency = Latency(0.5, 0.6, 0.4, 1.0, 0.9, 1.1, 1, "a processor")
      ...     return ModelReport(
      ...         name, "0" * 64, model_bytes, 900, 400, 200, 5000, {}, "uint8", "uint8", accuracy, latency, 0)
      >>> teacher, student = measured("teacher", 50_000, 49), measured("small", 1000, 48)
      >>> verdicts = select([student], teacher, ConstraintsConfig())
      >>> report = FamilyReport("pets", 1, "2026-01-01T00:00:00+00:00", labels, {}, teacher, (student,), {}, verdicts,
      ...                       ("small",), ("small",), {})
      >>> page = render_page(report)
      >>> _ = Path("report.html").write_text(page)
      >>> "1 of 1 student pushed" in page, "2.00 points less accurate" in page
      (True, True)

    Args:
      report: What was measured and decided; the same report makes the same page.
      examples: Held-out examples to show, by the student's name.

    Returns:
      A whole HTML document.
    """
    environment = Environment(
        loader=PackageLoader("learn2compress.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["fmt"], environment.globals["phone"] = formatting, phone
    template = environment.get_template("page.html.j2")
    verdicts = {verdict.name: verdict for verdict in report.verdicts}
    return template.render(
        report=report,
        headline=headline(report),
        constraints=constraint_sentences(report.config.get("constraints", {})),
        held_out=held_out_sentence(report.data, report.teacher.accuracy.num_examples),
        data_sentences=data_sentences(report.data),
        class_rows=class_rows(report.data),
        verdicts=verdicts,
        size_figure=_trade_off(report, verdicts, latency=False),
        latency_figure=_trade_off(report, verdicts, latency=True),
        details=[
            _details(report, index, student, (examples or {}).get(student.name, ()))
            for index, student in enumerate(report.students)
        ],
        tiny=max(report.config.get("task", {}).get("input_shape", (0,))) <= _TINY_PIXELS,
        # Sorted, so that a report read back from JSON gives the same page.
        config=yaml.safe_dump(report.config, sort_keys=True, allow_unicode=True),
        versions=_versions(report),
    )


def _versions(report: FamilyReport) -> list[tuple[str, str]]:
    """Groups the students whose files were made with the same versions, and writes those versions."""
    together: dict[str, list[str]] = {}
    for student in report.students:
        made_with = report.made_with.get(student.name, {})
        text = ", ".join(f"{name} {version}" for name, version in sorted(made_with.items())) or "not recorded"
        together.setdefault(text, []).append(student.name)
    return [(", ".join(names), text) for text, names in together.items()]


def _trade_off(report: FamilyReport, verdicts: dict[str, Verdict], latency: bool) -> Markup:
    constraints = report.config.get("constraints", {})
    models = []
    for model in (report.teacher, *report.students):
        role = "teacher" if model is report.teacher else "pushed" if verdicts[model.name].selected else "refused"
        cost = model.latency.teacher_ratio if latency else model.model_bytes
        accuracy = model.accuracy
        models.append(PlottedModel(model.name, role, cost, accuracy.top_1, accuracy.top_1_low, accuracy.top_1_high))
    max_cost = constraints.get("max_latency_ratio" if latency else "max_model_bytes")
    lowest = [constraints["min_accuracy"]] if constraints.get("min_accuracy") is not None else []
    if constraints.get("max_accuracy_drop") is not None:
        lowest.append(report.teacher.accuracy.top_1 - constraints["max_accuracy_drop"])
    limits = Limits(max_cost, max(lowest, default=None))
    if latency:
        return accuracy_against_latency(models, report.pareto_latency, limits)
    return accuracy_against_bytes(models, report.pareto_bytes, limits, _sub_networks(report.front))


def _sub_networks(front: FamilyFront | None) -> list[PlottedModel]:
    """Returns the front of a family as points: sizes of files that were not trained, accuracy as it was compared."""
    return [
        PlottedModel(str(one.sub_network), "sub-network", one.model_bytes or 0, one.top_1, one.top_1, one.top_1)
        for one in (front.front if front is not None else ())
    ]


def _details(
    report: FamilyReport, index: int, student: ModelReport, examples: Sequence[ShownExample]
) -> dict[str, object]:
    accuracy = student.accuracy
    records = report.histories.get(student.name, ())
    pairs: tuple[ConfusedPair, ...] = ()
    rows = None
    if len(accuracy.per_class) <= MAX_MATRIX_CLASSES:
        rows = confusion_rows(accuracy)
    else:
        pairs = confused_pairs(accuracy, MAX_LISTED)
    curves = None
    if records:
        key = f"curves-{index}"
        curves = training_curves(key, student.name, records, report.teacher.accuracy.top_1, accuracy.top_1)
    reliability = None
    if student.calibration is not None:
        reliability = reliability_diagram(f"reliability-{index}", student.name, student.calibration)
    groups = card_groups(f"example-{index}", examples, report.labels)
    return {
        "student": student,
        "groups": groups,
        "links": cell_links(groups),
        "quantization": quantization_sentences(report.quantizations[student.name])
        if student.name in report.quantizations
        else None,
        "reliability": reliability,
        "bytes": phone.bytes_rows(student),
        "slices": phone.slice_rows(student, report.teacher),
        "rows": rows,
        "pairs": pairs,
        "classes": lowest_recall(accuracy, MAX_LISTED),
        "curves": curves,
    }
