"""What verbs share: quiet libraries, and tables that are whole where nobody sees a terminal."""

from __future__ import annotations

import pytest
from rich.table import Table

from pipelines.command_options import print_table, quiet_libraries


def test_libraries_are_kept_quiet_unless_a_person_wants_to_hear_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    monkeypatch.setenv("ABSL_MIN_LOG_LEVEL", "0")
    quiet_libraries()
    assert (os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["GRPC_VERBOSITY"]) == ("3", "DEBUG")


def test_a_table_is_not_cut_where_it_goes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "uri")
    table.add_row("small", "s3://" + "x" * 110)
    print_table(table)
    assert "x" * 110 in capsys.readouterr().out
