"""Verbs of other distributions join, and where they are missing, the command says what to install."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
import typer

from learn2compress.command_line.verbs import installed_verbs, join_verbs, verb_names

Command = Callable[..., subprocess.CompletedProcess[str]]
Install = Callable[[str], str]

GREET = """
import typer
app = typer.Typer()
@app.command()
def greet(name: str) -> None:
    print(f"hello {name}")
@app.command("say-bye")
def say_bye() -> None:
    print("bye")
"""


def names_with(*texts: str) -> list[str]:
    app = typer.Typer()
    app.command("greet")(lambda: None)
    join_verbs(app, [one for one in installed_verbs() if one.dist is not None and one.dist.name == "own-verbs"])
    return verb_names(app)


def test_the_pipelines_add_theirs_through_an_entry_point() -> None:
    (found,) = [one for one in installed_verbs() if one.name == "pipelines"]
    names = verb_names(found.load())
    assert {"run", "init", "validate", "serve-webhook"} <= set(names)
    assert "compress" not in names


def test_another_distribution_adds_its_own(l2c_with: Command, own_verbs: Install) -> None:
    name = own_verbs(GREET)
    assert l2c_with(name, "greet", "you").stdout == "hello you\n"
    assert l2c_with(name, "say-bye").stdout == "bye\n"
    listed = l2c_with(name, "--help").stdout
    assert "greet" in listed
    assert "compress" in listed


def test_a_verb_that_is_there_already_stays_what_it_is(own_verbs: Install, capsys: object) -> None:
    own_verbs(GREET)
    assert names_with() == ["greet"]
    error = capsys.readouterr().err  # type: ignore[attr-defined]
    assert error == "l2c: error: the verbs of own-verbs are left out: greet is of another distribution already\n"


def test_verbs_that_cant_be_loaded_are_named_and_the_others_work(l2c_with: Command, own_verbs: Install) -> None:
    name = own_verbs("import nothing_of_this_name")
    process = l2c_with(name, "--version")
    assert process.returncode == 0
    assert process.stderr == (
        "l2c: error: the verbs of own-verbs can't be loaded: ModuleNotFoundError: No module named "
        "'nothing_of_this_name'\n"
    )


def test_without_the_pipelines_their_verbs_say_what_to_install(l2c_with: Command) -> None:
    for verb in ("run", "validate", "no-such-verb"):
        process = l2c_with("", verb, "my.yaml", "--root", "runs")
        assert process.returncode == 2, process.stderr
        assert process.stderr == (
            f"l2c: error: found no verb '{verb}', accepted here is compress; run, init, validate, report and other "
            "verbs come with: pip install learn2compress-pipelines\n"
        )
    assert "come with: pip install learn2compress-pipelines" in " ".join(l2c_with("", "--help").stdout.split())


def test_with_the_pipelines_a_mistyped_verb_is_just_that(l2c_with: Command) -> None:
    process = l2c_with("learn2compress-pipelines", "valdate", "my.yaml")
    assert process.returncode == 2
    assert "No such command 'valdate'" in process.stderr
    assert "pip install" not in process.stderr + l2c_with("learn2compress-pipelines", "--help").stdout


def test_verbs_stand_in_the_groups_that_they_name_and_no_help_is_cut(
    l2c_with: Command, own_verbs: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "Greet somebody whose name is so long that the whole of this sentence takes more than a line of a terminal"
    name = own_verbs(
        GREET.replace("@app.command()", '@app.command(rich_help_panel="Manners")').replace(
            "-> None:\n    print(f", f'-> None:\n    """{long}."""\n    print(f'
        )
    )
    process = l2c_with(name, "--help")
    assert (
        process.stdout.index("Compress:") < process.stdout.index("Manners:") < process.stdout.index("Other commands:")
    )
    words = " ".join(process.stdout.split())
    assert long in words
    assert "Manners: greet" in words
    assert "Other commands: say-bye" in words
    assert "..." not in process.stdout.partition("Compress:")[2]
