"""How a table is laid out follows from its first rows and the configuration, or is refused with both readings."""

from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.data.table_layout import (
    NOTHING_DECLARED,
    LayoutError,
    TableLayout,
    TableSettings,
    csv_delimiter,
    parse_rows,
    settle_layout,
)

# Two classes, and texts of several words.
EXAMPLES = [["ham", f"see you at number {n}"] if n % 3 else ["spam", f"win prize number {n}"] for n in range(30)]


def settled(rows: list[list[str]], settings: TableSettings = NOTHING_DECLARED, *, labelled: bool = True) -> TableLayout:
    return settle_layout(rows, ",", DataFormat.CSV, settings, labelled=labelled)


def swapped(rows: list[list[str]]) -> list[list[str]]:
    return [[*reversed(row)] for row in rows]


@pytest.mark.parametrize(
    ("rows", "label", "text"),
    [
        ([["Category", "Message"], *EXAMPLES], 0, 1),
        ([["text", "category"], *swapped(EXAMPLES)], 1, 0),
        ([["review", "sentiment"], *swapped(EXAMPLES)], 1, 0),
        ([["v1", "v2"], *EXAMPLES], 0, 1),
        ([["v1", "v2", "", ""], *([*row, "", ""] for row in EXAMPLES)], 0, 1),
        ([["", "text", "label"], *([str(n), *reversed(row)] for n, row in enumerate(EXAMPLES))], 2, 1),
        ([["id", "tweet", "airline_sentiment"], *([str(n), *reversed(row)] for n, row in enumerate(EXAMPLES))], 2, 1),
        ([["polarity", "what"], ["0", "a bad one"], ["1", "a good one"]], 0, 1),
        ([["kind", "what"], ["0", "a bad one"], ["1", "a good one"]], 0, 1),
        ([["label", "text"], ["ham", "see you"]], 0, 1),
    ],
)
def test_a_header_is_no_example(rows: list[list[str]], label: int, text: int) -> None:
    layout = settled(rows)
    assert layout.header == tuple(rows[0])
    assert (layout.label, layout.text, layout.num_columns) == (label, text, len(rows[0]))
    convention = {"label", "text"} <= set(rows[0])
    assert any("is taken for a header" in note for note in layout.notes) is not convention


@pytest.mark.parametrize(
    "first",
    [
        ["ham", "hello"],
        ["spam", "Message"],
        ["ham", "Is this text a message?"],
        ["rare", "a class that is there once only"],
        ["3", "hello"],
    ],
)
def test_an_example_is_no_header(first: list[str]) -> None:
    layout = settled([first, *EXAMPLES])
    assert (layout.header, layout.label, layout.text) == (None, 0, 1)


def test_few_rows_are_examples_and_it_is_said() -> None:
    layout = settled([["one", "hello"], ["two", "what else is there"]])
    assert layout.header is None
    assert layout.notes == (
        "its first row 'one', 'hello' is read as an example; if it is a header, set data.header: true",
    )
    assert settled([["one", "hello"]]).header is None


@pytest.mark.parametrize(
    "rows",
    [
        # Single words below, so that a single word on top is not odd.
        [["v1", "v2"], *([label, "yes"] for label, _ in EXAMPLES)],
        # A class has the name of a known column.
        [["category", "comment"], *([["category", "topic"][n % 2], "what is it"] for n in range(20))],
    ],
)
def test_what_the_rows_do_not_tell_is_refused_with_both_readings(rows: list[list[str]]) -> None:
    first, found = rows[0], sorted({row[0] for row in rows[1:]})
    settings = TableSettings(label_column=1, text_column=2)
    with pytest.raises(LayoutError) as caught:
        settled(rows, settings)
    assert str(caught.value) == (
        f"its first row {first[0]!r}, {first[1]!r} may be a header (the classes are then {found[0]!r}, {found[1]!r}"
        f"...) or an example of class {first[0]!r}: set data.header to true or to false"
    )
    for header in (True, False):
        settings = TableSettings(header, 1, 2)
        assert (settled(rows, settings).header is not None) is header


