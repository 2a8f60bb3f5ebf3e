"""The verbs that other installed distributions add to `l2c`."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_name

from learn2compress.command_line.failures import print_error

ENTRY_POINTS = "learn2compress.commands"
PIPELINES = "learn2compress-pipelines"
COMPRESS = "Compress"
"""Group of `l2c compress` in the help, and of the verbs that do the same by a configuration."""
_OTHER_GROUP = "Other commands"
# No help is cut: what is too long for a line goes on below it.
_LONGEST_HELP = 1000


def installed_verbs() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Finds what adds verbs: entry points of the group `learn2compress.commands`, each a `typer.Typer`, by name."""
    return tuple(sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda found: found.name))


def join_verbs(app: typer.Typer, added: Iterable[importlib.metadata.EntryPoint]) -> None:
    """Adds verbs of other distributions to an app; of a distribution that can't be loaded, says so and adds none.

    Args:
      app: The command. Its own verbs stay what they are.
      added: What to load.
    """
    taken = set(verb_names(app))
    for entry_point in added:
        owner = entry_point.dist.name if entry_point.dist is not None else entry_point.name
        try:
            other: typer.Typer = entry_point.load()
            names = verb_names(other)
        except Exception as error:
            print_error(f"the verbs of {owner} can't be loaded: {type(error).__name__}: {error}")
            continue
        if again := sorted(taken & set(names)):
            print_error(f"the verbs of {owner} are left out: {', '.join(again)} is of another distribution already")
            continue
        taken |= set(names)
        app.registered_commands += other.registered_commands
        app.registered_groups += other.registered_groups


def verb_names(app: typer.Typer) -> list[str]:
    """Returns the names of an app's verbs, as they are typed."""
    commands = [one.name or get_command_name(one.callback.__name__) for one in app.registered_commands if one.callback]
    return [*commands, *(group.name for group in app.registered_groups if group.name)]


class VerbGroup(TyperGroup):
    """The command, which lists its verbs in groups, and says what to install where one is missing."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds the verb that was typed.

        Args:
          ctx: Of the command.
          args: The verb and its arguments.

        Raises:
          ConfigError: there is no such verb, and the pipelines, which bring most, are not installed.
        """
        if args[0] not in self.commands:
            _refuse_without_pipelines(args[0], list(self.commands))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the verbs in their groups, which each verb names by `rich_help_panel`, in the order of the first."""
        shown = [(name, verb) for name, verb in self.commands.items() if not verb.hidden]
        width = max((len(name) for name, _ in shown), default=0)
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, verb in shown:
            group = getattr(verb, "rich_help_panel", None) or _OTHER_GROUP
            help_text = verb.get_short_help_str(limit=_LONGEST_HELP)
            groups.setdefault(str(group), []).append((name.ljust(width), help_text))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Writes below the help what brings more verbs, where it is not installed."""
        if not _has_pipelines():
            formatter.write_paragraph()
            formatter.write_text(f"{_OTHERS} come with: pip install {PIPELINES}")
        super().format_epilog(ctx, formatter)


_OTHERS = "run, init, validate, report and other verbs"


def _has_pipelines() -> bool:
    return any(entry_point.name == "pipelines" for entry_point in installed_verbs())


def _refuse_without_pipelines(verb: str, accepted: Sequence[str]) -> None:
    from learn2compress.config.parsing import ConfigError, clipped

    if not _has_pipelines():
        raise ConfigError(
            f"found no verb {clipped(verb)!r}, accepted here is {', '.join(accepted)}; {_OTHERS} come with: "
            f"pip install {PIPELINES}"
        )
