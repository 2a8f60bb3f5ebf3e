"""A file's lineage on one screen: what it is, which run pushed it, of which configuration, teacher, data and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from learn2compress.report.formatting import byte_size, milliseconds, percent
from pipelines.lineage.record import Lineage, LineageArtifact
from pipelines.lineage.words import counts_of_examples, short_digest
from pipelines.settings_by_path import changed_settings, setting_text

_DIGESTS = ("content_sha256", "model_sha256")
# What computes; all others are in the tree.
_PACKAGES = ("learn2compress", "python", "tensorflow", "keras", "ai-edge-litert", "litert-quantizer")
_TEACHER = "teacher"
_MORE = "--all shows every parameter, artifact and version; --json prints them; --picture draws them"
Rows = Iterator[tuple[str, str]]


def lineage_summary(lineage: Lineage) -> Group:
    """Returns a lineage as it fits on a screen of a terminal; `lineage_tree` has all of it."""
    parts: list[Table | Text] = [_table(_facts(lineage))]
    if steps := list(_steps(lineage)):
        parts += [Text("\nmade by", "bold"), _table(steps, indent=2)]
    if changed := changed_settings(lineage.config):
        shown = ((path, _setting(value)) for path, value in changed.items())
        parts += [Text("\nsettings that differ from the defaults", "bold"), _table(shown, indent=2)]
    return Group(*parts, Text(f"\n{_MORE}"))


def _facts(lineage: Lineage) -> Rows:
    known = lineage.model.properties
    of_student = "student" in known
    size = f", {byte_size(known['model_bytes'])}" if of_student and "model_bytes" in known else ""
    yield "file", (lineage.path or (f"{known['student']}.tflite" if of_student else "all of a version")) + size
    yield "SHA-256", lineage.sha256
    for other in lineage.also_made:
        yield "", other.text
    push = lineage.pushed_by
    if push is None:
        yield "pushed by", "no run that is recorded here"
    else:
        yield "pushed by", f"run {push.run}, version {push.version}: {push.destination}"
    if of_student and (measured := _evaluation(lineage.later, str(known["student"]))):
        accuracy, latency = percent(measured.get("accuracy")), milliseconds(measured.get("latency_ms"))
        yield "measured", f"accuracy {accuracy}, latency {latency}"
    yield from _configuration(lineage)
    yield from _inputs(lineage)
    if made_with := lineage.model.made_with:
        yield "made with", ", ".join(f"{name} {made_with[name]}" for name in _PACKAGES if name in made_with)


def _configuration(lineage: Lineage) -> Rows:
    told = lineage.provenance
    if lineage.config:
        digest = short_digest(told.get("config_sha256", "digest not recorded"))
        yield "configuration", f"{lineage.config.get('name')}, {digest}"
    if "source_commit" in told:
        where = ", ".join(told[key] for key in ("source_path", "source_ref", "source_repository") if told.get(key))
        yield "", f"commit {short_digest(told['source_commit'])}: {where}"


def _inputs(lineage: Lineage) -> Rows:
    """Yields what is known of teacher and data, from the steps that read them."""
    made = {artifact.kind: artifact.properties for step, _ in lineage.steps() for artifact in step.outputs}
    if teacher := made.get("L2CTeacher"):
        measured = _evaluation(lineage.measured, _TEACHER)
        accuracy = f", accuracy {percent(measured.get('accuracy'))}" if measured else ""
        yield "teacher", f"{teacher.get('source_uri')}, {_digest(teacher)}{accuracy}"
    if examples := made.get("L2CExamples"):
        yield "data", f"{examples.get('source_uri')}, {_digest(examples)}"
        yield "", counts_of_examples(examples)


def _steps(lineage: Lineage) -> Rows:
    for step, artifacts in lineage.steps():
        yield step.step, "; ".join(map(_made, artifacts))


def _made(artifact: LineageArtifact) -> str:
    known = artifact.properties
    has_accuracy = artifact.kind == "L2CStudent" and "accuracy" in known
    accuracy = f", accuracy {percent(known['accuracy'])}" if has_accuracy else ""
    return f"{artifact.key} {_digest(known, artifact.artifact_id)}{accuracy}"


def _evaluation(artifacts: tuple[LineageArtifact, ...], student: str) -> Mapping[str, Any]:
    """Returns what was measured last on a student's file; empty where nothing was.

    Args:
      artifacts: Evaluations, and others.
      student: Its name, or "teacher".
    """
    found = [one.properties for one in artifacts if one.kind == "L2CEvaluation"]
    return next((known for known in reversed(found) if known.get("student") == student), {})


def _digest(known: Mapping[str, Any], artifact_id: int | None = None) -> str:
    """Returns an artifact's digest in short, or its number where it has none.

    Args:
      known: Its properties.
      artifact_id: Its number in ML Metadata; `None` to say that there is no digest.
    """
    found = next((str(known[name]) for name in _DIGESTS if known.get(name)), "")
    if found:
        return short_digest(found)
    return "digest not recorded" if artifact_id is None else f"(artifact {artifact_id})"


def _setting(value: Any) -> str:
    """Returns a setting as text; of mappings in a list, what nobody set is left out."""
    if isinstance(value, list):
        value = [_without_none(entry) for entry in value]
    return setting_text(value)


def _without_none(entry: Any) -> Any:
    return {key: below for key, below in entry.items() if below is not None} if isinstance(entry, Mapping) else entry


def _table(rows: Rows | list[tuple[str, str]], indent: int = 0) -> Table:
    """Returns two columns without lines: the first as wide as its longest text, the second folded.

    Args:
      rows: Of both.
      indent: Columns that are left free before the first.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        # Texts, not markup: paths and names may have brackets in them.
        table.add_row(Text(" " * indent + name), Text(text))
    return table
