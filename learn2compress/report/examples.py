"""Held-out examples on the page: in groups, each with its class and what student and teacher predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learn2compress.report.formatting import percent
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

Cell = tuple[str, str]
"""True and predicted label of a cell of the confusion matrix."""

_TITLES = {
    ExampleGroup.MISTAKE: ("Surest mistakes", "Where the teacher agrees, look at the label, too."),
    ExampleGroup.TEACHER_ONLY: ("Only the teacher is right", "What compression lost."),
    ExampleGroup.STUDENT_ONLY: ("Only the student is right", ""),
    ExampleGroup.CONFUSION: ("Other confusions", "One of each, the most frequent confusions first."),
    ExampleGroup.CORRECT: ("Right", "Taken at random, one of a class."),
}


@dataclass(frozen=True)
class ExampleCard:
    """One example as it is shown.

    Attributes:
      example: The example.
      label: Its class.
      predicted: The class that the student predicts.
      teacher_predicted: The class that the teacher predicts.
      identifier: Of the first card of a cell, for links; empty for the others.
    """

    example: ShownExample
    label: str
    predicted: str
    teacher_predicted: str
    identifier: str = ""

    @property
    def description(self) -> str:
        """Returns what the card says, for those who don't see its picture."""
        sure = percent(self.example.confidence, 0)
        return f"{self.label}, which the student takes for {self.predicted} ({sure})"


@dataclass(frozen=True)
class CardGroup:
    """Cards that are shown for one reason."""

    title: str
    sentence: str
    cards: tuple[ExampleCard, ...]


def card_groups(key: str, examples: Sequence[ShownExample], labels: Sequence[str]) -> tuple[CardGroup, ...]:
    """Lays examples out in groups, those that tell most first.

    Args:
      key: Prefix of identifiers, unique on the page.
      examples: In the order of their choice.
      labels: Class names in index order.

    Returns:
      Groups that hold at least one card.
    """
    named: set[Cell] = set()
    groups = []
    for group, (title, sentence) in _TITLES.items():
        cards = []
        for example in examples:
            if example.group is group:
                cell = (labels[example.label], labels[example.predicted])
                identifier = "" if cell in named else f"{key}-{example.label}-{example.predicted}"
                named.add(cell)
                cards.append(ExampleCard(example, *cell, labels[example.teacher_predicted], identifier))
        if cards:
            groups.append(CardGroup(title, sentence, tuple(cards)))
    return tuple(groups)


def cell_links(groups: Sequence[CardGroup]) -> dict[Cell, str]:
    """Returns the identifier of the first card of each cell that has one."""
    cards = [card for group in groups for card in group.cards]
    return {(card.label, card.predicted): card.identifier for card in cards if card.identifier}
