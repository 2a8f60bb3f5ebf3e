"""A teacher is looked at for its input and classes, and its input scaling is found by labelled images."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from learn2compress.config import DataFormat, InputScaling
from learn2compress.config.file import load_config, parse_config
from learn2compress.config.parsing import ConfigError
from pipelines.preflight import check_compiled
from pipelines.starter.making import make_starter
from pipelines.starter.request import StarterRequest
from pipelines.starter.teacher import looked_at
from pipelines.starter.writing import write_starter

SHADES = {"dark": 40, "grey": 128, "light": 215}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Shades of grey by their names, 16x16."""
    random = np.random.default_rng(0)
    for name, shade in SHADES.items():
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(20):
            pixels = np.clip(shade + random.normal(0, 8, (16, 16)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    return tmp_path / "images"


def save_teacher(path: Path, order: tuple[int, ...] = (0, 1, 2), num_outputs: int = 3, shape: Any = (8, 8, 1)) -> Path:
    """Tells the shades apart where pixels come as -1..1: its logits are the mean's negative, a constant, the mean."""
    inputs = keras.Input(shape)
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(num_outputs)
    model = keras.Model(inputs, dense(mean))
    kernel, bias = np.zeros((shape[2], num_outputs), np.float32), np.full(num_outputs, -9.0, np.float32)
    kernel[:, :3], bias[:3] = np.array([-1, 0, 1])[list(order)] / shape[2], np.array([0, 0.35, 0])[list(order)]
    dense.set_weights([kernel, bias])
    model.save(path)
    return path


def request_of(tmp_path: Path, **more: Any) -> StarterRequest:
    return StarterRequest(tmp_path / "l2c.yaml", teacher_uri=str(tmp_path / "teacher.keras"), **more)


def test_shape_scaling_and_classes_come_from_teacher_and_images(images: Path, tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras")
    starter = make_starter(request_of(tmp_path, data_uri=str(images)))
    write_starter(starter, tmp_path / "l2c.yaml")
    config = load_config(tmp_path / "l2c.yaml")
    assert config.task.input_shape == (8, 8, 1)
    assert config.data.resize is not None  # the images are larger
    assert config.teacher.uri == str(tmp_path / "teacher.keras")
    assert config.teacher.input_scaling == InputScaling(multiply=1 / 127.5, add=-1.0)
    assert config.teacher.classes == ()
    assert starter.to_set == ()
    assert starter.notes[0] == "teacher: input_scaling tried out: right on 100% of 60 labelled images"
    # No student is smaller than a mean and three weights.
    assert starter.notes[1].startswith("teacher: it has 0.0 million MACs, fewer than large's ")
    assert not [sentence for sentence in check_compiled(config) if "teacher" in sentence]


def test_another_order_of_outputs_is_found(images: Path, tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras", order=(2, 0, 1))
    config = parse_config(make_starter(request_of(tmp_path, data_uri=str(images))).text)
    assert config.teacher.classes == ("light", "dark", "grey")
    assert config.teacher.input_scaling == InputScaling(multiply=1 / 127.5, add=-1.0)


def test_a_teacher_of_any_size_takes_the_images_as_they_are(images: Path, tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras", shape=(None, None, 1))
    config = parse_config(make_starter(request_of(tmp_path, data_uri=str(images))).text)
    assert (config.task.input_shape, config.data.resize) == ((16, 16, 1), None)


def test_outputs_of_more_classes_are_to_be_filled_in(images: Path, tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras", num_outputs=1000)
    starter = make_starter(request_of(tmp_path, data_uri=str(images)))
    assert starter.to_set == ("teacher.outputs",)
    with pytest.raises(ConfigError, match=r"teacher\.outputs"):
        parse_config(starter.text)
    filled = starter.text
    for number, name in enumerate(SHADES):
        filled = filled.replace(f'"{name}": null', f'"{name}": {number}')
    assert parse_config(filled).teacher.outputs == {"dark": 0, "grey": 1, "light": 2}


def test_without_images_the_teacher_tells_shape_and_number_of_classes(tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras", num_outputs=7, shape=(24, 20, 3))
    starter = make_starter(request_of(tmp_path))
    assert parse_config(starter.text).task.input_shape == (24, 20, 3)
    assert "and 7 classes:" in starter.text
    assert starter.to_set == ("data",)


def test_students_are_smaller_than_a_small_teacher(images: Path, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), *map(keras.layers.Dense, (400, 200, 3))])
    model.save(tmp_path / "teacher.keras")
    small = parse_config(make_starter(request_of(tmp_path, data_uri=str(images))).text)
    without = StarterRequest(tmp_path / "l2c.yaml", data_uri=str(images), input_shape="8x8")
    alone = parse_config(make_starter(without).text)
    assert small.constraints.max_model_bytes is not None
    assert alone.constraints.max_model_bytes is not None
    assert small.constraints.max_model_bytes < alone.constraints.max_model_bytes
    assert small.constraints.max_model_bytes <= 1.1 * model.count_params()


def test_students_have_fewer_operations_than_the_teacher(tmp_path: Path) -> None:
    layers = [keras.layers.Conv2D(32, 3, padding="same"), keras.layers.Conv2D(128, 3, padding="same")]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    keras.Sequential([keras.Input((32, 32, 3)), *layers, *head]).save(tmp_path / "teacher.keras")
    macs = 32 * 32 * 9 * (3 * 32 + 32 * 128) + 128 * 10
    request = request_of(tmp_path, max_model_bytes=200_000)
    with looked_at(request.teacher_uri or "") as look:
        assert look.macs == macs
    starter = make_starter(request)
    found = re.search(r"large: .* ([\d.]+) million multiply-accumulate", starter.student_lines[0])
    assert found is not None
    assert float(found[1]) * 1e6 <= macs / 2
    alone = make_starter(dataclasses.replace(request, teacher_uri=None, input_shape="32x32x3"))
    assert alone.student_lines[0] != starter.student_lines[0]
    assert starter.notes == ()


def test_data_in_splits_are_named_by_their_parts(images: Path, tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras")
    for name in ("train", "test"):
        (tmp_path / "all" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "all" / name).symlink_to(images)
    config = parse_config(make_starter(request_of(tmp_path, data_uri=str(tmp_path / "all"))).text)
    assert config.data.uri == str(tmp_path / "all" / "train")
    assert config.data.held_out_uri == str(tmp_path / "all" / "test")


def test_digits_are_looked_at_too(tmp_path: Path) -> None:
    save_teacher(tmp_path / "teacher.keras", num_outputs=10)
    starter = make_starter(request_of(tmp_path, data_format=DataFormat.DIGITS))
    assert parse_config(starter.text).data.format is DataFormat.DIGITS
    assert "labelled images" in starter.text


@pytest.mark.parametrize(
    ("shape", "said", "message"),
    [
        ((8,), None, r"--teacher: .* found an input of shape \[8\], accepted is one of \[height, width, 1 or 3\]"),
        ((8, 8, 1), "16x16x1", "--input-shape: found 16x16x1, accepted is 8x8x1: what the teacher takes"),
        ((None, None, 3), "16x16x1", "accepted is anyxanyx3: what the teacher takes"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, shape: Any, said: str | None, message: str) -> None:
    inputs = keras.Input(shape)
    hidden = keras.layers.GlobalAveragePooling2D()(inputs) if len(shape) == 3 else inputs
    keras.Model(inputs, keras.layers.Dense(3)(hidden)).save(tmp_path / "teacher.keras")
    with pytest.raises(ConfigError, match=message):
        make_starter(request_of(tmp_path, input_shape=said))


def test_a_teacher_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--teacher: .*teacher\.keras"):
        make_starter(request_of(tmp_path))
