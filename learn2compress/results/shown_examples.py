"""Held-out examples that people are shown beside the figures, with what teacher and student predict."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum

# Written by this package alone; whatever else a damaged or forged file holds never reaches a page.
_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


class ExampleGroup(StrEnum):
    """Why an example is shown; the first that holds."""

    MISTAKE = "mistake"
    """The student is wrong, and surest of it."""
    TEACHER_ONLY = "teacher_only"
    """The teacher alone is right."""
    STUDENT_ONLY = "student_only"
    """The student alone is right."""
    CORRECT = "correct"
    """The student is right: one of its class."""
    CONFUSION = "confusion"
    """One of a cell of the confusion matrix."""


@dataclasses.dataclass(frozen=True)
class ShownExample:
    """One held-out example.

    Attributes:
      group: Why it is shown.
      label: Index of its class.
      predicted: Index of the class that the student predicts.
      confidence: The student's highest score, 0..1.
      teacher_predicted: Index of the class that the teacher predicts.
      teacher_confidence: The teacher's highest score, 0..1.
      source: Where the example came from, its end alone where that is long.
      picture: A small PNG or JPEG as a data URI; `None` for a text.
      text: The text's beginning; `None` for an image.

    Raises:
      ValueError: `picture` is something else.
    """

    group: ExampleGroup
    label: int
    predicted: int
    confidence: float
    teacher_predicted: int
    teacher_confidence: float
    source: str
    picture: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.picture is not None and not _PICTURE.fullmatch(self.picture):
            raise ValueError(f"picture: found {self.picture[:40]!r}, accepted is a PNG or JPEG as a base64 data URI")

    @property
    def num_bytes(self) -> int:
        """Bytes that it adds to a page."""
        return len(self.picture or "") + len((self.text or "").encode()) + len(self.source.encode())
