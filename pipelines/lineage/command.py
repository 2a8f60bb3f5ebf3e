"""The verb that traces a pushed file: `l2c lineage`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from learn2compress.report.plain_text import without_controls
from pipelines.command_options import FILES, LastRootOption, print_note, print_table, writing

if TYPE_CHECKING:
    from pipelines.lineage.record import Lineage


def register(app: typer.Typer) -> None:
    """Adds the verb to the command."""
    app.command(rich_help_panel=FILES)(lineage)


def lineage(
    file_or_sha256: Annotated[
        str,
        typer.Argument(help="A pushed file, its SHA-256, or the folder of a pushed version.", show_default=False),
    ],
    root: LastRootOption = None,
    store: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--store", envvar="L2C_STORE", help="Metadata of cluster runs: mysql, grpc or a file.", show_default=False
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show all parameters, artifacts and versions.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    picture: Annotated[Optional[Path], typer.Option("--picture", help="Write an SVG picture here.")] = None,  # noqa: UP045
) -> None:
    """Trace a file to its data, teacher and configuration."""
    found = _find(file_or_sha256, root, store)
    if picture is not None:
        from pipelines.lineage.picture import lineage_picture

        with writing("--picture", picture):
            picture.write_text(lineage_picture(found), encoding="utf-8")
        print(without_controls(f"wrote {picture}"))
    elif as_json:
        print(json.dumps(found.as_dict(), indent=2))
    elif everything:
        from pipelines.lineage.tree import lineage_tree

        print_table(lineage_tree(found))
    else:
        from pipelines.lineage.summary import lineage_summary

        print_table(lineage_summary(found))


def _find(file_or_sha256: str, root: Path | None, store: str | None) -> Lineage:
    """Finds the lineage of a file in the store that was named, or in the folders of runs that are found.

    Args:
      file_or_sha256: As `lineage_of` takes it.
      root: As `LastRootOption` has it.
      store: Address of a cluster's store; `None` for folders of runs.
    """
    from pipelines.last_root import find_roots
    from pipelines.lineage.reading import check_named, first_lineage_of
    from pipelines.metadata_store import open_shared_store, open_stores

    check_named(file_or_sha256)
    if store is not None:
        return first_lineage_of(iter([open_shared_store(store)]), file_or_sha256)
    return first_lineage_of(open_stores(find_roots(root, print_note), print_note), file_or_sha256)
