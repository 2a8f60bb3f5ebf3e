"""The usual other ways to feed a teacher, with what to set for each."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TeacherMemberConfig
from learn2compress.teachers.input_scaling import scaled_inputs
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.network import Member
from learn2compress.teachers.readings import Reading, first_rescaling, other_readings


def member(path: Path, scaling: InputScaling, *front: keras.Layer, channels: int = 3, dtype: str = "float32") -> Member:
    layers = [keras.Input((4, 4, channels), dtype=dtype), *front, keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential(layers).save(path)
    return load_member(path, TeacherMemberConfig(str(path), scaling), TaskConfig(input_shape=(4, 4, channels)), 3)


def test_only_other_scalings_are_tried_and_channels_of_colour_alone(tmp_path: Path) -> None:
    loaded = member(tmp_path / "grey.keras", InputScaling(), channels=1)
    grey = list(other_readings(loaded, TaskConfig(input_shape=(4, 4, 1)), "teacher"))
    assert [reading.setting for reading in grey] == [
        "set teacher.input_scaling.multiply to 1",
        "set teacher.input_scaling.multiply to 0.0078431372549 and .add to -1",
    ]
    loaded = member(tmp_path / "colour.keras", InputScaling(0.0039215, 0.0))
    colour = list(other_readings(loaded, TaskConfig(input_shape=(4, 4, 3)), "teacher"))
    orders = [reading.scaling.channel_order for reading in colour]
    assert orders == [ChannelOrder.RGB] * 4 + [ChannelOrder.BGR] * 5
    assert colour[4].setting == "set teacher.input_scaling.channel_order to bgr"


def test_a_teacher_that_takes_bytes_is_not_scaled(tmp_path: Path) -> None:
    loaded = member(tmp_path / "bytes.keras", InputScaling(), keras.layers.Rescaling(1 / 255), dtype="uint8")
    (reading,) = other_readings(loaded, TaskConfig(input_shape=(4, 4, 3)), "teacher")
    assert reading.explanation == "takes the channels as blue, green, red"
    assert reading.setting == "set teacher.input_scaling.channel_order to bgr"


@pytest.mark.parametrize("now", [InputScaling(), InputScaling(1.0, (-20.0, 0.0, 3.0), ChannelOrder.BGR)])
@pytest.mark.parametrize("order", list(ChannelOrder))
def test_inputs_become_what_the_reading_wants_by_the_scaling_that_is_applied(
    now: InputScaling, order: ChannelOrder
) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    wanted = InputScaling(1 / 127.5, (-1.0, -2.0, -3.0), order)
    fed = scaled_inputs(Reading(wanted, "", "", 0).inputs(raw, now), now)
    np.testing.assert_allclose(fed, scaled_inputs(raw, wanted), atol=1e-4)


def test_a_rescaling_in_front_is_named_by_its_kind(tmp_path: Path) -> None:
    rescaled = member(tmp_path / "t.keras", InputScaling(), keras.layers.Normalization(mean=100.0, variance=50.0))
    reading = next(other_readings(rescaled, TaskConfig(input_shape=(4, 4, 3)), "teacher.ensemble.0"))
    assert reading.explanation == "has a Normalization in front, which rescales already"
    assert reading.setting == "set teacher.ensemble.0.input_scaling.multiply to 1"


def test_it_is_found_in_front_alone_and_in_nested_models() -> None:
    rescaling, dense = keras.layers.Rescaling(1 / 255), keras.layers.Dense(3)
    inner = keras.Sequential([keras.Input((4,)), rescaling, dense])
    assert first_rescaling(inner) == "Rescaling"
    assert first_rescaling(keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.1), inner])) == "Rescaling"
    behind = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Rescaling(2.0)])
    assert first_rescaling(behind) is None
