"""The verb that compares two runs of this machine: `l2c compare`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.command_options import RUNS, LastRootOption, last_root, print_table


def register(app: typer.Typer) -> None:
    """Adds the verb to the command."""
    app.command(rich_help_panel=RUNS)(compare)


def compare(
    run_id: Annotated[int, typer.Argument(help="A run of `l2c runs`.", show_default=False)],
    other_run_id: Annotated[int, typer.Argument(help="Another.", show_default=False)],
    root: LastRootOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: accuracy, size, pushes and settings."""
    from pipelines.run_comparison import compare as compared
    from pipelines.run_comparison import comparison_table
    from pipelines.run_history import outcome_of

    folder = last_root(root)
    families = [outcome_of(folder, None, number).family for number in (run_id, other_run_id)]
    found = compared(families[0], families[1])
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return
    print_table(comparison_table(found, (str(run_id), str(other_run_id))))
    for sentence in found.sentences:
        print(f"  {sentence}")
