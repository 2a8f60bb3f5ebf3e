"""The numbers in the code are those of a real file; neither language is compiled here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from learn2compress.config import TaskConfig, TaskKind
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.border_details import border_details
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.convert import to_float_litert
from learn2compress.report.model_card import render_model_card
from learn2compress.report.phone_code import PhoneCode, phone_code
from learn2compress.results.measurements import TensorDetails
from learn2compress.results.reports import FamilyReport, ModelReport

IMAGE = TaskConfig()
DIGITS = {"format": "digits"}
UINT8_SCORES = TensorDetails("uint8", (1, 10), 0.00390625, 0)


def with_tensors(student: ModelReport, source: TensorDetails, target: TensorDetails) -> ModelReport:
    return dataclasses.replace(student, input_tensor=source, output_tensor=target)


def resized(aspect: str = "stretch", method: str = "bilinear", antialias: bool = True) -> dict[str, Any]:
    return {"format": "npz", "uri": "a.npz", "resize": {"aspect": aspect, "method": method, "antialias": antialias}}


@pytest.fixture
def student(family: FamilyReport) -> ModelReport:
    return with_tensors(family.students[0], TensorDetails("uint8", (1, 8, 8, 1), 1 / 255, 0), UINT8_SCORES)


def code_of(student: ModelReport, task: TaskConfig = IMAGE, data: dict[str, Any] = DIGITS) -> PhoneCode:
    found = phone_code(student, task, data)
    assert found is not None
    for text in (found.kotlin, found.swift):
        assert "{{" not in text
        assert "{%" not in text
        assert "&lt;" not in text
        assert "&#" not in text
        for opening, closing in ("()", "[]", "{}"):
            assert text.count(opening) == text.count(closing)
    return found


def number(text: str, name: str) -> float:
    """The value of a constant in Kotlin or Swift."""
    match = re.search(rf"\b{name}(?:: Float)? = (-?[\d.e-]+)", text)
    assert match, name
    return float(match[1])


@pytest.mark.parametrize(("scores", "shape"), [("uint8", (8, 8, 3)), ("float32", (8, 8, 1)), ("float32", (6, 4, 3))])
def test_the_numbers_are_those_of_the_files_own_tensors(
    scores: str, shape: tuple[int, int, int], student: ModelReport, models: Any
) -> None:
    if scores == "uint8":
        file = UnpackedModel(models.int8)
    else:
        inputs = keras.Input(shape)
        file = to_float_litert(keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(inputs))))
    add_byte_border(file)
    model_bytes = file.pack()
    interpreter = Interpreter(model_content=model_bytes)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert (source["dtype"].__name__, target["dtype"].__name__) == ("uint8", scores)
    height, width, channels = (int(size) for size in source["shape"][1:])
    assert (height, width, channels) == shape
    task = TaskConfig(input_shape=(height, width, channels))
    code = code_of(with_tensors(student, *border_details(model_bytes)), task)

    assert (number(code.kotlin, "HEIGHT"), number(code.kotlin, "WIDTH")) == (height, width)
    assert (number(code.swift, "height"), number(code.swift, "width")) == (height, width)
    assert number(code.kotlin, "CHANNELS") == number(code.swift, "channels") == channels
    assert number(code.kotlin, "NUM_CLASSES") == number(code.swift, "numClasses") == target["shape"][-1]
    for text in (code.kotlin, code.swift):
        assert f"// uint8 {source['shape'].tolist()}" in text
        assert f"{target['dtype'].__name__} {target['shape'].tolist()}" in text
    scale, zero_point = target["quantization"]
    if target["dtype"] is np.uint8:
        assert np.float32(number(code.kotlin, "OUTPUT_SCALE")) == np.float32(scale)
        assert np.float32(number(code.swift, "outputScale")) == np.float32(scale)
        assert number(code.kotlin, "OUTPUT_ZERO_POINT") == number(code.swift, "outputZeroPoint") == zero_point
    else:
        assert "OUTPUT_SCALE" not in code.kotlin
        assert "output.float" in code.kotlin
        assert "bindMemory(to: Float.self)" in code.swift


def test_a_text_takes_features(student: ModelReport) -> None:
    task = TaskConfig(TaskKind.TEXT, (256,))
    source = TensorDetails("uint8", (1, 256), 1 / 255, 0)
    code = code_of(with_tensors(student, source, UINT8_SCORES), task, {"format": "tsv", "uri": "a.tsv"})
    assert number(code.kotlin, "NUM_FEATURES") == number(code.swift, "numFeatures") == 256
    for text in (code.kotlin, code.swift):
        assert "hashed_ngrams of text_features.py" in text
        assert "Bitmap" not in text
        assert "CGImage" not in text


def test_images_are_resized_as_in_the_training(student: ModelReport) -> None:
    stretched = code_of(student)
    assert "createBitmap" not in stretched.kotlin
    assert "maxOf(1.0, scale)" in stretched.kotlin
    assert "max(1.0, scale)" in stretched.swift
    assert "Bitmap.createBitmap(upright, left, top" in code_of(student, data=resized("crop")).kotlin
    assert "drawColor(Color.BLACK)" in code_of(student, data=resized("pad")).kotlin
    assert "val reach = 1.0\n" in code_of(student, data=resized(antialias=False)).kotlin
    assert all(code_of(student, data=resized(method=method)).exact_pixels for method in ("bilinear", "nearest"))


@pytest.mark.parametrize("method", ["bicubic", "lanczos", "area"])
def test_what_the_code_does_not_do_is_said(method: str, student: ModelReport, family: FamilyReport) -> None:
    code = code_of(student, data=resized(method=method))
    assert not code.exact_pixels
    assert f"The model was trained on {method}: port that of image_pixels.py" in code.kotlin
    assert f"The model was trained on {method}: port that of image_pixels.py" in code.swift
    report = dataclasses.replace(
        family, students=(student, *family.students[1:]), config=family.config | {"data": resized(method=method)}
    )
    assert "**The code takes the nearest pixels, where the training resized otherwise**" in render_model_card(
        report, "large"
    )


def test_the_card_holds_both(student: ModelReport, family: FamilyReport) -> None:
    card = render_model_card(dataclasses.replace(family, students=(student, *family.students[1:])), "large")
    code = code_of(student)
    assert f"```kotlin\n{code.kotlin}\n```" in card
    assert f"```swift\n{code.swift}\n```" in card
    assert "class LargeClassifier(context: Context)" in card
    assert card.count("```") == 4
    assert "```" not in render_model_card(family, "medium")


def test_a_file_whose_tensors_are_not_known_or_others_has_no_code(family: FamilyReport, student: ModelReport) -> None:
    assert phone_code(family.students[0], IMAGE, DIGITS) is None
    floats = TensorDetails("float32", (1, 8, 8, 1))
    assert phone_code(with_tensors(student, floats, UINT8_SCORES), IMAGE, DIGITS) is None
    assert phone_code(with_tensors(student, UINT8_SCORES, TensorDetails("int16", (1, 10), 1.0)), IMAGE, DIGITS) is None


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("small_1", "Small1Classifier"),
        ('"); import evil; ("', "ImportEvilClassifier"),
        ("```\n<script>", "ScriptClassifier"),
        ("5", "Student5Classifier"),
        ("!", "StudentClassifier"),
    ],
)
def test_a_hostile_name_stays_inside_its_text(
    name: str, class_name: str, student: ModelReport, family_of: Callable[..., FamilyReport]
) -> None:
    named = dataclasses.replace(student, name=name)
    code = code_of(named)
    assert f"class {class_name}(" in code.kotlin
    assert f"final class {class_name} {{" in code.swift
    for text in (code.kotlin, code.swift):
        assert "evil;" not in text
        assert "```" not in text
        assert "<script" not in text
