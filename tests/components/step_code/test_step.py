"""Which steps run again after which change: of code, of an installed version, of a team's own architecture."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import learn2compress

REPOSITORY = Path(learn2compress.__file__).parents[1]
TRAINING = {"family_trainer", "joint_distill_trainer", "pick", "teacher_as_student", "prune", "quantize", "search"}
STUDENTS = {*TRAINING, "evaluate"}
STEPS = {*STUDENTS, "ingest", "teacher_load", "pusher"}
# Prints the digests as they are, then after each change alone: a text at the end of a file, or a folder of packages
# that is looked at before the others.
PRINT_DIGESTS = """
import contextlib, json, os, pathlib, sys
import components
from components.step_code.closure import closure_of
from pipelines.provenance import code_digests

@contextlib.contextmanager
def change(file="", text="", path=""):
    sys.path[:0] = [path] * bool(path)
    content = pathlib.Path(file).read_bytes() if file else b""
    if file:
        pathlib.Path(file).write_bytes(content + text.encode())
        os.utime(file, ns=(1, 1))
    yield
    if file:
        pathlib.Path(file).write_bytes(content)
        os.utime(file, ns=(2, 2))
    if path:
        sys.path.remove(path)

architecture, changes = json.loads(sys.argv[1])
found = []
for arguments in [{}, *changes]:
    with change(**arguments):
        closure_of.cache_clear()
        found.append(code_digests(architecture))
print(json.dumps([components.__file__, found]))
"""
OWN_ARCHITECTURE = """
import scipy
from own_package.layers import WIDTH
from learn2compress.students.flattening import flattened
"""


def copy_of_the_tree(folder: Path) -> Path:
    for name in ("learn2compress", "components", "pipelines"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The source tree in a folder of its own."""
    return copy_of_the_tree(tmp_path / "a")


