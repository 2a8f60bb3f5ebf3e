"""What all tests share: the files that take longest begin first, and what is costly is made once for all processes."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# The longest first, so that at the end of a run no core waits for one of them. Several of the first need what
# `shared_folder` makes: between them stand some that do not.
LONG_FILES = (
    "pipelines/test_end_to_end.py",
    "docs/test_tutorial.py",
    "benchmarks/test_benchmarks.py",
    "pipelines/kubeflow/test_compiled_run.py",
    "pipelines/test_kill_and_resume.py",
    "pipelines/test_family_run.py",
    "test_distributions.py",
    "pipelines/test_compression_options.py",
    "pipelines/test_training_options.py",
    "components/test_ingest.py",
    "learn2compress/training/test_loop.py",
    "pipelines/git_trigger/test_push_to_run.py",
    "learn2compress/compression/test_compress.py",
    "test_examples_in_docstrings.py",
    "pipelines/test_cached_steps.py",
    "learn2compress/command_line/test_compress.py",
    "pipelines/test_bad_data.py",
    "components/test_search.py",
    "learn2compress/quantization/test_qat.py",
    "examples/test_train_teacher.py",
    "examples/test_notebooks.py",
    "learn2compress/report/test_page.py",
    "benchmarks/test_student_folders.py",
    "learn2compress/quantization/test_qat_network.py",
    "learn2compress/training/test_step.py",
    "pipelines/git_trigger/test_burst.py",
    "learn2compress/search/test_width_for_budget.py",
    "pipelines/test_cli.py",
    "components/test_teacher_load.py",
    "learn2compress/students/test_unsharing.py",
    "components/step_code/test_step.py",
)
_RANKS = {file: rank for rank, file in enumerate(LONG_FILES)}
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the long files to the front; within a file, and behind them, the order stays."""
    items.sort(key=lambda item: _RANKS.get(item.path.relative_to(_TESTS).as_posix(), len(_RANKS)))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Returns the folder of a name, filled by whichever of the run's processes asks first; the others wait for it."""
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    root.mkdir(exist_ok=True)

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, is_filled = root / name, root / f"{name}.filled"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_filled.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                is_filled.touch()
        return folder

    return filled
