"""Two runs side by side: what they measured, what they pushed, and what was set otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from learn2compress.report.formatting import byte_size, percent, points, quantity
from learn2compress.results.reports import FamilyReport, ModelReport
from pipelines.settings_by_path import changed_settings, in_effect, setting_text, settings_by_path, student_names

_NOT_SET = "not set"
_DATA, _CONFIG = "data_sha256", "config_sha256"


@dataclasses.dataclass(frozen=True)
class ModelChange:
    """A model of one run beside the model of this name of another; `None` where a run has none.

    Attributes:
      name: The student, or "teacher".
      top_1: Accuracies, 0..1.
      model_bytes: Sizes of the files.
      download_bytes: Sizes of the files after gzip.
      macs: Multiply-accumulate operations of one inference.
      is_pushed: Whether each left; of the teacher false.
      is_same_file: Whether they are the same bytes.
    """

    name: str
    top_1: tuple[float | None, float | None]
    model_bytes: tuple[int | None, int | None]
    download_bytes: tuple[int | None, int | None]
    macs: tuple[int | None, int | None]
    is_pushed: tuple[bool, bool]
    is_same_file: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """Returns what differs in costs that the table has no column for, a line each; nothing if one run lacks it."""
        costs = (("download", self.download_bytes, byte_size), ("multiply-accumulates", self.macs, quantity))
        return tuple(
            f"{self.name}, {cost}: {shown(one)} -> {shown(other)}"
            for cost, (one, other), shown in costs
            if one is not None and other is not None and shown(one) != shown(other)
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
      models: The teacher first.
      settings: Values of each run by the path of what is set otherwise, such as "training.epochs"; "not set" for one
        that a run does not have.
      provenance: Digests that differ, by name; that of the configuration is left out.
    """

    models: tuple[ModelChange, ...]
    settings: dict[str, tuple[Any, Any]]
    provenance: dict[str, tuple[str, str]]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain mappings, for JSON."""
        return dataclasses.asdict(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Returns what differs and stands in no column of the table, a line each."""
        changed = ((path, setting_text(one), setting_text(other)) for path, (one, other) in self.settings.items())
        lines = [f"{path}: {one} -> {other}" for path, one, other in changed]
        words = {_DATA: "data", "teacher_sha256": "teacher", "code_sha256": "code"}
        for name, (one, other) in self.provenance.items():
            lines.append(f"{words.get(name, name)}: {one[:12]} -> {other[:12]}")
        if _DATA in self.provenance:
            lines.append("the held-out examples may be others, too: compare the accuracies with care")
        lines += [line for model in self.models for line in model.sentences]
        return tuple(lines) or ("the same configuration, data, teacher and code",)


def compare(one: FamilyReport, other: FamilyReport) -> Comparison:
    """Compares two runs.

    Args:
      one: What the first measured and decided.
      other: What the second did.
    """
    return Comparison(
        models=tuple(_model_changes(one, other)),
        settings=_setting_changes(one.config, other.config),
        provenance={
            name: (one.provenance.get(name, ""), other.provenance.get(name, ""))
            for name in dict.fromkeys([*one.provenance, *other.provenance])
            if name != _CONFIG and one.provenance.get(name) != other.provenance.get(name)
        },
    )


def comparison_table(comparison: Comparison, names: tuple[str, str]) -> Table:
    """Returns the figures of two runs as a table for a terminal of 60 columns or more.

    Args:
      comparison: From `compare`.
      names: Of the runs, such as "1" and "2".
    """
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column("model", overflow="fold")
    for heading in (f"top-1 ({names[0]})", f"({names[1]})", "points", f"size ({names[0]})", f"({names[1]})"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("pushed", overflow="fold")
    for model in comparison.models:
        one, other = model.top_1
        cells = (
            model.name,
            _or_dash(one, percent),
            _or_dash(other, percent),
            "" if one is None or other is None else points(other - one),
            _or_dash(model.model_bytes[0], byte_size),
            "same file" if model.is_same_file else _or_dash(model.model_bytes[1], byte_size),
            _pushed(model, names),
        )
        table.add_row(*map(Text, cells))
    return table


def _setting_changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    before, after = settings_by_path(one), settings_by_path(other)
    came_or_went = set(student_names(one)) ^ set(student_names(other))
    changes: dict[str, tuple[Any, Any]] = {}
    for path in dict.fromkeys([*before, *after]):
        whole = next((f"students.{name}" for name in came_or_went if path.startswith(f"students.{name}.")), None)
        if whole in changes:
            continue
        if whole is not None:
            # All that the student is, in one line: defaults tell nothing.
            changes[whole] = (_changed_below(whole, one), _changed_below(whole, other))
            continue
        change = in_effect(path, before, _NOT_SET), in_effect(path, after, _NOT_SET)
        # Where one side has an empty mapping, what follows has the keys of the other.
        if change[0] != change[1] and {} not in change:
            changes[path] = change
    return changes


def _changed_below(path: str, config: Mapping[str, Any]) -> Any:
    """Returns what a student has that is not the default, or that there is none.

    Args:
      path: "students." and its name.
      config: As `to_dict` has it.
    """
    if path.removeprefix("students.") not in student_names(config):
        return _NOT_SET
    changed, prefix = changed_settings(config), f"{path}."
    return {key.removeprefix(prefix): value for key, value in changed.items() if key.startswith(prefix)}


def _model_changes(one: FamilyReport, other: FamilyReport) -> Iterator[ModelChange]:
    sides = [{report.teacher.name: report.teacher} | {s.name: s for s in report.students} for report in (one, other)]
    selected = [{verdict.name for verdict in report.verdicts if verdict.selected} for report in (one, other)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        first, second = sides[0].get(name), sides[1].get(name)
        yield ModelChange(
            name,
            (_top_1(first), _top_1(second)),
            _both(first, second, "model_bytes"),
            _both(first, second, "download_bytes"),
            _both(first, second, "macs"),
            (name in selected[0], name in selected[1]),
            first is not None and second is not None and first.model_sha256 == second.model_sha256,
        )


def _top_1(report: ModelReport | None) -> float | None:
    return None if report is None else report.accuracy.top_1


def _both(first: ModelReport | None, second: ModelReport | None, name: str) -> tuple[int | None, int | None]:
    one, other = (None if report is None else getattr(report, name) for report in (first, second))
    return one, other


def _or_dash(value: Any, shown: Any) -> str:
    return "-" if value is None else str(shown(value))


def _pushed(model: ModelChange, names: tuple[str, str]) -> str:
    match model.is_pushed:
        case (True, True):
            return "both"
        case (True, False):
            return names[0]
        case (False, True):
            return names[1]
    return ""
