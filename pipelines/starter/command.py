"""The verb that writes a configuration to start from: `l2c init`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from learn2compress.command_line.streams import quiet_libraries
from learn2compress.command_line.verbs import COMPRESS
from learn2compress.report.plain_text import without_controls

_COUNTS = {1: "one student", 2: "two students", 3: "three students"}


class ExampleFormat(StrEnum):
    """Those of `learn2compress.config.DataFormat`, which takes long to import."""

    IMAGE_FOLDER = "image_folder"
    NPZ = "npz"
    IDX = "idx"
    TFRECORD = "tfrecord"
    CSV = "csv"
    TSV = "tsv"
    DIGITS = "digits"


def register(app: typer.Typer) -> None:
    """Adds the verb to the command."""
    app.command(rich_help_panel=COMPRESS)(init)


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("l2c.yaml"),
    data: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--data", help="Images or texts to look at for size and classes, and to train on.", show_default=False
        ),
    ] = None,
    teacher: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--teacher",
            help="Teacher to look at for its input and classes; with --data, how it takes them is tried out.",
            show_default=False,
        ),
    ] = None,
    data_format: Annotated[
        Optional[ExampleFormat],  # noqa: UP045
        typer.Option(
            "--format",
            help="Of the data; image_folder has a folder for each class. [default: as the files' names tell]",
            show_default=False,
        ),
    ] = None,
    input_shape: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--input-shape",
            help="HEIGHTxWIDTHxCHANNELS; of texts the number of features. [default: the teacher's, or the data's]",
            show_default=False,
        ),
    ] = None,
    num_classes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--num-classes", min=2, help="[default: those of the data, or 10]", show_default=False),
    ] = None,
    max_model_bytes: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--max-model-bytes", help="Largest file of the largest student: 200000, 200kB.", show_default=False
        ),
    ] = None,
    max_macs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-macs", min=1, help="Most multiply-accumulates of the largest student.", show_default=False),
    ] = None,
    label_column: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--label-column", help="Of a table: name, or number from 1.", show_default=False),
    ] = None,
    text_column: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--text-column", help="Of a table: name, or number from 1.", show_default=False),
    ] = None,
) -> None:
    """Write a commented configuration to start from.

    Its students suit the images or texts, the teacher and the budgets.
    """
    quiet_libraries()
    from learn2compress.config import DataFormat
    from learn2compress.config.byte_sizes import parse_bytes
    from pipelines.starter.making import make_starter
    from pipelines.starter.request import StarterRequest
    from pipelines.starter.writing import SCHEMA_FILE, write_starter

    request = StarterRequest(
        path,
        None if data_format is None else DataFormat(data_format),
        data,
        input_shape,
        num_classes,
        None if max_model_bytes is None else parse_bytes(max_model_bytes, "--max-model-bytes"),
        max_macs,
        teacher,
        _column(label_column),
        _column(text_column),
    )
    from pipelines.console import hidden_library_output

    with hidden_library_output():
        starter = make_starter(request)
    write_starter(starter, path)
    count = _COUNTS[len(starter.student_lines)]
    print(without_controls(f"wrote {path}, with {count}:"))
    for line in starter.student_lines:
        print(f"  {line}")
    for note in starter.notes:
        print(f"  {note}")
    print(f"wrote {path.with_name(SCHEMA_FILE)}, by which editors check {path.name} and complete its keys")
    print(f"name: in {path.name} is what its runs are called by: set it to your own")
    first = f"set its {' and '.join(starter.to_set)}, then" if starter.to_set else "next"
    print(f"{first}: l2c validate {path}")


def _column(said: str | None) -> str | int | None:
    """Returns a column as the configuration names it: a number is its place."""
    return int(said) if said is not None and said.isascii() and said.isdigit() else said
