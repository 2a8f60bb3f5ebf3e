"""Quiet libraries, and streams that show any name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from learn2compress.command_line.streams import library_output_in, quiet_libraries


def test_libraries_are_kept_quiet_unless_a_person_wants_to_hear_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    monkeypatch.setenv("ABSL_MIN_LOG_LEVEL", "0")
    quiet_libraries()
    assert (os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["GRPC_VERBOSITY"]) == ("3", "DEBUG")


def test_libraries_write_into_a_log_and_python_to_the_person(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from learn2compress.command_line.streams import library_output_in
print("before")
with library_output_in(Path("log")):
    os.write(1, b"C++ on output\\n")
    os.write(2, b"C++ on error\\n")
    print("inside")
    print("warned", file=sys.stderr)
    os.system("echo a program")
os.write(1, b"C++ after\\n")
print("after")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert sorted(done.stdout.split("\n")) == ["", "C++ after", "after", "before", "inside"]
    assert done.stderr == "warned\n"
    assert (tmp_path / "log").read_text() == "C++ on output\nC++ on error\na program\n"


def test_what_was_in_a_log_stays_and_an_error_ends_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("earlier\n")
    streams = sys.stdout, sys.stderr
    with pytest.raises(KeyError), library_output_in(tmp_path / "log"):
        raise KeyError
    assert (sys.stdout, sys.stderr) == streams
    assert (tmp_path / "log").read_text() == "earlier\n"
