"""What people see of a step in Kubeflow's run graph and run comparison.

Numbers under the same names in every variant become a row of the comparison
with a column for each. The formats are those of the SDK's artifact types
(kfp.dsl.Metrics, ClassificationMetrics, HTML, Markdown).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfx.types.artifact import Artifact

from components import artifacts
from learn2compress.file_names import REPORT_FILE
from learn2compress.report.formatting import byte_size, milliseconds, percent
from learn2compress.report.headline import headline
from learn2compress.results.reports import FAMILY_FILE, PAGE_FILE, FamilyReport, ModelReport, read_json
from pipelines.kubeflow.contract.artifact_types import properties_of
from pipelines.kubeflow.contract.step_contract import View, ViewKind

# The matrix is metadata, which the backend copies into several messages.
MAX_CONFUSION_CLASSES = 100

_SUFFIXES = {
    ViewKind.METRICS: "metrics",
    ViewKind.CONFUSION: "confusion",
    ViewKind.PAGE: "page",
    ViewKind.TABLE: "table",
}
_VIEWS: dict[str, tuple[ViewKind, ...]] = {
    artifacts.Examples.TYPE_NAME: (ViewKind.METRICS,),
    artifacts.Teacher.TYPE_NAME: (ViewKind.METRICS,),
    artifacts.TrainingLogs.TYPE_NAME: (ViewKind.METRICS,),
    artifacts.Family.TYPE_NAME: (ViewKind.METRICS,),
    artifacts.Evaluation.TYPE_NAME: (ViewKind.METRICS, ViewKind.CONFUSION),
    artifacts.PushedVersion.TYPE_NAME: (ViewKind.METRICS, ViewKind.PAGE, ViewKind.TABLE),
}


def declare_views(outputs: Mapping[str, type[Artifact]]) -> dict[str, View]:
    """Returns the views of a component with these outputs, by the name of the further output that each becomes."""
    return {
        f"{output}_{_SUFFIXES[kind]}": View(kind, output)
        for output, artifact_class in outputs.items()
        for kind in _VIEWS.get(artifact_class.TYPE_NAME, ())
    }


def write_view(kind: ViewKind, source: Artifact, path: Path) -> dict[str, Any]:
    """Writes one view of an output.

    Args:
      kind: What.
      source: The output that it is about, written already.
      path: File of the view, for those that are files.

    Returns:
      The view's metadata.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(source.uri)
    if kind is ViewKind.METRICS:
        return {name: value for name, value in properties_of(source).items() if isinstance(value, int | float)}
    if kind is ViewKind.CONFUSION:
        return _confusion(read_json(ModelReport, folder / REPORT_FILE))
    if kind is ViewKind.PAGE:
        shutil.copyfile(folder / PAGE_FILE, path)
        return {}
    path.write_text(markdown_table(read_json(FamilyReport, folder / FAMILY_FILE)), encoding="utf-8")
    return {}


def markdown_table(report: FamilyReport) -> str:
    """Returns the family at a glance: what was pushed, a row for each variant, and why others were refused."""
    title, sentences = headline(report)
    rows: list[Iterable[str]] = [
        ("model", "top-1", "stored", "as gzip", "latency", "verdict"),
        ("---", "---:", "---:", "---:", "---:", "---"),
        _row(report.teacher, "teacher"),
    ]
    refusals = []
    for student, verdict in zip(report.students, report.verdicts, strict=True):
        outcome = "pushed" if verdict.selected else "not best" if verdict.satisfied else "refused"
        rows.append(_row(student, outcome))
        refusals += [f"- {verdict.name}: {reason}" for reason in verdict.reasons]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(part for part in (f"### {title}", sentences, table, "\n".join(refusals)) if part) + "\n"


def _row(model: ModelReport, outcome: str) -> tuple[str, ...]:
    return (
        model.name,
        percent(model.accuracy.top_1),
        byte_size(model.model_bytes),
        byte_size(model.download_bytes),
        milliseconds(model.latency.time_ms),
        outcome,
    )


def _confusion(report: ModelReport) -> dict[str, Any]:
    labels = [result.label for result in report.accuracy.per_class]
    if len(labels) > MAX_CONFUSION_CLASSES:
        return {}
    return {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": label} for label in labels],
            "rows": [{"row": list(row)} for row in report.accuracy.confusion_matrix],
        }
    }
