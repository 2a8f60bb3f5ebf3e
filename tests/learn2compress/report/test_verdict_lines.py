"""The lines below a table: every reason and note, and a busy machine once."""

from __future__ import annotations

import dataclasses

from learn2compress.report.verdict_lines import verdict_lines
from learn2compress.results.latency import MachineLoad
from learn2compress.results.reports import FamilyReport
from learn2compress.selection.speed import busy_sentence


def test_a_busy_machine_is_told_once_for_all(family: FamilyReport) -> None:
    load = MachineLoad(2.0, waiting_ratio=0.62)
    models = [
        dataclasses.replace(model, latency=dataclasses.replace(model.latency, load=load))
        for model in (family.teacher, *family.students)
    ]
    busy = {model.name: busy_sentence(model.name, model.latency) or "" for model in models}
    verdicts = [
        dataclasses.replace(verdict, reasons=("it is too large",), notes=("it is doubtful", busy[verdict.name]))
        for verdict in family.verdicts
    ]
    *lines, last = verdict_lines(verdicts, models)
    assert lines == [
        f"{verdict.name}: {line}" for verdict in verdicts for line in ("it is too large", "it is doubtful")
    ]
    assert last.startswith(f"{', '.join(busy)}: timed while the machine was busy")


def test_a_quiet_machine_is_not_told(family: FamilyReport) -> None:
    lines = verdict_lines(family.verdicts, (family.teacher, *family.students))
    assert not any("busy" in line for line in lines)