def digests_after(folder: Path, changes: list[dict[str, str]], architecture: str = "residual") -> list[dict[str, str]]:
    # `-c` looks for modules in the working folder first.
    command = [sys.executable, "-B", "-c", PRINT_DIGESTS, json.dumps([architecture, changes])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    location, found = json.loads(done.stdout)
    assert Path(location).is_relative_to(folder)
    assert all(set(digests) == STEPS for digests in found)
    return list(found)


def digests_in(folder: Path) -> dict[str, str]:
    return digests_after(folder, [])[0]


def differing(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as source:
        source.write(text)


def write_package(folder: Path, name: str, version: str, **files: str) -> None:
    """The metadata of an installed package, as pip leaves them."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, text in files.items():
        (metadata / f"{file}.txt").write_text(text)


# Statements at the end of a file, and the steps that may run it.
STATEMENTS = {
    "components/prune/executor.py": {"prune"},
    "components/ingest/steps.py": {"ingest"},
    "components/ingest/tfdv.py": {"ingest"},  # named in a text alone, for Beam's workers
    "components/artifacts.py": STEPS - {"teacher_load"},  # it writes no artifact but the files that the library names
    "components/step_executor.py": STEPS,
    "components/step_code/step.py": set(),  # it reads code, and computes nothing
    "learn2compress/litert/worker.py": {
        "teacher_load",
        "joint_distill_trainer",
        "family_trainer",
        "pick",
        "quantize",
        "search",
        "evaluate",
    },
    "learn2compress/training/step.py": TRAINING,
    "learn2compress/report/page.py": {"pusher"},
    "learn2compress/report/table.py": set(),  # the terminal's, which no step prints
    "learn2compress/students/residual.py": STUDENTS,
    "learn2compress/students/resnet.py": set(),
    "learn2compress/students/mobilenet.py": set(),
    "learn2compress/progress_display.py": set(),  # it shows work, and computes none
    "pipelines/console.py": set(),
}
# Versions of packages, and the steps that compute with them.
VERSIONS = {
    "keras": {"teacher_load", *STUDENTS},
    "tensorflow": STEPS - {"pusher"},
    "numpy": STEPS,
    "litert-quantizer": {"quantize", "search"},
    # Beneath scikit-learn's digits and the quantizer, and assigns a teacher's outputs to classes.
    "scipy": {"ingest", "teacher_load", "quantize", "search"},
    "optuna": {"search"},
    "tensorflow-data-validation": {"ingest"},
    "matplotlib": {"pusher"},
    "jinja2": {"pusher"},
    "kfp": set(),
    "rich": set(),
    "fsspec": set(),
}


@pytest.fixture(scope="module")
def changed_by_statement(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folder = copy_of_the_tree(tmp_path_factory.mktemp("statements") / "a")
    changes = [{"file": file, "text": "\nONE_MORE = 1\n"} for file in STATEMENTS]
    before, *after = digests_after(folder, changes)
    return {file: differing(before, digests) for file, digests in zip(STATEMENTS, after, strict=True)}


@pytest.fixture(scope="module")
def changed_by_version(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folders = [tmp_path_factory.mktemp("packages") for _ in VERSIONS]
    for folder, package in zip(folders, VERSIONS, strict=True):
        importlib.metadata.version(package)  # else it would change nothing
        write_package(folder, package, "999.0")
    before, *after = digests_after(REPOSITORY, [{"path": str(folder)} for folder in folders])
    return {package: differing(before, digests) for package, digests in zip(VERSIONS, after, strict=True)}


def test_a_copy_elsewhere_has_the_digests_of_the_original(copy: Path) -> None:
    assert digests_in(copy) == digests_in(REPOSITORY)


def test_comments_layout_and_docstrings_change_nothing(copy: Path) -> None:
    before = digests_in(copy)
    for file in ("learn2compress/training/step.py", "learn2compress/report/table.py", "components/artifacts.py"):
        path = copy / file
        text = path.read_text(encoding="utf-8")
        path.write_text("# one more line\n\n\n" + text.replace('"""', '"""Other words. ', 1), encoding="utf-8")
    assert digests_in(copy) == before


@pytest.mark.parametrize("file", STATEMENTS)
def test_a_statement_changes_the_steps_that_may_run_it(changed_by_statement: dict[str, set[str]], file: str) -> None:
    assert changed_by_statement[file] == STATEMENTS[file]


def test_what_a_version_ships_as_text_and_its_templates_count_to_the_letter(copy: Path) -> None:
    files = ["release/classify.py", "report/model_card.md.j2", "report/page.css"]
    changes = [{"file": f"learn2compress/{file}", "text": "\n# one more line\n"} for file in files]
    before, *after = digests_after(copy, changes)
    assert [differing(before, digests) for digests in after] == [{"pusher"}] * 3


def test_our_own_version_changes_the_steps_that_write_it_into_files(copy: Path) -> None:
    before = digests_in(copy)
    path = copy / "learn2compress/__init__.py"
    path.write_text(path.read_text().replace("__version__ = ", "__version__ = 'next' or "))
    writers = {"joint_distill_trainer", "family_trainer", "pick", "quantize", "search"}  # files to measure, too
    assert differing(before, digests_in(copy)) == writers


@pytest.mark.parametrize("package", VERSIONS)
def test_another_version_changes_the_steps_that_compute_with_it(
    changed_by_version: dict[str, set[str]], package: str
) -> None:
    assert changed_by_version[package] == VERSIONS[package]


@pytest.fixture
def own_architecture(tmp_path: Path) -> Path:
    """A folder with a team's package that has an architecture of its own."""
    package = tmp_path / "site-packages" / "own_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "architecture.py").write_text(OWN_ARCHITECTURE)
    (package / "layers.py").write_text("WIDTH = 3\n")
    (package / "table.bin").write_bytes(b"0")
    entry_points = "[learn2compress.architectures]\nown = own_package.architecture:Own\n"
    write_package(package.parent, "own-package", "1.0", entry_points=entry_points)
    return package.parent


def digests_with(installed: Path, folder: Path = REPOSITORY) -> dict[str, str]:
    return digests_after(folder, [{"path": str(installed)}], "own")[1]


def test_any_file_of_a_teams_architecture_changes_the_steps_that_build_or_load_it(own_architecture: Path) -> None:
    package, path = own_architecture / "own_package", {"path": str(own_architecture)}
    files = [str(package / file) for file in ("architecture.py", "layers.py", "table.bin")]
    changes = [path, *({**path, "file": file, "text": "# more"} for file in files)]
    without, before, *after = digests_after(REPOSITORY, changes, "own")
    assert differing(without, before) == STUDENTS
    assert [differing(before, digests) for digests in after] == [STUDENTS] * 3


def test_a_teams_architecture_that_is_not_named_changes_nothing(own_architecture: Path) -> None:
    path = {"path": str(own_architecture)}
    changed = {**path, "file": str(own_architecture / "own_package" / "layers.py"), "text": "WIDTH = 4"}
    without, before, after = digests_after(REPOSITORY, [path, changed], "residual")
    assert without == before == after


def test_what_a_teams_architecture_imports_counts(own_architecture: Path, copy: Path) -> None:
    before = digests_with(own_architecture, folder=copy)
    write_package(own_architecture, "scipy", "999.0")
    after = digests_with(own_architecture, folder=copy)
    assert differing(before, after) == STUDENTS | {"ingest", "teacher_load"}
    # Of ours, beside what the steps import themselves.
    append(copy / "learn2compress/students/flattening.py", "\nONE_MORE = 1\n")
    assert differing(after, digests_with(own_architecture, folder=copy)) == STUDENTS


def test_a_teams_architecture_is_the_same_wherever_it_is_installed(own_architecture: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(own_architecture, elsewhere)
    (elsewhere / "own_package" / "__pycache__").mkdir()
    (elsewhere / "own_package" / "__pycache__" / "layers.cpython-311.pyc").write_bytes(b"made here")
    # What an editable installation leaves names a folder of this machine.
    (elsewhere / "own_package-1.0.dist-info" / "RECORD").write_text("__editable__.own-package-1.0.pth,,\n")
    (elsewhere / "__editable__.own-package-1.0.pth").write_text(str(elsewhere))
    assert digests_with(elsewhere) == digests_with(own_architecture)
