from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from learn2compress.results.reports import read_json, write_json
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

EXAMPLE = ShownExample(ExampleGroup.MISTAKE, 3, 8, 0.97, 3, 0.9, "3/1.png", "data:image/png;base64,iVBORw0=")


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    examples = (EXAMPLE, dataclasses.replace(EXAMPLE, picture=None, text="play <b>jazz</b>"))
    write_json(tmp_path / "examples.json", examples)
    assert read_json(tuple[ShownExample, ...], tmp_path / "examples.json") == examples


@pytest.mark.parametrize(
    "picture",
    [
        "https://example.org/tracker.png",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zz4=",
        'data:image/png;base64,iVBORw0=" onerror="alert(1)',
        "javascript:alert(1)",
    ],
)
def test_a_file_with_another_picture_is_refused(picture: str, tmp_path: Path) -> None:
    write_json(tmp_path / "examples.json", [dataclasses.asdict(EXAMPLE) | {"picture": picture}])
    with pytest.raises(ValidationError, match="picture: found"):
        read_json(tuple[ShownExample, ...], tmp_path / "examples.json")


def test_its_bytes_are_those_of_a_page() -> None:
    assert EXAMPLE.num_bytes == len("data:image/png;base64,iVBORw0=") + len("3/1.png")
    assert dataclasses.replace(EXAMPLE, picture=None, text="é").num_bytes == 2 + len("3/1.png")
