"""What the README says can be done, can be done."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from learn2compress.config.file import load_config
from pipelines.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    found = [text for name, text in BLOCKS if name == language]
    assert found, f"the README has no block of {language or 'commands'}"
    return found


def commands(program: str) -> list[list[str]]:
    lines = "\n".join(blocks("")).splitlines()
    found = [shlex.split(line, comments=True) for line in lines if line.startswith(f"{program} ")]
    assert found, f"the README shows no {program} command"
    return found


@pytest.mark.parametrize("command", commands("l2c"), ids=" ".join)
def test_l2c_accepts_each_command(command: list[str]) -> None:
    program = typer.main.get_command(app)
    assert isinstance(program, click.Group) or hasattr(program, "commands")
    verb = program.commands[command[1]]
    context = verb.make_context(command[1], command[2:])
    assert context.params


def test_make_has_each_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command[1] for command in commands("make")} | set(re.findall(r"`make ([a-z-]+)`", README))
    assert named
    assert named <= targets


def test_the_configuration_is_accepted(tmp_path: Path) -> None:
    for number, text in enumerate(blocks("yaml")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert load_config(path).name == "digits"


def test_the_python_runs() -> None:
    for text in blocks("python"):
        names: dict[str, object] = {}
        exec(text, names)
        assert names["student"].output_shape == (None, 10)  # type: ignore[attr-defined]


def test_each_path_is_there() -> None:
    for path in re.findall(r"`((?:learn2compress|components|pipelines|examples|tests)/[\w/.]*)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / path).exists(), path
