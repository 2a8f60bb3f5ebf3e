"""What became of the compression files of a push."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import StrEnum


class FileState(StrEnum):
    """What happened to one file."""

    STARTED = "started"
    FOUND = "found"
    """Its run had been started before."""
    ACCEPTED = "accepted"
    """Checked alone: a push would start it."""
    REFUSED = "refused"
    WAITING = "waiting"
    """What it reads can't be read now."""


@dataclasses.dataclass(frozen=True)
class FileOutcome:
    """What happened to one file.

    Attributes:
      path: In the repository; printable, whatever it was.
      state: What happened.
      detail: One line: what would run, or why not.
      run_id: The server's id of the run; "" without one.
      url: The run's page; "" where it is not known.
    """

    path: str
    state: FileState
    detail: str
    run_id: str = ""
    url: str = ""

    @property
    def line(self) -> str:
        """For people."""
        return " ".join(part for part in (f"{self.path}: {self.state}:", self.detail, self.url) if part)


def markdown_comment(outcomes: Sequence[FileOutcome], commit: str) -> str:
    """Returns a comment for a pull request: Markdown of what a push would start.

    Args:
      outcomes: Of a check.
      commit: Full name.
    """
    if not outcomes:
        return f"Compression: nothing changed at `{commit[:8]}`, no run would start.\n"
    rows = [f"| `{_cell(outcome.path)}` | {outcome.state} | {_cell(outcome.detail)} |" for outcome in outcomes]
    table = "\n".join(["| file | | what would run |", "|---|---|---|", *rows])
    return f"Compression at `{commit[:8]}`, once this is merged:\n\n{table}\n"


def _cell(text: str) -> str:
    # A pull request's author chose some of these letters.
    harmless = text.replace("|", "/").replace("`", "'").replace("<", "(").replace(">", ")").replace("@", "(at)")
    return harmless.replace("[", "(").replace("]", ")")
