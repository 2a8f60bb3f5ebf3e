"""The lines below a table of results: why a student was refused, what is doubtful, and a busy machine once for all."""

from __future__ import annotations

from collections.abc import Sequence

from learn2compress.results.reports import ModelReport, Verdict
from learn2compress.selection.speed import busy_sentence


def verdict_lines(verdicts: Sequence[Verdict], models: Sequence[ModelReport]) -> list[str]:
    """Returns the reasons and notes of students, a line each, and one line for all that a busy machine timed.

    Args:
      verdicts: Of the students.
      models: What was measured of the same students and of their teacher.

    Returns:
      Lines that begin with a student's name, or with the names of all that were timed on a busy machine.
    """
    sentences = {model.name: busy_sentence(model.name, model.latency) for model in models}
    lines = [
        f"{verdict.name}: {line}"
        for verdict in verdicts
        for line in (*verdict.reasons, *verdict.notes)
        if line != sentences.get(verdict.name)
    ]
    busy = [name for name, sentence in sentences.items() if sentence is not None]
    if busy:
        lines.append(
            f"{', '.join(busy)}: timed while the machine was busy, so times may be too long; the report says more"
        )
    return lines
