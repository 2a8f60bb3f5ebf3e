"""What would fail hours later and can be known in seconds: looked at before the first step, all of it at once.

Nothing is left behind: a destination is probed with a file that is deleted again, and the teacher is opened as
TeacherLoad opens it, behind the same checks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from learn2compress.config import CompressionConfig
from learn2compress.config.beam_options import operator_sentence
from learn2compress.config.file import is_utf8
from learn2compress.config.parsing import ConfigError, about
from learn2compress.progress import report
from learn2compress.release.push_probe import check_known, check_writable
from learn2compress.store_files import existing_folder, why_not_writable
from pipelines.run_root import RunRoot
from pipelines.store_file import tables_in, why_no_store
from pipelines.student_checks import check_trained_students, member_of_any_classes

if TYPE_CHECKING:
    from learn2compress.teachers.network import Member

_LEAST_FREE_BYTES = 100 * 10**6
_SQLITE_WAIT_SECONDS = 3.0


class NotReadyError(ConfigError):
    """Something that a run needs is not as it must be.

    Attributes:
      problems: One line each.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def check_run(config: CompressionConfig, root: RunRoot) -> tuple[str, ...]:
    """Checks what a run on this machine needs: its inputs, and the places that it writes to.

    Args:
      config: What to do.
      root: Where the run would live; it need not be there, and is not made.

    Returns:
      Sentences on what will go otherwise than the configuration asks, and stops nobody.

    Raises:
      NotReadyError: something is not as it must be; all of it is named.
    """
    found = _Findings()
    with found.collecting():
        check_writable(config.push.uri)
    with found.collecting():
        check_root(root)
    with found.collecting():
        _check_device(config)
    with found.collecting():
        sentence = operator_sentence(os.environ)
        found.notices += [sentence] if sentence else []
    _check_constraints(config, found)
    _check_inputs(config, found)
    return found.sentences()


def check_compiled(config: CompressionConfig) -> tuple[str, ...]:
    """Checks what can be checked from outside the cluster that will run a configuration.

    The inputs are read here anyway, for their digests. The destination is not contacted: the cluster's steps have
    credentials and volumes of their own.

    Args:
      config: What to do.

    Returns:
      As `check_run`.

    Raises:
      NotReadyError: something is not as it must be; all of it is named.
    """
    found = _Findings()
    with found.collecting():
        check_known(config.push.uri)
    _check_constraints(config, found)
    _check_inputs(config, found)
    return found.sentences()


def check_root(root: RunRoot) -> None:
    """Checks that a folder of runs can be written, has space, and that its metadata can be changed.

    Args:
      root: The folder, which need not be there.

    Raises:
      ConfigError: a run could not live there.
    """
    folder = root.folder
    if not is_utf8(folder):
        raise ConfigError(f"--root: {folder} is not UTF-8 text, accepted is a name in UTF-8, which lineage can hold")
    for path in (folder, root.artifacts, root.checkpoints, root.logs):
        reason = why_not_writable(path)
        if reason is not None:
            raise ConfigError(f"--root: {path} can't be written: {reason}; take another folder, or allow it")
    free_bytes = shutil.disk_usage(existing_folder(folder)).free
    if free_bytes < _LEAST_FREE_BYTES:
        raise ConfigError(
            f"--root: the disk of {folder} has {free_bytes / 1e6:.0f} MB left, and a run needs "
            f"{_LEAST_FREE_BYTES / 1e6:.0f} MB at least; free some, or take a folder on another disk"
        )
    if root.metadata.exists():
        _check_metadata(root.metadata)


class _Findings:
    """Collects what checks find."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Keeps the problem of a check that fails, so that the others are made, too."""
        try:
            yield
        except ConfigError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))

    def sentences(self) -> tuple[str, ...]:
        """Returns the notices; raises `NotReadyError` where there are problems."""
        if self.problems:
            raise NotReadyError(*self.problems)
        return tuple(self.notices)


