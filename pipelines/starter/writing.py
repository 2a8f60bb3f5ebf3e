"""Writes what `l2c init` found out as commented YAML, and beside it the schema by which editors check it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from learn2compress.config import ChannelOrder, DataFormat, InputScaling, StageConfig, TextFeatures
from learn2compress.config.file import is_utf8, json_schema
from learn2compress.config.parsing import ConfigError
from pipelines.starter.request import Starter, StarterRequest

if TYPE_CHECKING:
    from pipelines.starter.teacher import TeacherFacts, TeacherLook

# Beside the configuration, for editors.
SCHEMA_FILE = "l2c.schema.json"
_DEFAULT_CLASSES = 10
_DEFAULT_URI = "data/train"
_DEFAULT_TEACHER = "teacher.keras"
# A file's size is known within some per cent before its labels are.
_ROOM_IN_CONSTRAINT = 1.03


@dataclasses.dataclass(frozen=True)
class StarterStudent:
    """A student of the configuration, and what it costs.

    Attributes:
      name: Its name.
      num_parameters: Its weights.
      macs: Multiply-accumulate operations of one inference.
      model_bytes: Its int8 file, about.
      stage: The stage after which it leaves the trunk; `None` for the last.
      width: Share of the stages' channels that it has.
    """

    name: str
    num_parameters: int
    macs: int
    model_bytes: int
    stage: int | None = None
    width: float = 1.0

    @property
    def line(self) -> str:
        """Returns its cost in words."""
        return (
            f"{self.name}: {self.num_parameters:,} parameters, {self.macs / 1e6:.1f} million multiply-accumulate "
            f"operations (MACs), a file of about {self.model_bytes / 1000:.0f} kB"
        )


@dataclasses.dataclass(frozen=True)
class StarterValues:
    """What the configuration says, as it was found by looking at images or texts.

    Attributes:
      input_shape: `task.input_shape`.
      labels: Class names in index order.
      has_guessed_classes: Whether nobody said how many classes there are.
      students: The largest first.
      stages: `training.stages`.
      architecture: `training.architecture`.
      look: The teacher; `None` where it is to be filled in later.
      facts: How it takes the examples; `None` where that was not tried out.
      notes: What was found out, a sentence each.
      text_features: Of texts; `None` of images.
      resize: Whether images are resized.
      orientation_comment: On photos that lie on their side.
      first_size: Height and width that the first stage sees, of images.
    """

    input_shape: tuple[int, ...]
    labels: tuple[str, ...]
    has_guessed_classes: bool
    students: tuple[StarterStudent, ...]
    stages: tuple[StageConfig, ...]
    architecture: str
    look: TeacherLook | None
    facts: TeacherFacts | None
    notes: tuple[str, ...]
    text_features: TextFeatures | None = None
    resize: bool = False
    orientation_comment: str = ""
    first_size: tuple[int, int] = (0, 0)


def class_names(num_classes: int | None, found: tuple[str, ...] | None, look: TeacherLook | None) -> tuple[str, ...]:
    """Returns the class names: those of the data, or numbered ones.

    Args:
      num_classes: As it was said; `None` where it was not.
      found: Those of the data in index order; `None` where they don't tell.
      look: The teacher, whose outputs tell the number where nothing else does.

    Raises:
      ConfigError: the data have other classes than was said, or fewer than two.
    """
    if found is not None:
        if num_classes not in (None, len(found)):
            raise ConfigError(f"--num-classes: found {num_classes}, accepted is {len(found)}: what the data have")
        if len(found) < 2:
            raise ConfigError(f"--data: found {len(found)} class, accepted are at least 2")
        return found
    guessed = _DEFAULT_CLASSES if look is None else look.num_classes
    return tuple(f"class_{index:03}" for index in range(num_classes or guessed))


def render(request: StarterRequest, values: StarterValues, apart: Mapping[str, str]) -> Starter:
    """Writes the configuration as text.

    Args:
      request: What a person said.
      values: What was found.
      apart: Where held-out examples and those to choose by are, as the file writes it, by the key of `data`, as far as
        they are apart.

    Returns:
      The configuration, and what to tell.

    Raises:
      ConfigError: the name of data or teacher is not UTF-8 text.
    """
    look, facts, labels = values.look, values.facts, values.labels
    is_unclear = look is not None and not look.fits(len(labels))
    lines = tuple(student.line for student in values.students)
    environment = Environment(
        loader=PackageLoader("pipelines", "configs"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, of numbers and of strings that are quoted below
        keep_trailing_newline=True,
    )
    text = environment.get_template("starter.yaml.j2").render(
        {field.name: getattr(values, field.name) for field in dataclasses.fields(values)},
        schema_file=SCHEMA_FILE,
        num_classes=len(labels),
        data_format=(request.data_format or DataFormat.IMAGE_FOLDER).value,
        data_uri=_data_uri(request),
        held_out_uri=apart.get("held_out_uri"),
        validation_uri=apart.get("validation_uri"),
        columns=_columns(request),
        teacher_uri=_DEFAULT_TEACHER
        if request.teacher_uri is None
        else written_uri(request.teacher_uri, request.path, "--teacher"),
        input_scaling=_scaling_text(InputScaling() if facts is None else facts.scaling),
        scaling_comment="" if facts is None else f" ({facts.sentence})",
        teacher_classes=facts and facts.classes and json.dumps(facts.classes, ensure_ascii=False),
        output_names=[json.dumps(label, ensure_ascii=False) for label in labels] if is_unclear else [],
        num_outputs=look and look.num_outputs,
        student_lines=lines,
        max_model_bytes=request.max_model_bytes or _rounded_up(values.students[0].model_bytes),
        max_macs=request.max_macs,
    )
    to_set = ["teacher"] * (look is None) + ["data"] * (not request.has_data) + ["teacher.outputs"] * is_unclear
    return Starter(text, lines, tuple(to_set), values.notes)


def write_starter(starter: Starter, path: Path) -> None:
    """Writes a configuration into a new file, and beside it the schema by which editors check it.

    Args:
      starter: From `make_starter`.
      path: A file that is not there yet, in a folder that is.

    Raises:
      ConfigError: the file is there, or can't be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter.text)
        path.with_name(SCHEMA_FILE).write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"PATH: {path} is there already, accepted is a new file") from None
    except OSError as error:
        raise ConfigError(f"PATH: {path} can't be written: {error.strerror or error}") from None


