"""The manifests call our own commands by names and options that exist, with settings that are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.cli import app
from pipelines.git_trigger.settings import load_settings

ROOT = Path(__file__).parents[2]
SETTINGS = sorted(ROOT.glob("k8s/overlays/*/webhook.yaml"))


def _commands(part: Any) -> Iterator[list[str]]:
    if isinstance(part, list):
        for element in part:
            yield from _commands(element)
    if isinstance(part, dict):
        if part.get("command", [""])[0] == "l2c":
            yield [*part["command"], *part.get("args", [])]
        for value in part.values():
            yield from _commands(value)


def test_every_command_is_one_that_the_program_takes(distinct_objects: list[dict[str, Any]]) -> None:
    program = typer.main.get_command(app)
    verbs = set()
    for _, verb, *arguments in _commands(distinct_objects):
        command = program.commands[verb]  # type: ignore[attr-defined]
        # Reads options and arguments without doing anything; what it does not know is an error.
        command.make_context(verb, list(arguments))
        verbs.add(verb)
    assert verbs == {"serve-webhook", "reconcile", "trigger"}


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.parent.name)
def test_the_receivers_settings_are_accepted_and_name_our_service_account(path: Path) -> None:
    settings = load_settings(path)
    assert settings.service_account == "l2c-steps"
    assert (settings.namespace is not None) == ("multi-user" in path.parent.name)
    assert settings.image is not None
    assert "@sha256:" in settings.image


def test_an_event_replaces_the_arguments_that_wait_for_it(distinct_objects: list[dict[str, Any]]) -> None:
    (sensor,) = [thing for thing in distinct_objects if thing["kind"] == "Sensor"]
    (trigger,) = [entry["template"]["k8s"] for entry in sensor["spec"]["triggers"]]
    arguments = trigger["source"]["resource"]["spec"]["template"]["spec"]["containers"][0]["args"]
    options = {"--ref": "body.ref", "--sha": "body.after", "--changed-since": "body.before"}
    wanted = {arguments.index(option) + 1: key for option, key in options.items()}
    replaced = {int(one["dest"].rpartition(".")[2]): one["src"]["dataKey"] for one in trigger["parameters"]}
    assert replaced == wanted
    assert {arguments[position] for position in wanted} == {"replaced by the event"}