def _check_metadata(path: Path) -> None:
    """Checks that a SQLite file is no other program's and can be changed: takes its lock, and returns it."""
    if tables_in(path) and (reason := why_no_store(path)):
        raise ConfigError(f"--root: {path}: {reason}, into which no run is written; take another folder")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_SQLITE_WAIT_SECONDS, isolation_level=None)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise ConfigError(
            f"--root: the metadata in {path} can't be changed: {error}; see that it may be written and that no other "
            "program has it open, or take another folder"
        ) from None


def _check_device(config: CompressionConfig) -> None:
    device = config.evaluate.device
    if device is None:
        return
    if not Path(device.benchmark_model).is_file():
        raise ConfigError(
            f"evaluate.device.benchmark_model: found no file {device.benchmark_model}, accepted is the benchmark_model "
            "binary built for the device"
        )
    if shutil.which("adb") is None:
        raise ConfigError("evaluate.device: found no program adb, which reaches the device; install it")


def _check_constraints(config: CompressionConfig, found: _Findings) -> None:
    if not config.constraints.has_limits:
        found.notices.append(
            "constraints: no limit is set, so every student that is better than guessing is pushed, however large, "
            "slow or inaccurate; constraints.max_model_bytes and max_accuracy_drop are usual ones"
        )


def _check_top_k(config: CompressionConfig, num_classes: int) -> None:
    """Refuses a limit on top-k accuracy where any k answers are right."""
    if config.constraints.min_top_k_accuracy is not None and config.evaluate.top_k >= num_classes:
        mend = f"set evaluate.top_k below {num_classes}" if num_classes > 2 else "take min_accuracy"
        raise ConfigError(
            f"constraints.min_top_k_accuracy: found it with evaluate.top_k {config.evaluate.top_k} and {num_classes} "
            f"classes, accepted are fewer: {mend}"
        )


def _check_inputs(config: CompressionConfig, found: _Findings) -> None:
    """Checks data, teacher and students, the quick checks first.

    Args:
      config: What to do.
      found: Where problems and notices go.
    """
    report("check the data", 0, 3)
    labels = None
    with found.collecting():
        labels = _class_names(config)
    with found.collecting():
        _check_top_k(config, len(labels or ()) or config.evaluate.top_k + 1)
    report("check the teacher", 1, 3)
    member = _check_teacher(config, labels, found)
    report("check the students", 2, 3)
    if member is not None and config.own_students:
        with found.collecting():
            from learn2compress.steps.own_student_checks import check_own_students

            found.notices += check_own_students(config, member)
    with found.collecting():
        found.notices += check_trained_students(config, None if labels is None else len(labels))


def _class_names(config: CompressionConfig) -> tuple[str, ...] | None:
    """Returns the data's class names in index order; `None` where only reading everything tells."""
    from learn2compress.data.sources import plan

    return plan(config.data, config.task).names


def _check_teacher(config: CompressionConfig, labels: tuple[str, ...] | None, found: _Findings) -> Member | None:
    """Opens the teacher as TeacherLoad will; returns its first network, or `None` where that can't be told yet."""
    from learn2compress.teachers.fetching import fetch_teacher
    from learn2compress.teachers.loading import check_opens, load_teacher
    from learn2compress.teachers.members import members_of

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for field, member in members_of(config.teacher).items():
            with found.collecting():
                with about(f"{field}.uri"):
                    path = fetch_teacher(member.uri, Path(folder) / field)
                if labels is None or config.teacher.ensemble:
                    check_opens(path, config.task, field)
                paths.append(path)
        # Where only reading everything tells the data's classes, `classes` says how many there must be.
        known = labels if labels is not None else config.teacher.classes or None
        if len(paths) < len(members_of(config.teacher)):
            return None
        if known is None:
            with found.collecting():
                return member_of_any_classes(config, paths[0])
            return None
        with found.collecting():
            teacher = load_teacher(paths, config.teacher, config.task, len(known), known)
            if teacher.takes_text:
                raise ConfigError(
                    "teacher.uri: found a teacher that takes strings, accepted is one that takes the hashed features: "
                    "students are measured against the teacher's LiteRT file"
                )
            return teacher.members[0]
    return None