def written_uri(uri: str, file: Path, option: str) -> str:
    """Returns a place as the file writes it: relative to its folder, and quoted.

    Args:
      uri: As it was named, relative to the working folder.
      file: The file that is written.
      option: That named it, for messages.

    Raises:
      ConfigError: its name is not UTF-8 text.
    """
    if "://" not in uri and not Path(uri).is_absolute():
        uri = Path(os.path.relpath(uri, file.parent)).as_posix()
    if not is_utf8(uri):
        raise ConfigError(
            f"{option}: found {os.fsencode(uri)!r}, whose name is not UTF-8 text, accepted are names in UTF-8, which "
            "the file and lineage can hold: rename the folder"
        )
    return json.dumps(uri, ensure_ascii=False)


def _data_uri(request: StarterRequest) -> str | None:
    """Returns the place of the examples as the file writes it, or `None` where the format has none."""
    if request.data_format is DataFormat.DIGITS:
        return None
    return _DEFAULT_URI if request.data_uri is None else written_uri(request.data_uri, request.path, "--data")


def _rounded_up(model_bytes: int) -> int:
    step = 10 ** (len(str(model_bytes)) - 2)
    return -(-round(model_bytes * _ROOM_IN_CONSTRAINT) // step) * step


def _scaling_text(scaling: InputScaling) -> str:
    numbers = [
        json.dumps(list(value) if isinstance(value, tuple) else value) for value in (scaling.multiply, scaling.add)
    ]
    order = ", channel_order: bgr" if scaling.channel_order is ChannelOrder.BGR else ""
    return f"{{multiply: {numbers[0]}, add: {numbers[1]}{order}}}"


def _columns(request: StarterRequest) -> Sequence[tuple[str, str]]:
    """Returns the columns of a table that a person named, as the file writes them, by key."""
    named = {"label_column": request.label_column, "text_column": request.text_column}
    return [(key, json.dumps(value, ensure_ascii=False)) for key, value in named.items() if value is not None]
