"""What a person says to `l2c init`, and what they get."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from learn2compress.config import DataConfig, DataFormat
from learn2compress.config.parsing import parse


@dataclasses.dataclass(frozen=True)
class StarterRequest:
    """What a person says about the students to start with.

    Attributes:
      path: The file that is written; paths in it are relative to its folder.
      data_format: How the examples are stored; `None` to tell it from their names.
      data_uri: Where the examples are; `None` where that is to be filled in later.
      input_shape: HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS of images, or the number of a text's features; `None` for what
        the teacher takes or the examples have.
      num_classes: `None` for those of the examples.
      max_model_bytes: Largest int8 file of the largest student.
      max_macs: Most multiply-accumulate operations of the largest student.
      teacher_uri: The teacher; `None` where it is to be filled in later.
      label_column: Of a table: its name or its number from 1; `None` to tell it from the rows.
      text_column: Likewise.
    """

    path: Path
    data_format: DataFormat | None = None
    data_uri: str | None = None
    input_shape: str | None = None
    num_classes: int | None = None
    max_model_bytes: int | None = None
    max_macs: int | None = None
    teacher_uri: str | None = None
    label_column: str | int | None = None
    text_column: str | int | None = None

    @property
    def has_data(self) -> bool:
        """Returns whether there are examples to look at."""
        return self.data_uri is not None or self.data_format is DataFormat.DIGITS

    def data_config(self, resize: bool = False) -> DataConfig:
        """Returns the configuration's `data` of examples that are there.

        Args:
          resize: Whether images are resized.
        """
        value: dict[str, Any] = {
            "format": (self.data_format or DataFormat.IMAGE_FOLDER).value,
            "uri": self.data_uri,
            "resize": resize,
            "label_column": self.label_column,
            "text_column": self.text_column,
        }
        config: DataConfig = parse(DataConfig, value)
        return config


@dataclasses.dataclass(frozen=True)
class Starter:
    """A configuration to start with.

    Attributes:
      text: The commented YAML.
      student_lines: What each student will cost, in words.
      to_set: What is still to be filled in, in words; empty for nothing.
      notes: What was found out about the teacher, a sentence each.
    """

    text: str
    student_lines: tuple[str, ...]
    to_set: tuple[str, ...]
    notes: tuple[str, ...] = ()
