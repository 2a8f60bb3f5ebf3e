"""What a student receives, and where the examples are."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import DataConfig, DataFormat, ResizeAspect, ResizeConfig, ResizeMethod, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError, parse, to_dict


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


@pytest.mark.parametrize("name", ["held_out_uri", "validation_uri", "unlabelled_uri"])
def test_bundled_digits_have_no_further_data(name: str) -> None:
    with pytest.raises(ConfigError, match=f"format 'digits' accepts no {name}"):
        parse(DataConfig, {name: "data"})


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.2])
def test_both_splits_get_something(ratio: float) -> None:
    with pytest.raises(ConfigError, match=f"^held_out_ratio: found {ratio}"):
        parse(DataConfig, {"held_out_ratio": ratio})


@pytest.mark.parametrize("column", ["review", 3])
def test_a_column_is_a_name_or_a_number(column: str | int) -> None:
    settings = {"format": "csv", "uri": "a.csv", "text_column": column, "label_column": "label", "header": True}
    assert parse(DataConfig, settings).text_column == column


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "npz", "text_column": "x"}, "format 'npz' accepts no text_column, formats csv and tsv do"),
        ({"format": "tfrecord", "header": False}, "format 'tfrecord' accepts no header, formats csv and tsv do"),
        (
            {"format": "csv", "first_label": 1},
            "format 'csv' accepts no first_label: 1, formats npz, idx and tfrecord do",
        ),
        ({"format": "csv", "header": False, "text_column": "x"}, "header: found false and a column's name"),
        ({"format": "csv", "label_column": 1, "text_column": 1}, "text_column: found 1, which is label_column, too"),
        ({"format": "csv", "label_column": 0}, "label_column"),
        ({"format": "npz", "first_label": 2}, "first_label: found 2"),
        ({"format": "npz", "num_records": 0}, "num_records: found 0"),
    ],
)
def test_settings_of_other_formats_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(DataConfig, {"uri": "data", **settings})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("value", "resize"),
    [
        (False, None),
        (None, None),
        (True, ResizeConfig()),
        ({}, ResizeConfig()),
        ({"aspect": "crop", "antialias": False}, ResizeConfig(ResizeAspect.CROP, antialias=False)),
        ({"method": "area"}, ResizeConfig(method=ResizeMethod.AREA)),
    ],
)
def test_images_are_resized_in_a_kind_or_in_the_default_one(value: object, resize: ResizeConfig | None) -> None:
    data = parse(DataConfig, {"resize": value})
    assert data.resize == resize
    assert parse(DataConfig, to_dict(data)) == data


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"methd": "area"},
            r"^resize.methd: found an unknown key, accepted are aspect, method, antialias; did you mean",
        ),
        ({"method": "cubic"}, r"^resize.method: found \"cubic\", accepted: 'nearest', 'bilinear'"),
        ("stretch", r"^resize: found 'stretch', accepted is true, false or a mapping of aspect, method and antialias$"),
    ],
)
def test_another_way_to_resize_is_refused_by_its_name(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(DataConfig, {"resize": value})


def test_what_only_some_data_have_is_refused_for_others() -> None:
    with pytest.raises(ConfigError, match=r"subfolders: found true with format 'npz', accepted is image_folder"):
        parse(DataConfig, {"format": "npz", "uri": "a.npz", "subfolders": True})
    with pytest.raises(ConfigError, match=r"link_root: found s3://cache, accepted is a local folder"):
        parse(DataConfig, {"format": "image_folder", "uri": "a", "link_root": "s3://cache"})


@pytest.mark.parametrize(
    ("uri", "name"), [("a", "uri"), ("./a/", "uri"), ("b/../a", "uri"), ("b//test", "held_out_uri")]
)
def test_examples_to_choose_by_are_another_place(uri: str, name: str) -> None:
    settings = {"format": "image_folder", "uri": "a", "held_out_uri": "b/test"}
    assert parse(DataConfig, settings | {"validation_uri": "b/val"}).validation_uri == "b/val"
    with pytest.raises(ConfigError, match=f"^validation_uri: found {uri}, which is {name}, too; accepted is another"):
        parse(DataConfig, settings | {"validation_uri": uri})
