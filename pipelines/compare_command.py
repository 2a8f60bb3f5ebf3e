"""The verb that compares two runs of this machine: `l2c compare`."""

from __future__ import annotations

import json
from typing import Annotated, Optional

import typer

from pipelines.command_options import RUNS, LastRootOption, last_root, print_table


def register(app: typer.Typer) -> None:
    """Adds the verb to the command."""
    app.command(rich_help_panel=RUNS)(compare)


def compare(
    # Typer knows no `X | None`.
    run_id: Annotated[
        Optional[int],  # noqa: UP045
        typer.Argument(help="A run of `l2c runs`. [default: the last but one]", show_default=False),
    ] = None,
    other_run_id: Annotated[
        Optional[int],  # noqa: UP045
        typer.Argument(help="Another. [default: the last]", show_default=False),
    ] = None,
    root: LastRootOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: accuracy, size, pushes and settings."""
    from learn2compress.config.parsing import ConfigError
    from pipelines.run_comparison import compare as compared
    from pipelines.run_comparison import comparison_table
    from pipelines.run_history import last_two_runs, outcome_of

    folder = last_root(root)
    if run_id is None:
        numbers = last_two_runs(folder)
    elif other_run_id is None:
        raise ConfigError(f"OTHER_RUN_ID: found none beside {run_id}, accepted are two runs, or none for the last two")
    else:
        numbers = (run_id, other_run_id)
    families = [outcome_of(folder, None, number).family for number in numbers]
    found = compared(families[0], families[1])
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return
    print_table(comparison_table(found, (str(numbers[0]), str(numbers[1]))))
    for sentence in found.sentences:
        print(f"  {sentence}")
