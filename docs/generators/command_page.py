"""The page that lists every verb of `l2c` with its arguments and options, made from the program itself."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any

import typer
from configuration_page import in_narrow_rows

from learn2compress.command_line.main import full_app

# Typer's commands and parameters have click's names, but are no subclasses of click's.
Command = Any
Parameter = Any

_DEFAULT_IN_HELP = re.compile(r"\s*\[default: (.*)\]$")
_NUMBERS = {int: "integer", float: "number"}


def command_page() -> str:
    """Returns the page as Markdown: a section for each verb, a row for each argument and option."""
    parts = [
        "# The command line",
        "`l2c VERB --help` prints what is here. This page is made from the program, so it is never out of date. Each"
        " verb ends with one of the [exit codes](exit-codes.md); the variables that it reads stand among the"
        " [others](environment.md).",
        "\n".join(f"- [`l2c {name}`](#l2c-{name}): {_first_sentence(verb)}" for name, verb in verbs()),
    ]
    for name, verb in verbs():
        parts += [f"## `l2c {name}` {{ #l2c-{name} }}", _text(verb.help or ""), f"```text\n{_usage(name, verb)}\n```"]
        rows = [_row(parameter) for parameter in _shown(verb)]
        if rows:
            parts.append(in_narrow_rows(["| argument or option | default | what it does |\n|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def verbs() -> Iterator[tuple[str, Command]]:
    """Yields the verbs that are not hidden, in the order of the program's help."""
    program: Any = typer.main.get_command(full_app())
    yield from ((name, verb) for name, verb in program.commands.items() if not verb.hidden)


def _shown(verb: Command) -> list[Parameter]:
    return [parameter for parameter in verb.params if parameter.name != "help" and not parameter.hidden]


def _is_argument(parameter: Parameter) -> bool:
    return not parameter.opts[0].startswith("-")


def _usage(name: str, verb: Command) -> str:
    arguments = [
        _argument_name(parameter) if parameter.required else f"[{_argument_name(parameter)}]"
        for parameter in _shown(verb)
        if _is_argument(parameter)
    ]
    required = [
        f"{parameter.opts[0]} {parameter.name.upper()}"
        for parameter in _shown(verb)
        if parameter.required and not _is_argument(parameter)
    ]
    return " ".join([f"l2c {name}", *arguments, *required, "[OPTIONS]"])


def _argument_name(parameter: Parameter) -> str:
    return str(parameter.metavar or parameter.name.upper()) + ("..." if parameter.nargs == -1 else "")


def _row(parameter: Parameter) -> str:
    names = [_argument_name(parameter)] if _is_argument(parameter) else [*parameter.opts, *parameter.secondary_opts]
    description, default = _text(parameter.help or ""), _default(parameter)
    if found := _DEFAULT_IN_HELP.search(description):
        description, default = description[: found.start()], found[1]
    if parameter.multiple:
        description += " May be given several times."
    if parameter.envvar:
        description += f" Variable: `{parameter.envvar}`."
    return f"| {', '.join(f'`{name}`' for name in names)}{_values(parameter)} | {default} | {description} |"


def _values(parameter: Parameter) -> str:
    """Returns what a parameter takes, where its name does not say it."""
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return ": " + " or ".join(f"`{member.value}`" for member in kind)
    bounds = [f"{sign} {value:g}" for sign, value in (("≥", parameter.min), ("≤", parameter.max)) if value is not None]
    return f": {' '.join([_NUMBERS[kind], ', '.join(bounds)]).strip()}" if kind in _NUMBERS else ""


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "**required**"
    value = parameter.default
    if value is None or value is False or value in ([], ()) or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _first_sentence(verb: Command) -> str:
    return _text(verb.help or "").split(". ")[0].rstrip(".") + "."


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
