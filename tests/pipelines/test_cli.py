"""The `l2c` command as a person meets it: help at once, and bad input told in one line."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.run_root import RunRoot

VERBS = (
    "init", "validate", "schema", "run", "pick", "compile", "report", "runs", "show", "compare", "lineage", "submit",
    "schedule", "trigger", "serve-webhook", "reconcile", "benchmark",
)  # fmt: skip
# Runs one verb as the console script does, and tells which modules it loaded.
PROBE = """
import json, sys
from learn2compress.command_line.main import main
code = None
try:
    main()
except SystemExit as ended:
    code = ended.code
print()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
L2C = Path(sys.executable).with_name("l2c")
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


def test_each_verb_is_one_line_in_its_group(l2c: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    groups: dict[str, list[str]] = {}
    for line in l2c("--help").stdout.partition("Compress:")[2].partition("Exit codes")[0].splitlines():
        if line.startswith("  ") and not line.startswith("   ") and line.strip():
            groups.setdefault(next(reversed(groups), "Compress"), []).append(line.split()[0])
        elif line.strip():
            assert line.endswith(":"), f"{line!r} goes on from the line above"
            groups[line.removesuffix(":")] = []
    assert groups == {
        "Compress": ["compress", "init", "validate", "run", "pick", "schema"],
        "Runs": ["runs", "show", "report", "compare"],
        "Files": ["lineage", "benchmark"],
        "Kubeflow": ["compile", "submit", "schedule"],
        "Git push": ["trigger", "serve-webhook", "reconcile"],
    }


def test_a_starter_is_written_once_and_is_accepted(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "l2c.yaml"
    assert l2c("init", cwd=tmp_path).returncode == 0
    written = path.read_text()
    assert l2c("validate", path, "--file-only").returncode == 0
    path.write_text(written + "# mine\n")
    assert "is there already" in refused(l2c("init", cwd=tmp_path))
    assert path.read_text() == written + "# mine\n"
    assert "can't be written: No such file" in refused(l2c("init", tmp_path / "nowhere" / "l2c.yaml"))


def test_a_good_configuration_is_accepted(l2c: Command, run_folder: Any, tmp_path: Path) -> None:
    folder = run_folder(tmp_path).write()
    process = l2c("validate", folder.config, "--file-only")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == f"{folder.config}: accepted; 3 students: large, medium, small\n"


def test_a_configuration_is_validated_with_what_it_names(l2c: Command, run_folder: Any, tmp_path: Path) -> None:
    folder = run_folder(tmp_path).write(push={"uri": "nosuch://models"}, data={"format": "npz", "uri": "none.npz"})
    expected = ("push.uri: nosuch://models can't be written", "data.uri: found no file", "teacher.uri: ")
    for process in (l2c("validate", folder.config, "--root", folder.root), l2c(*folder.arguments[1:])):
        lines = process.stderr.splitlines()
        assert process.returncode == 2, process.stderr
        assert "cuda" not in process.stderr + process.stdout  # nor anything else that libraries say
        assert all(line.startswith(f"l2c: error: {start}") for line, start in zip(lines, expected, strict=True)), lines
    assert left_behind(folder.root) <= {"logs", "lock"}


def test_a_name_with_brackets_is_shown_as_it_is(l2c: Command, run_folder: Any, tmp_path: Path) -> None:
    # A style, the end of one, and a pictogram of what prints.
    folder = run_folder(tmp_path / "exp [old]" / "exp[/v2]" / "exp:fire:").write()
    assert str(folder.config) in l2c("validate", folder.config, "--file-only").stdout
    process = l2c(*folder.arguments[1:])  # there is no teacher
    assert process.returncode == 2, process.stderr
    assert f"Running {folder.config}; " in process.stdout
    assert "Traceback" not in process.stdout + process.stderr


def test_a_folder_whose_name_is_not_utf8_is_refused(
    l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / os.fsdecode(b"exp\xff")).write()
    for verb in ("validate", "run"):
        assert "not UTF-8 text, accepted are names in UTF-8" in refused(l2c(verb, folder.config))


def test_no_starter_is_written_of_data_whose_name_is_not_utf8(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    images = tmp_path / os.fsdecode(b"images\xff")
    for name in ("cat", "dog"):
        (images / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(images / name / "0.png")
    line = refused(l2c("init", tmp_path / "l2c.yaml", "--data", images))
    assert "--data: " in line
    assert "not UTF-8 text" in line
    assert not (tmp_path / "l2c.yaml").exists()


def test_a_file_of_unknown_keys_is_one_readable_line(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "l2c.yaml").write_text("".join(f"key_{index}: 1\n" for index in range(5000)))
    assert len(refused(l2c("validate", tmp_path / "l2c.yaml"))) < 5000


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
    assert set(schema["required"]) == {"name", "data", "teacher", "students"}
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


def test_another_programs_database_is_left_as_it_is(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "otherapp\x1b[2J" / "metadata.sqlite"
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
        database.commit()
    before = path.read_bytes()
    for arguments in (("runs",), ("lineage", "0" * 64)):
        process = l2c(*arguments, cwd=tmp_path)
        assert process.returncode == 2
        note, line = process.stderr.splitlines()
        assert note == f"{tmp_path}/otherapp?[2J/metadata.sqlite is passed over: it is another program's database"
        assert "no runs here yet" in line
        assert "another program's database" in refused(l2c(*arguments, "--root", path.parent))
    assert path.read_bytes() == before


def left_behind(root: Path) -> set[str]:
    """First folder of each file under a root."""
    return {path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"format": "image_folder", "uri": "nowhere"}, "data.uri: found nothing"),
        ({"format": "digits"}, "teacher.keras: found nothing"),
    ],
)
def test_a_run_without_its_inputs_leaves_only_logs(
    l2c: Command, run_folder: Any, tmp_path: Path, data: dict[str, Any], found: str
) -> None:
    folder = run_folder(tmp_path).write(data=data)
    process = l2c(*folder.arguments[1:])
    assert process.returncode == 2
    assert found in process.stderr
    assert "Traceback" not in process.stderr
    # A relative path is one beside the configuration.
    assert all(str(tmp_path) in line for line in process.stderr.splitlines())
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


def test_the_version_is_told(l2c: Command) -> None:
    process = l2c("--version")
    assert (process.returncode, process.stdout) == (0, f"l2c {importlib.metadata.version('learn2compress')}\n")


def test_the_help_has_exit_codes_and_completion(l2c: Command) -> None:
    shown = l2c("--help").stdout
    assert "3    the run went to its end, and no student satisfies the constraints" in shown
    assert "--install-completion" in shown


@pytest.mark.parametrize(("shell", "variables"), [("bash", {"COMP_WORDS": "l2c li", "COMP_CWORD": "1"})])
def test_a_shell_completes_verbs(shell: str, variables: dict[str, str]) -> None:
    environment = os.environ | {"_L2C_COMPLETE": f"complete_{shell}"} | variables
    process = subprocess.run([L2C], capture_output=True, text=True, check=False, env=environment)
    assert process.stdout.split() == ["lineage"]


def test_a_setting_over_the_files_is_checked_like_the_files(
    l2c: Command, refused: Refused, run_folder: Any, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path).write()
    assert l2c("validate", folder.config, "--file-only", "--set", "training.epochs=5").returncode == 0
    line = refused(l2c("validate", folder.config, "--set", "training.epochs=0"))
    assert line.startswith("l2c: error: --set training.epochs: found 0")
    assert refused(l2c("run", folder.config, "--set", "training.epochs=0")) == line
    assert "--set: found 'epochs'" in refused(l2c("run", folder.config, "--set", "epochs"))


def test_without_a_root_it_is_said_where_it_was_looked_for(l2c: Command, refused: Refused, tmp_path: Path) -> None:
    for arguments in (("runs",), ("show", "1"), ("report",), ("compare", "1", "2"), ("lineage", "0" * 64)):
        line = refused(l2c(*arguments, cwd=tmp_path))
        assert f"no runs here yet (looked in {tmp_path}" in line
        assert "l2c run my.yaml" in line
        assert "build/*" in line
    assert list(tmp_path.iterdir()) == []
