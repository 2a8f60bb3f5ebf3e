"""The file of a student as it ships: packed once, with metadata that name the family, the student and its classes."""

from __future__ import annotations

from dataclasses import dataclass

from learn2compress import __version__
from learn2compress.config import QuantizationRecipe, TaskConfig
from learn2compress.litert.metadata import with_metadata
from learn2compress.litert.rewrite import UnpackedModel

_IN_WORDS = {
    QuantizationRecipe.FLOAT32: "float32",
    QuantizationRecipe.FLOAT16: "float16 weights",
    QuantizationRecipe.DYNAMIC_INT8: "int8 weights",
    QuantizationRecipe.INT8_PTQ: "full int8",
    QuantizationRecipe.INT8_QAT: "full int8",
    QuantizationRecipe.INT16_ACTIVATIONS: "int8 weights and int16 activations",
    QuantizationRecipe.INT4_WEIGHTS: "int4 weights and int8 activations",
    QuantizationRecipe.MIXED: "mixed precision",
}


@dataclass(frozen=True)
class StudentDescription:
    """What the files of one student say about it.

    Attributes:
      family_name: What the students of a run are called together.
      student_name: The student's own name.
      labels: Class names in index order.
      task: What the student takes.
      contact: Whom to ask about it; empty where nobody is named.
      license: Its licence; empty where none is named.
    """

    family_name: str
    student_name: str
    labels: tuple[str, ...]
    task: TaskConfig
    contact: str = ""
    license: str = ""


def pack_student_file(model: UnpackedModel, recipe: QuantizationRecipe, description: StudentDescription) -> bytes:
    """Packs a file as it ships, with metadata.

    Args:
      model: Takes uint8 and returns scores.
      recipe: Its number formats.
      description: What it says about itself.

    Returns:
      The `.tflite` file, its labels in a ZIP behind it.

    Raises:
      ConfigError: labels or task don't fit the model.
    """
    student, family = description.student_name, description.family_name
    return with_metadata(
        model,
        name=f"{family} {student}",
        description=f"Student {student!r} of the family {family!r}, compressed to {_IN_WORDS[recipe]}.",
        version=__version__,
        labels=description.labels,
        task=description.task,
        author=description.contact,
        license=description.license,
    )
