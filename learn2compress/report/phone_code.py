"""Code for an Android and an iOS application that runs one file, with that file's own shapes, types and scales."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from learn2compress.config import DataConfig, ExifOrientation, ResizeConfig, ResizeMethod, TaskConfig, TaskKind
from learn2compress.config.parsing import parse
from learn2compress.results.measurements import TensorDetails
from learn2compress.results.reports import ModelReport

# What the files that ship take and return; see `learn2compress.litert.border`.
_INPUT_TYPE = "uint8"
_OUTPUT_TYPES = ("uint8", "float32")


@dataclass(frozen=True)
class PhoneCode:
    """A class of each language that classifies with one file.

    Attributes:
      kotlin: For Android, on LiteRT's `InterpreterApi`.
      swift: For iOS, on TensorFlowLite's `Interpreter`.
      exact_pixels: Whether the code makes the pixels that the student was trained on of an image of any size, to
        within 1 of 255.
      wants_upright: Whether photos have to be turned upright before, as those of the training were.
    """

    kotlin: str
    swift: str
    exact_pixels: bool
    wants_upright: bool


def phone_code(student: ModelReport, task: TaskConfig, data: Mapping[str, Any]) -> PhoneCode | None:
    """Writes the code for one file.

    Args:
      student: What was measured on it.
      task: What it takes.
      data: The `data` of a configuration, as plain mappings: how images were resized.

    Returns:
      The code; `None` where an older version did not record the file's tensors, or for a file with another border.
    """
    source, target = student.input_tensor, student.output_tensor
    if source is None or target is None or source.dtype != _INPUT_TYPE or target.dtype not in _OUTPUT_TYPES:
        return None
    config = parse(DataConfig, dict(data), "data")
    resize = config.resize or ResizeConfig()
    is_image = task.kind is TaskKind.IMAGE
    values = {
        # A name that a stranger made up can't leave the text that it is in.
        "stem": re.sub(r"[^A-Za-z0-9_]", "_", student.name),
        "class_name": _class_name(student.name),
        "is_image": is_image,
        "input": source,
        "output": target,
        "num_classes": target.shape[-1],
        "scale": _scale_of(target),
        "text_features": None if is_image else task.text_features.value,
        "aspect": resize.aspect.value,
        "method": resize.method.value,
        "smooth": resize.method is ResizeMethod.BILINEAR,
        "antialias": resize.antialias,
    }
    if is_image:
        values |= dict(zip(("height", "width", "channels"), source.shape[1:], strict=True))
    else:
        values["num_features"] = source.shape[-1]
    exact = resize.method in (ResizeMethod.BILINEAR, ResizeMethod.NEAREST)
    kotlin, swift = _render("classifier.kt.j2", values), _render("classifier.swift.j2", values)
    return PhoneCode(kotlin, swift, exact, config.exif is ExifOrientation.APPLY)


def _class_name(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return f"{joined if joined[:1].isalpha() else f'Student{joined}'}Classifier"


def _scale_of(tensor: TensorDetails) -> str:
    """Returns a scale as both languages write it, to the last bit of its float32."""
    return repr(tensor.scale if tensor.scale is not None else 1.0)


def _render(template: str, values: Mapping[str, Any]) -> str:
    # Every value is a number, a word of ours, or a name of which letters and digits are left: nothing is escaped.
    environment = Environment(
        loader=PackageLoader("learn2compress.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)
