"""A number, or one for each channel; and whether they are as many as the examples have."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from learn2compress.config import ChannelOrder, InputScaling, PretrainedConfig
from learn2compress.config.channels import check_channels
from learn2compress.config.parsing import ConfigError, parse, to_dict


def test_a_number_and_a_list_come_back_as_they_were_written() -> None:
    written = {"multiply": 2.0, "add": [1.0, -2.0, 3.5], "channel_order": "bgr"}
    scaling = parse(InputScaling, written)
    assert scaling == InputScaling(2.0, (1.0, -2.0, 3.5), ChannelOrder.BGR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert to_dict(scaling) == written
    pretrained = parse(PretrainedConfig, {"uri": "a.keras", "exits": ["a"], "input_multiply": [1, 2, 3]})
    assert pretrained.input_multiply == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"multiply": [1.0, 0.0]}, "multiply: found 0.0, accepted is a number from 1e-06 to 1e+06, or a list of one"),
        ({"multiply": "1"}, "multiply: found '1', accepted is a number"),
        ({"add": [True]}, "add: found True, accepted is a number"),
        ({"add": []}, "add: found 0 numbers, accepted are 1 to 64"),
        ({"channel_order": "grb"}, "channel_order: found \"grb\", accepted: 'rgb' or 'bgr'"),
    ],
)
def test_what_is_no_number_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(InputScaling, settings)
    assert str(caught.value).startswith(message)


def test_lists_have_a_number_for_each_channel_and_colours_are_three() -> None:
    rgb, bgr = ("x.channel_order", ChannelOrder.RGB), ("x.channel_order", ChannelOrder.BGR)
    check_channels(3, {"x.multiply": (1.0, 2.0, 3.0), "x.add": 0.5}, bgr)
    check_channels(1, {"x.multiply": (1.0,)}, rgb)
    with pytest.raises(ConfigError, match=r"^x.add: found 2 numbers, accepted is one number, or 3: one for each"):
        check_channels(3, {"x.multiply": 1.0, "x.add": (1.0, 2.0)}, rgb)
    with pytest.raises(ConfigError, match=r"^x.channel_order: found 'bgr' for examples of 1 channels"):
        check_channels(1, {}, bgr)
