"""The configuration that `l2c init` writes: stages that suit the images and the budgets, and what they cost."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from learn2compress.config import DataConfig, DataFormat, TaskConfig
from learn2compress.config.parsing import ConfigError, about, parse
from learn2compress.data.image_survey import ImageSurvey, survey_images
from learn2compress.search.stages_for_budget import ResNetFamily, StudentSize, resnet_family
from learn2compress.students.resnet_cost import first_stage_size

_DEFAULT_SHAPE = (32, 32, 3)
_DEFAULT_CLASSES = 10
_DEFAULT_URI = "data/train"
# A file's size is known within some per cent before its labels are.
_ROOM_IN_CONSTRAINT = 1.03
_SHAPE = re.compile(r"(\d+)x(\d+)(?:x(\d+))?")

Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class StarterRequest:
    """What a person says about the students to start with.

    Attributes:
      path: The file that is written; paths in it are relative to its folder.
      data_format: How the examples are stored.
      data_uri: Where the examples are; `None` where that is to be filled in later.
      input_shape: HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS; `None` for what the examples have.
      num_classes: `None` for those of the examples.
      max_model_bytes: Largest int8 file of the largest student.
      max_macs: Most multiply-accumulate operations of the largest student.
    """

    path: Path
    data_format: DataFormat = DataFormat.IMAGE_FOLDER
    data_uri: str | None = None
    input_shape: str | None = None
    num_classes: int | None = None
    max_model_bytes: int | None = None
    max_macs: int | None = None


@dataclasses.dataclass(frozen=True)
class Starter:
    """A configuration to start with.

    Attributes:
      text: The commented YAML.
      student_lines: What each student will cost, in words.
      has_data: Whether it names examples that are there.
    """

    text: str
    student_lines: tuple[str, ...]
    has_data: bool


def make_starter(request: StarterRequest) -> Starter:
    """Makes a commented configuration.

    Args:
      request: What is known. Where it names data, a few images are looked at.

    Returns:
      A configuration that `load_config` accepts, with the stages of three `resnet` students.

    Raises:
      ConfigError: the data can't be used, their size is not clear, or the smallest students break a budget.
    """
    survey = _survey(request)
    shape = _shape(request.input_shape, survey)
    labels = _labels(request.num_classes, survey)
    budgets = {"max_model_bytes": request.max_model_bytes, "max_macs": request.max_macs}
    family = resnet_family(shape, labels, **budgets)
    lines = _lines(family)
    environment = Environment(
        loader=PackageLoader("pipelines", "configs"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, of numbers and of strings that are quoted below
        keep_trailing_newline=True,
    )
    text = environment.get_template("starter.yaml.j2").render(
        input_shape=shape,
        num_classes=len(labels),
        guessed_classes=request.num_classes is None and (survey is None or survey.labels is None),
        data_format=request.data_format.value,
        data_uri=_uri(request),
        resize=survey is not None and any(found[:2] != shape[:2] for found in survey.shapes),
        student_lines=lines,
        first_size=first_stage_size(*shape[:2]),
        stages=family.stages,
        students=family.students,
        max_model_bytes=request.max_model_bytes or _rounded_up(family.students[0].cost.model_bytes),
        max_macs=request.max_macs,
    )
    return Starter(text, lines, has_data=survey is not None)


def write_starter(starter: Starter, path: Path) -> None:
    """Writes a configuration into a new file.

    Args:
      starter: From `make_starter`.
      path: A file that is not there yet, in a folder that is.

    Raises:
      ConfigError: the file is there, or can't be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter.text)
    except FileExistsError:
        raise ConfigError(f"PATH: {path} is there already, accepted is a new file") from None
    except OSError as error:
        raise ConfigError(f"PATH: {path} can't be written: {error.strerror}") from None


def _survey(request: StarterRequest) -> ImageSurvey | None:
    is_digits = request.data_format is DataFormat.DIGITS
    if request.data_uri is None and not is_digits:
        return None
    with about("--data"):
        return survey_images(parse(DataConfig, {"format": request.data_format.value, "uri": request.data_uri}))


def _shape(said: str | None, survey: ImageSurvey | None) -> Shape:
    found = survey.shapes if survey else (_DEFAULT_SHAPE,)
    channels = max(shape[2] for shape in found)
    if said is None:
        sizes = sorted({shape[:2] for shape in found})
        if len(sizes) > 1:
            (low_height, low_width), (high_height, high_width) = sizes[0], sizes[-1]
            raise ConfigError(
                f"--data: found images of different sizes, {low_height}x{low_width} and {high_height}x{high_width} "
                "pixels among them (height x width), accepted is --input-shape beside them, such as "
                f"{low_height}x{low_width}, to which all are resized"
            )
        return (*sizes[0], channels)
    match = _SHAPE.fullmatch(said)
    if match is None:
        raise ConfigError(f"--input-shape: found {said!r}, accepted is HEIGHTxWIDTHxCHANNELS, such as 32x32x3")
    height, width = int(match[1]), int(match[2])
    shape = (height, width, int(match[3]) if match[3] else channels)
    with about("--input-shape"):
        parse(TaskConfig, {"kind": "image", "input_shape": list(shape)})
    return shape


def _labels(num_classes: int | None, survey: ImageSurvey | None) -> tuple[str, ...]:
    found = survey.labels if survey else None
    if found is not None:
        if num_classes not in (None, len(found)):
            raise ConfigError(f"--num-classes: found {num_classes}, accepted is {len(found)}: what the data have")
        if len(found) < 2:
            raise ConfigError(f"--data: found {len(found)} class, accepted are at least 2")
        return found
    return tuple(f"class_{index:03}" for index in range(num_classes or _DEFAULT_CLASSES))


def _lines(family: ResNetFamily) -> tuple[str, ...]:
    return tuple(_line(student) for student in family.students)


def _line(student: StudentSize) -> str:
    cost = student.cost
    return (
        f"{student.name}: {cost.num_parameters:,} parameters, {cost.macs / 1e6:.1f} million multiply-accumulate "
        f"operations (MACs), a file of about {cost.model_bytes / 1000:.0f} kB"
    )


def _uri(request: StarterRequest) -> str | None:
    """Returns the place of the examples as the file writes it, or `None` where the format has none."""
    if request.data_format is DataFormat.DIGITS:
        return None
    uri = request.data_uri
    if uri is None:
        return _DEFAULT_URI
    if "://" not in uri and not Path(uri).is_absolute():
        uri = Path(os.path.relpath(uri, request.path.parent)).as_posix()
    return json.dumps(uri, ensure_ascii=False)


def _rounded_up(model_bytes: int) -> int:
    step = 10 ** (len(str(model_bytes)) - 2)
    return -(-round(model_bytes * _ROOM_IN_CONSTRAINT) // step) * step
