"""What `make` tells to type is accepted, and a company's certificates reach every program that it starts."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from learn2compress.command_line.main import full_app

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NEXT = re.findall(r'^\t@echo "  \$\(BIN\)/l2c (.+)"$', MAKEFILE, re.MULTILINE)


def certificates_with(**variables: str) -> list[str]:
    """What programs that make starts have as SSL_CERT_FILE and PIP_CERT."""
    plain = {name: value for name, value in os.environ.items() if name not in ("SSL_CERT_FILE", "PIP_CERT")}
    show = "show:\n\t@echo [$$SSL_CERT_FILE] [$$PIP_CERT]"
    command = ["make", "--silent", "--eval", show, "show"]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=plain | variables
    ).stdout.split()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT"])
def test_either_certificate_variable_serves_uv_and_pip(variable: str) -> None:
    assert certificates_with(**{variable: "/company.pem"}) == ["[/company.pem]", "[/company.pem]"]


def test_both_are_left_as_they_are() -> None:
    assert certificates_with(SSL_CERT_FILE="/a.pem", PIP_CERT="/b.pem") == ["[/a.pem]", "[/b.pem]"]
    assert certificates_with() == ["[]", "[]"]


@pytest.mark.parametrize("line", NEXT)
def test_what_the_demo_tells_to_type_next_is_accepted(line: str) -> None:
    # The shell puts the newest pushed file there.
    command = shlex.split(re.sub(r"\$\$\(.+\)", "small.tflite", line))
    program = typer.main.get_command(full_app())
    verb = program.commands[command[0]]  # type: ignore[attr-defined]
    verb.make_context(command[0], command[1:])


def test_the_demo_tells_three() -> None:
    assert [line.split()[0] for line in NEXT] == ["report", "lineage", "runs"]
