"""What a student receives, and where the examples are."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize("shape", [[8, 8, 1], [32, 48, 3]])
def test_an_image_has_height_width_and_one_or_three_channels(shape: list[int]) -> None:
    assert parse(TaskConfig, {"input_shape": shape}).kind is TaskKind.IMAGE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_shape": [8, 8]}, "an image task accepts an input_shape of [height, width, 1 or 3]"),
        ({"input_shape": [8, 8, 4]}, "an image task accepts an input_shape of [height, width, 1 or 3]"),
        ({"input_shape": [8, 5000, 1]}, "input_shape.1: found 5000"),
        ({"kind": "text", "input_shape": [8, 8, 1]}, "a text task accepts an input_shape of [number of features]"),
        (
            {"kind": "text", "input_shape": [33], "text_features": "hashed_words"},
            "input_shape: found [33] with hashed_words, accepted is an even number",
        ),
        (
            {"kind": "text", "input_shape": [1026], "text_features": "hashed_words"},
            "input_shape: found [1026] with hashed_words, accepted is an even number up to 1024",
        ),
    ],
)
def test_a_shape_that_the_task_has_not_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TaskConfig, settings)
    assert str(caught.value).startswith(message)


def test_bundled_digits_need_no_uri_and_every_other_format_one() -> None:
    assert parse(DataConfig, {}).format is DataFormat.DIGITS
    for kind in DataFormat:
        settings = {"format": kind.value, "uri": "data"}
        if kind is DataFormat.DIGITS:
            with pytest.raises(ConfigError, match="format 'digits' accepts no uri, found uri='data'"):
                parse(DataConfig, settings)
        else:
            assert parse(DataConfig, settings).uri == "data"
            with pytest.raises(ConfigError, match=f"format '{kind.value}' accepts a uri, found uri=None"):
                parse(DataConfig, {"format": kind.value})


@pytest.mark.parametrize("name", ["held_out_uri", "unlabelled_uri"])
def test_bundled_digits_have_no_further_data(name: str) -> None:
    with pytest.raises(ConfigError, match=f"format 'digits' accepts no {name}"):
        parse(DataConfig, {name: "data"})


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.2])
def test_both_splits_get_something(ratio: float) -> None:
    with pytest.raises(ConfigError, match=f"^held_out_ratio: found {ratio}"):
        parse(DataConfig, {"held_out_ratio": ratio})
