"""The command itself: its help, its version, and what becomes of errors."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from learn2compress import __version__
from learn2compress.command_line.compress import compress
from learn2compress.command_line.exit_codes import HELP, ExitCode
from learn2compress.command_line.failures import InterruptedWorkError, RunFailedError, fail, fail_each
from learn2compress.command_line.verbs import COMPRESS, VerbGroup, installed_verbs, join_verbs
from learn2compress.report.plain_text import print_any_text
from learn2compress.stop_signals import raising


def full_app() -> typer.Typer:
    """Returns the command with its own verbs and those that installed distributions add."""
    app = typer.Typer(
        cls=VerbGroup,
        help="Train small, pruned, 8-bit students of a TensorFlow classifier and ship the LiteRT files that satisfy"
        " your constraints.",
        epilog=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    app.command(rich_help_panel=COMPRESS)(compress)
    join_verbs(app, installed_verbs())
    return app


def main() -> None:
    """Runs the command: what is not accepted and a step that fails are one line each; see `ExitCode`."""
    from learn2compress.config.parsing import ConfigError

    try:
        print_any_text()
        with raising(KeyboardInterrupt, signal.SIGINT):
            full_app()()
    except ConfigError as error:
        fail_each(error)
    except RunFailedError as failed:
        if isinstance(failed.error, ConfigError):
            fail_each(failed.error)
        fail(f"{str(failed.error) or type(failed.error).__name__} (details: {failed.log_file})", ExitCode.FAILED)
    except InterruptedWorkError as interrupted:
        fail(str(interrupted), ExitCode.INTERRUPTED)
    except SystemExit as ended:
        if ended.code != ExitCode.INTERRUPTED:  # what Typer makes of Ctrl-C
            raise
        fail("interrupted; run the same command to go on", ExitCode.INTERRUPTED)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"l2c {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Takes what stands before a verb."""


if __name__ == "__main__":
    main()
