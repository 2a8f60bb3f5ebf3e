"""The `l2c` command as a person meets it: help at once, and bad input told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.run_root import RunRoot

VERBS = (
    "init", "validate", "schema", "run", "compile", "report", "runs", "show", "lineage", "submit", "schedule",
    "trigger", "serve-webhook", "reconcile",
)  # fmt: skip
# Runs one verb as the console script does, and tells which modules it loaded.
PROBE = """
import json, sys
from pipelines.cli import main
code = None
try:
    main()
except SystemExit as ended:
    code = ended.code
print()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
SLOW_MODULES = {"tensorflow", "tfx", "keras", "apache_beam", "ml_metadata", "tensorflow_data_validation"}

Command = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str]], str]


def exit_code_and_modules(*arguments: str) -> tuple[Any, set[str]]:
    command = [sys.executable, "-c", PROBE, *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code, modules = json.loads(output.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize("arguments", [(), *((verb,) for verb in VERBS)], ids=lambda arguments: " ".join(arguments))
def test_help_works_without_the_slow_imports(arguments: tuple[str, ...]) -> None:
    code, modules = exit_code_and_modules(*arguments, "--help")
    assert code in (0, None)
    assert "typer" in modules
    assert not modules & SLOW_MODULES


def test_the_installed_command_lists_every_verb(l2c: Command) -> None:
    process = l2c("--help")
    assert process.returncode == 0
    listed = {words[0] for line in process.stdout.splitlines() if (words := line.split())}
    assert listed >= set(VERBS)


def test_a_starter_is_written_once_and_is_accepted(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "l2c.yaml"
    assert l2c("init", cwd=tmp_path).returncode == 0
    written = path.read_text()
    assert l2c("validate", path).returncode == 0
    path.write_text(written + "# mine\n")
    assert "is there already" in refused(l2c("init", cwd=tmp_path))
    assert path.read_text() == written + "# mine\n"
    assert "can't be written: No such file" in refused(l2c("init", tmp_path / "nowhere" / "l2c.yaml"))


def test_a_good_configuration_is_accepted(l2c: Command, run_folder: Any, tmp_path: Path) -> None:
    folder = run_folder(tmp_path).write()
    process = l2c("validate", folder.config)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == f"{folder.config}: accepted; 3 students: large, medium, small\n"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prunes": {}}, "prunes"),
        ({"prune": {"sparsity_ratio": 1.5}}, "prune.sparsity_ratio"),
        ({"seed": "seven"}, "seed"),
        ({"students": [{"name": "large", "stage": 9}]}, "students.0.stage"),
        ({"students": [{"name": "large", "stage": 1, "quantize": {"epoch": 2}}]}, "students.large.quantize.epoch"),
        ({"teacher": {}}, "teacher.uri"),
    ],
)
def test_a_bad_configuration_is_refused(
    l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    folder = run_folder(tmp_path).write(**changes)
    line = refused(l2c("validate", folder.config))
    assert line.startswith(f"l2c: error: {folder.config}: ")
    assert field in line
    assert refused(l2c("run", folder.config, "--root", tmp_path / "runs")) == line
    assert not (tmp_path / "runs").exists()


def test_a_missing_configuration_is_refused(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    assert "No such file" in refused(l2c("validate", tmp_path / "none.yaml"))


def test_the_schema_is_json(l2c: Command) -> None:
    schema = json.loads(l2c("schema").stdout)
    assert set(schema["required"]) == {"name", "teacher", "students"}
    assert "push" in schema["properties"]


@pytest.mark.parametrize("arguments", [("runs",), ("show", "1"), ("report",), ("lineage", "0" * 64)])
def test_an_empty_root_has_nothing_to_tell(
    l2c: Command, refused: Refused, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert "found no runs there" in refused(l2c(*arguments, "--root", tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_is_refused(l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.write_text("mine")
    folder = run_folder(tmp_path).write()
    assert "--root" in refused(l2c("run", folder.config, "--root", root))
    assert "--root" in refused(l2c("runs", "--root", root))
    assert root.read_text() == "mine"


def test_metadata_that_are_none_are_refused(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "metadata.sqlite").write_bytes(b"not a database " * 100)
    assert "metadata.sqlite" in refused(l2c("runs", "--root", tmp_path))


def left_behind(root: Path) -> set[str]:
    """First folder of each file under a root."""
    return {path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"format": "image_folder", "uri": "nowhere"}, "data.uri"),
        ({"format": "npz", "uri": "nowhere.npz"}, "data.uri"),
        ({"format": "digits"}, "teacher.keras can't be read: No such file"),
    ],
)
def test_a_run_without_its_inputs_leaves_only_logs(
    l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path, data: dict[str, Any], found: str
) -> None:
    folder = run_folder(tmp_path).write(data=data)
    line = refused(l2c(*folder.arguments[1:]))
    assert found in line
    assert str(tmp_path) in line  # a relative path is one beside the configuration
    assert left_behind(folder.root) <= {"logs", "lock"}
    assert not (tmp_path / "pushed").exists()


def test_a_teacher_that_is_none_is_refused(l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path) -> None:
    folder = run_folder(tmp_path).write(data={"format": "npz", "uri": "data.npz"})
    rows = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    np.savez(tmp_path / "data.npz", x=rows, y=np.arange(40) % 2)
    (tmp_path / "teacher.keras").write_bytes(b"PK\x03\x04 and then nothing")
    assert "teacher" in refused(l2c(*folder.arguments[1:]))
    assert not (tmp_path / "pushed").exists()


def test_a_lock_keeps_a_second_run_out(l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path) -> None:
    folder = run_folder(tmp_path).write()
    with RunRoot(folder.root).locked():
        assert "another run is using it" in refused(l2c(*folder.arguments[1:]))
