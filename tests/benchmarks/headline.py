"""Do finished runs reach the accuracies at size that this project is to be measured by?

    python tests/benchmarks/headline.py RUN [RUN ...]

Each RUN is the root of `l2c run` (its latest run that reached the Pusher), a pushed version, or a `family.json`.
Every figure is that of the run's own report; nothing is measured here. A row is met by one student alone, which was
pushed, multiplies in 8 bits throughout and was measured on the whole test set. Where the report claims no speed, as the
machine was too busy, `times_faster` is null, and a row that asks for it is not met.

The last line printed is one JSON object. `students` has the figures of each; `teacher` those of the teacher (of the
first run), and is null where the runs have different ones; `teachers` has the teacher of each run. `meets` says of each
row whether it is met, and `met_by` by which students.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from learn2compress.config.parsing import ConfigError
from learn2compress.report.formatting import divided
from learn2compress.report.table import results_table
from learn2compress.results.measurements import Arithmetic
from learn2compress.results.reports import FAMILY_FILE, FamilyReport, ModelReport, read_json
from learn2compress.selection.speed import allows_claim

MIN_EXAMPLES = 10_000
"""Images of the test set of CIFAR-10, which is what rows speak of."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What one student has to reach.

    Attributes:
      top_1: Accuracy at least, 0..1.
      model_bytes: Size of the file at most; `None` for any.
      macs: Multiply-accumulates at most; `None` for any.
      times_smaller: Bytes of the teacher over those of the student, at least; `None` for any.
      times_faster: The same of their times.
      times_fewer_macs: The same of their multiply-accumulates.
      teacher_top_1: Accuracy of the teacher at least, 0..1; `None` for any.
    """

    top_1: float
    model_bytes: int | None = None
    macs: int | None = None
    times_smaller: float | None = None
    times_faster: float | None = None
    times_fewer_macs: float | None = None
    teacher_top_1: float | None = None


ROWS = {
    "98_kb_and_12.5_m_macs": Row(0.88, model_bytes=98_000, macs=12_500_000),
    "129_kb": Row(0.90, model_bytes=129_000),
    "256_kb_and_25_m_macs": Row(0.913, model_bytes=256_000, macs=25_000_000),
    "94x_smaller_27x_faster_36x_fewer_macs": Row(
        0.90, times_smaller=94.0, times_faster=27.0, times_fewer_macs=36.0, teacher_top_1=0.95
    ),
}


@dataclasses.dataclass(frozen=True)
class Figures:
    """One student beside its teacher.

    Attributes:
      run: Which of the runs it is from.
      top_1: Accuracy of the file, 0..1.
      num_examples: Test examples that it was measured on.
      model_bytes: Size of the file as stored.
      macs: Multiply-accumulates of one inference.
      times_smaller: Bytes of the teacher over those of the student.
      times_faster: Time of the teacher over that of the student; `None` where the report claims nothing.
      times_faster_interval: Interval of that factor, at 95%.
      times_fewer_macs: Multiply-accumulates of the teacher over those of the student; `None` for a teacher or a
        student that has none.
      teacher_top_1: Accuracy of the teacher, 0..1.
      is_int8: Whether all multiply-accumulates are of 8 bits.
      pushed: Whether it satisfied the constraints of its run, and was selected.
    """

    run: str
    top_1: float
    num_examples: int
    model_bytes: int
    macs: int
    times_smaller: float | None
    times_faster: float | None
    times_faster_interval: tuple[float, float] | None
    times_fewer_macs: float | None
    teacher_top_1: float
    is_int8: bool
    pushed: bool


def figures_of(run: str, student: ModelReport, family: FamilyReport) -> Figures:
    """Returns the figures of one student.

    Args:
      run: Which of the runs it is from.
      student: What was measured on it.
      family: The report that it is in.
    """
    teacher, latency = family.teacher, student.latency
    is_faster_by = latency.teacher_ratio > 0 and latency.teacher_ratio_low > 0 and allows_claim(latency)
    multiplying = [use for use in student.operator_uses if use.macs]
    return Figures(
        run=run,
        top_1=student.accuracy.top_1,
        num_examples=student.accuracy.num_examples,
        model_bytes=student.model_bytes,
        macs=student.macs,
        times_smaller=divided(teacher.model_bytes, student.model_bytes),
        times_faster=1 / latency.teacher_ratio if is_faster_by else None,
        times_faster_interval=(1 / latency.teacher_ratio_high, 1 / latency.teacher_ratio_low) if is_faster_by else None,
        times_fewer_macs=divided(teacher.macs, student.macs) if teacher.macs else None,
        teacher_top_1=teacher.accuracy.top_1,
        is_int8=bool(multiplying) and all(use.arithmetic is Arithmetic.INT8 for use in multiplying),
        pushed=any(verdict.selected for verdict in family.verdicts if verdict.name == student.name),
    )


def meets(row: Row, student: Figures) -> bool:
    """Returns whether a student reaches all that a row asks for.

    Args:
      row: What it asks for.
      student: The student's figures.
    """
    at_least = (
        (student.top_1, row.top_1),
        (student.num_examples, MIN_EXAMPLES),
        (student.times_smaller, row.times_smaller),
        (student.times_faster, row.times_faster),
        (student.times_fewer_macs, row.times_fewer_macs),
        (student.teacher_top_1, row.teacher_top_1),
    )
    at_most = ((student.model_bytes, row.model_bytes), (student.macs, row.macs))
    return (
        student.pushed
        and student.is_int8
        and all(limit is None or (found is not None and found >= limit) for found, limit in at_least)
        and all(limit is None or found <= limit for found, limit in at_most)
    )


def read_family(path: Path) -> FamilyReport:
    """Reads the report of a finished run.

    Args:
      path: The root of a run, the folder of a pushed version, or a `family.json`.

    Raises:
      ConfigError: there is none.
    """
    file = path / FAMILY_FILE if path.is_dir() else path
    if file.is_file():
        try:
            family: FamilyReport = read_json(FamilyReport, file)
        except ValueError as error:
            raise ConfigError(
                f"RUN: {file} is not the report of a family: {str(error).splitlines()[0]}; accepted is the "
                f"{FAMILY_FILE} of a pushed version"
            ) from None
        return family
    from pipelines.run_history import outcome_of
    from pipelines.run_root import RunRoot

    root = RunRoot(path.resolve())
    if not root.metadata.is_file():
        raise ConfigError(
            f"RUN: found neither {FAMILY_FILE} nor {root.metadata.name} in {path}, accepted is the root of a run, a "
            f"pushed version or its {FAMILY_FILE}"
        )
    return outcome_of(root, None, None).family


def summarize(families: Mapping[str, FamilyReport]) -> dict[str, Any]:
    """Returns what the last line holds.

    Args:
      families: The reports, by run.

    Returns:
      Plain mappings; a student's name stands with its run before it where two runs have one of that name.
    """
    names = [student.name for family in families.values() for student in family.students]
    students = {
        f"{run}/{student.name}" if names.count(student.name) > 1 else student.name: figures_of(run, student, family)
        for run, family in families.items()
        for student in family.students
    }
    teachers = {run: _teacher_figures(family.teacher) for run, family in families.items()}
    is_one = len({family.teacher.model_sha256 for family in families.values()}) == 1
    met_by = {key: [name for name, found in students.items() if meets(row, found)] for key, row in ROWS.items()}
    return {
        "students": {name: dataclasses.asdict(found) for name, found in students.items()},
        "teacher": next(iter(teachers.values())) if is_one else None,
        "teachers": teachers,
        "meets": {key: bool(found) for key, found in met_by.items()},
        "met_by": met_by,
    }


def _teacher_figures(teacher: ModelReport) -> dict[str, float]:
    return {
        "top_1": teacher.accuracy.top_1,
        "model_bytes": teacher.model_bytes,
        "macs": teacher.macs,
        "latency_ms": teacher.latency.time_ms,
    }


def named_runs(families: Sequence[FamilyReport]) -> dict[str, FamilyReport]:
    """Names each report by its configuration, with a number behind it where several are of one configuration."""
    named: dict[str, FamilyReport] = {}
    for family in families:
        earlier = sum(other.name == family.name for other in named.values())
        named[f"{family.name}_{earlier + 1}" if earlier else family.name] = family
    return named


def main() -> None:
    """Prints a table of each run, one of the rows, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run root, pushed version or family.json")
    arguments = parser.parse_args()
    try:
        families = named_runs([read_family(path) for path in arguments.runs])
    except ConfigError as error:
        parser.error(str(error))
    summary = summarize(families)
    console = Console()
    for run, family in families.items():
        console.print(run, f"(version {family.version}, {family.created})", markup=False, highlight=False)
        console.print(results_table(family))
    rows = Table("one student of", "met by")
    for key, names in summary["met_by"].items():
        rows.add_row(key, ", ".join(names) or "none")
    console.print(rows)
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
