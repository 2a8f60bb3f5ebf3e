"""The verb `l2c compress`: `learn2compress.compress` from a shell."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.command_line.failures import InterruptedWorkError, RunFailedError
from learn2compress.command_line.streams import library_output_in, quiet_libraries
from learn2compress.report.plain_text import without_controls

_LOG, _REPORT = "compress.log", "report.html"


def compress(
    teacher: Annotated[
        str, typer.Argument(help="A .keras file, .h5 file or SavedModel; a path or URL.", show_default=False)
    ],
    data: Annotated[
        str, typer.Argument(help="A folder with a folder of images for each class, or a table.", show_default=False)
    ],
    students: Annotated[
        str,
        typer.Option(
            "--students",
            help="Largest file of each student: 500kB,100kB; with names: large=500kB,small=100kB. Instead of a size, "
            "teacher: its own network, compressed.",
            show_default=False,
        ),
    ],
    held_out: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--held-out", help="What to measure with. [default: a part of DATA]", show_default=False),
    ] = None,
    validation: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--validation", help="What choices are made by. [default: a part of the training data]", show_default=False
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files and the report.")] = Path(
        "students"
    ),
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--set", metavar="PATH=VALUE", help="A setting of the configuration: training.epochs=5; again for more."
        ),
    ] = None,
    checkpoint: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--checkpoint", help="Folder to resume from after a kill.", show_default=False),
    ] = None,
) -> None:
    """Compress a teacher in one go, without a configuration.

    Trains small students of it, measures them and writes their LiteRT files and a report.
    """
    from learn2compress.command_line.arguments import nested_settings, student_sizes
    from learn2compress.command_line.paths import check_there, make_output_folder
    from learn2compress.config.parsing import ConfigError

    sizes = student_sizes(students)
    keywords = _keywords(nested_settings(settings or ()))
    check_there(teacher, "TEACHER", "a .keras file, .h5 file or SavedModel folder")
    for path, argument in ((data, "DATA"), (held_out, "--held-out"), (validation, "--validation")):
        if path is not None:
            check_there(path, argument, "a folder with a folder of images for each class, or a table")
    make_output_folder(output, "--output", (_LOG, _REPORT, *map(_file_name, sizes)))
    log_file = output / _LOG
    try:
        log_file.open("a").close()
    except OSError as error:
        raise ConfigError(f"--output: {log_file} can't be written: {error.strerror or error}") from None
    quiet_libraries()
    try:
        with library_output_in(log_file):
            from learn2compress.training.device import device_sentence

            print(device_sentence(), flush=True)
            library = importlib.import_module("learn2compress")
            family = library.compress(
                teacher, data, held_out, students=sizes, validation=validation, checkpoint=checkpoint, **keywords
            )
            family.report()
            is_any_selected = _save(family, output)
    except KeyboardInterrupt:
        raise InterruptedWorkError(_after_interrupt(checkpoint)) from None
    except Exception as error:
        with log_file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
        raise RunFailedError(error, log_file) from error
    if not is_any_selected:
        raise typer.Exit(ExitCode.NOTHING_PUSHED)


def _after_interrupt(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "interrupted; nothing was kept, the same command starts anew; --checkpoint FOLDER makes it resumable"
    return f"interrupted; run the same command to resume from {checkpoint}"


def _file_name(student: str) -> str:
    return f"{student}.tflite"


def _keywords(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings as keywords, less what has an option or argument of its own.

    Args:
      settings: From `--set`.

    Raises:
      ConfigError: one of them is an argument of the verb.
    """
    from learn2compress.config.parsing import ConfigError

    own = {
        "teacher": "TEACHER",
        "train": "DATA",
        "held_out": "--held-out",
        "validation": "--validation",
        "students": "--students",
        "checkpoint": "--checkpoint",
        "push": "--output",
    }
    for name in sorted(settings.keys() & own.keys()):
        raise ConfigError(f"--set {name}: found a setting that {own[name]} has, accepted is {own[name]}")
    return settings


def _save(family: Any, folder: Path) -> bool:
    """Writes the files of the selected students and the report, and says where.

    Args:
      family: A `learn2compress.Family`.
      folder: Where to write; what has the same name there is replaced.

    Returns:
      Whether any student was selected.
    """
    report = folder / _REPORT
    family.save_report(report)
    for name, student in family.selected.items():
        path = folder / _file_name(name)
        student.save(path)
        print(without_controls(f"wrote {path}: {student.model_bytes / 1000:,.1f} kB"))
    for name, student in family.items():
        for reason in student.reasons:
            print(f"{name} is not written: {reason}")
        if student.reasons:
            _remove_earlier(folder / _file_name(name))
    # Whose they are isn't known: they are told, and stay.
    others = sorted(path.name for path in folder.glob("*.tflite") if path.stem not in family)
    if others:
        print(f"not of this family, and left as found in {folder}: {', '.join(others)}")
    print(without_controls(f"wrote {report}"))
    return bool(family.selected)


def _remove_earlier(path: Path) -> None:
    """Removes the file that an earlier call wrote of a student that is refused now: the report is not about it."""
    if not path.is_file() and not path.is_symlink():
        return
    try:
        path.unlink()
    except OSError as error:
        print(f"{path} is of an earlier call, and can't be removed: {error.strerror or error}")
    else:
        print(f"removed {path}, which an earlier call wrote: this report is not about it")
