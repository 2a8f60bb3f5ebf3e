from __future__ import annotations

from learn2compress.report.examples import card_groups, cell_links
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

LABELS = ("cat", "dog", "cow")


def example(group: ExampleGroup, label: int, predicted: int) -> ShownExample:
    return ShownExample(group, label, predicted, 0.97, label, 0.5, "a.png", text="meow")


def test_groups_stand_in_the_order_of_what_they_tell() -> None:
    examples = [example(ExampleGroup.CORRECT, 0, 0), example(ExampleGroup.MISTAKE, 0, 1)]
    groups = card_groups("example-0", examples, LABELS)
    assert [group.title for group in groups] == ["Surest mistakes", "Right"]
    card = groups[0].cards[0]
    assert (card.label, card.predicted, card.teacher_predicted) == ("cat", "dog", "cat")
    assert card.description == "cat, which the student takes for dog (97%)"


def test_a_cell_leads_to_the_first_of_its_examples() -> None:
    examples = [
        example(ExampleGroup.CONFUSION, 0, 1),
        example(ExampleGroup.MISTAKE, 0, 1),
        example(ExampleGroup.MISTAKE, 0, 1),
        example(ExampleGroup.MISTAKE, 0, 2),
    ]
    groups = card_groups("example-4", examples, LABELS)
    assert [card.identifier for card in groups[0].cards] == ["example-4-0-1", "", "example-4-0-2"]
    assert [card.identifier for card in groups[1].cards] == [""]
    assert cell_links(groups) == {("cat", "dog"): "example-4-0-1", ("cat", "cow"): "example-4-0-2"}


def test_without_examples_there_is_no_group_and_no_link() -> None:
    assert card_groups("example-0", [], LABELS) == ()
    assert cell_links(()) == {}
