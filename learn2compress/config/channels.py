"""Field types of how a trained network takes the channels of an image: scaled alike or each by itself, and their order.

With them the preprocessing of `keras.applications` can be written down: `caffe`
moves each channel of blue, green, red, `torch` divides each by its deviation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator

from learn2compress.config.parsing import ConfigError

AS_LIST = PlainSerializer(lambda value: list(value) if isinstance(value, tuple) else value, return_type=Any)
"""Writes a tuple as a list; Pydantic alone would warn of it where a field takes a number, too."""

_MOST_CHANNELS = 64
_COLOURS = 3


class ChannelOrder(StrEnum):
    """In which order a network takes the colours of a pixel."""

    RGB = "rgb"
    BGR = "bgr"


def _per_channel(smallest: float, largest: float) -> PlainValidator:
    """Returns a validator of a number, or of a list of one number for each channel, which becomes a tuple.

    Args:
      smallest: Of a number.
      largest: Of a number.
    """

    def check(value: Any) -> float | tuple[float, ...]:
        numbers = list(value) if isinstance(value, list | tuple) else [value]
        for number in numbers:
            is_number = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
            if not is_number or not smallest <= number <= largest:
                raise ValueError(
                    f"found {number!r}, accepted is a number from {smallest:g} to {largest:g}, or a list of one for "
                    "each channel"
                )
        if not 1 <= len(numbers) <= _MOST_CHANNELS:
            raise ValueError(f"found {len(numbers)} numbers, accepted are 1 to {_MOST_CHANNELS}, one for each channel")
        return tuple(float(number) for number in numbers) if isinstance(value, list | tuple) else float(value)

    number = Annotated[float, Field(ge=smallest, le=largest)]
    numbers = Annotated[list[number], Field(min_length=1, max_length=_MOST_CHANNELS)]
    return PlainValidator(check, json_schema_input_type=number | numbers)


# What a pixel is multiplied by or moved by; float32 has it with room for what is computed of it.
ChannelMultipliers = Annotated[float | tuple[float, ...], _per_channel(1e-6, 1e6), AS_LIST]
ChannelAddends = Annotated[float | tuple[float, ...], _per_channel(-1e6, 1e6), AS_LIST]


def check_channels(
    num_channels: int, numbers: Mapping[str, float | tuple[float, ...]], order: tuple[str, ChannelOrder]
) -> None:
    """Checks that lists have a number for each channel, and that there are three colours where they are turned round.

    Args:
      num_channels: Of the examples.
      numbers: Numbers or lists, by their field in the configuration.
      order: The field of the order, and the order.

    Raises:
      ConfigError: naming the field.
    """
    for field, value in numbers.items():
        if isinstance(value, tuple) and len(value) != num_channels:
            raise ConfigError(
                f"{field}: found {len(value)} numbers, accepted is one number, or {num_channels}: one for each "
                "channel of task.input_shape"
            )
    if order[1] is ChannelOrder.BGR and num_channels != _COLOURS:
        raise ConfigError(
            f"{order[0]}: found 'bgr' for examples of {num_channels} channels, accepted is 'rgb', or three channels"
        )