@pytest.mark.parametrize(
    ("settings", "is_header", "label", "text"),
    [
        (TableSettings(label_column="Target", text_column="title"), True, 3, 1),
        (TableSettings(label_column=4, text_column="title"), True, 3, 1),
        (TableSettings(header=False, label_column=4, text_column=3), False, 3, 2),
        (TableSettings(header=True, label_column=4, text_column=3), True, 3, 2),
        (TableSettings(label_column=4, text_column=3), True, 3, 2),
    ],
)
def test_columns_are_named_or_numbered(settings: TableSettings, is_header: bool, label: int, text: int) -> None:
    rows = [
        ["id", "title", "abstract", "target"],
        *([str(n), "t", text, label] for n, (label, text) in enumerate(EXAMPLES)),
    ]
    layout = settled(rows, settings)
    assert (layout.header is not None, layout.label, layout.text) == (is_header, label, text)


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (
            [["Class Index", "Title", "Description"], ["3", "a b", "c d"]],
            NOTHING_DECLARED,
            "found columns 'Class Index', 'Title', 'Description', which does not tell text: set data.text_column (its "
            "name, or its number from 1)",
        ),
        (
            [["0", "146", "a text of words"], ["4", "147", "another text"]],
            NOTHING_DECLARED,
            "found 3 columns without names, which does not tell text and label: set data.text_column and "
            "data.label_column (its number from 1)",
        ),
        (
            [["a", "b"], *EXAMPLES],
            TableSettings(text_column="body"),
            "data.text_column is 'body', accepted is one of the columns that its first row names: 'a', 'b'",
        ),
        (EXAMPLES, TableSettings(label_column=3), "data.label_column is number 3, and its rows have 2 columns"),
        (
            [["label", "text"], *EXAMPLES],
            TableSettings(label_column=2),
            "found one column for label and text, number 2",
        ),
        (
            [["label", "text"], *([*row, "x"] for row in EXAMPLES)],
            NOTHING_DECLARED,
            "found a header of 2 columns over ",
        ),
        (
            [["just text"], ["and more"]],
            NOTHING_DECLARED,
            "found one column in its first 2 rows, beginning with 'just ",
        ),
        (
            swapped(EXAMPLES),
            NOTHING_DECLARED,
            "column 1 would be the label and holds 30 different values in 30 rows, such as 'see you at number 1', and "
            "column 2 holds 2, such as 'ham': if the label is there, set data.label_column: 2 and data.text_column: 1",
        ),
    ],
)
def test_columns_that_nothing_tells_are_refused(rows: list[list[str]], settings: TableSettings, message: str) -> None:
    with pytest.raises(LayoutError) as caught:
        settled(rows, settings)
    assert str(caught.value).startswith(message)


def test_labels_that_are_floats_without_fraction_are_told() -> None:
    floats = [[f"{n % 2}.0", text] for n, (_, text) in enumerate(EXAMPLES)]
    assert settled(floats).whole_labels
    assert not settled([*floats, ["0.5", "half"]]).whole_labels
    assert not settled(EXAMPLES).whole_labels


@pytest.mark.parametrize(
    ("rows", "is_header", "text"),
    [
        ([["review"], ["what is it"]], True, 0),
        ([["what is it"], ["and that"]], False, 0),
        ([["id", "message"], ["1", "what is it"]], True, 1),
        ([["id", "tweet_text"], ["1", "what is it"]], True, 1),
        ([["0", "text 2"], ["1", "text 2"]], False, 1),
        ([["a", "what is it"], ["b", "and that"]], False, 1),
    ],
)
def test_without_labels_the_text_is_found(rows: list[list[str]], is_header: bool, text: int) -> None:
    layout = settled(rows, TableSettings(label_column="label"), labelled=False)
    assert (layout.header is not None, layout.label, layout.text) == (is_header, None, text)


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["ham,see you; or not\n", "spam,win\n"], ","),
        (["label;text\n", "ham;see you, or not\n", "spam;win\n", 'ham;"a, b; c"\n'], ";"),
        (["ham\tsee you, or not\n", "spam\twin\n"], "\t"),
        (["ham|see you\n", "spam|win\n"], "|"),
        (["ham;see you, or not\n", "spam;win, now\n", "ham;yes, well\n"], ";"),
        (["ham,see you; or not\n", "spam,win; now\n", "ham,yes; well\n"], ","),
        (["ham\n"], ","),
        ([], ","),
    ],
)
def test_the_separator_divides_the_rows_evenly(lines: list[str], delimiter: str) -> None:
    assert csv_delimiter(lines, labelled=True) == delimiter


def test_rows_are_parsed_as_far_as_they_go() -> None:
    assert parse_rows(["a,b\n", "\n", '"shut"x,4\n', 'c,"d\n', "e,f\n"], ",") == [["a", "b"]]
