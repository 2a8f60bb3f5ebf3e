"""What the steps of a compression work with: settings, checked examples, and the teacher's signal."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learn2compress import __version__
from learn2compress.compression.input_form import InputForm
from learn2compress.compression.reading import read_data
from learn2compress.compression.session import working
from learn2compress.compression.settings import Students, check_settings, sized_students, whole
from learn2compress.compression.signal import TEACHER_FOLDER, checked_teacher, measured_teacher
from learn2compress.compression.teacher import StoredTeacher, teacher_source
from learn2compress.compression.work_folder import WorkFolder
from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import to_dict
from learn2compress.results.data import DataReport
from learn2compress.results.reports import ModelReport
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.steps.training_inputs import TeacherUse, TrainingInputs, TrainingSettings
from learn2compress.teachers.members import fetch_members, joint_sha256
from learn2compress.teachers.safety import content_sha256


@dataclasses.dataclass(frozen=True, eq=False)
class Compression:
    """A compression that is prepared: its data are read and checked, its teacher is asked and measured.

    Attributes:
      config: All settings, as a pipeline's configuration has them.
      labels: Class names in index order.
      data: What was counted in the examples.
      max_model_bytes: The largest size of each student's file that was asked for, by name.
      teacher: What was measured on the teacher's file, which students are compared with.
      examples: The examples that were written.
      input_form: How further examples become bytes.
      provenance: Digests of data and teacher.
      folder: Where each step leaves its results, and finds them again.
    """

    config: CompressionConfig
    labels: tuple[str, ...]
    data: DataReport
    max_model_bytes: Mapping[str, int]
    teacher: ModelReport
    examples: ExamplesFolder
    input_form: InputForm
    provenance: Mapping[str, str]
    folder: WorkFolder

    @property
    def teacher_folder(self) -> Path:
        """Returns the folder of the teacher's file, logits and copies."""
        return self.folder.path / TEACHER_FOLDER

    def training_inputs(self, name: str, teacher: Path | None = None) -> TrainingInputs:
        """Opens what a step trains with, and makes all that follows in this process a function of the seed.

        Args:
          name: Of the training, for its checkpoint.
          teacher: Folder of a live teacher; by default that of the teacher as it was given.
        """
        config = self.config
        settings = TrainingSettings(
            config.task,
            config.training,
            TeacherUse.of(config.teacher),
            config.seed,
            str(self.folder.path / "checkpoints"),
        )
        return TrainingInputs.open(self.examples, self.teacher_folder, teacher or self.teacher_folder, settings, name)


def prepare(
    teacher: Any,
    train: Any,
    held_out: Any = None,
    *,
    students: Students,
    validation: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    **settings: Any,
) -> Compression:
    """Reads and checks the data, checks, asks and measures the teacher, and sizes the students.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images = digits.images / 16
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, digits.target, epochs=5, verbose=0)
      >>> compression = l2c.prepare(teacher, (images, digits.target), students={"small": "30 kB"})
      >>> compression.labels[:3], compression.data.num_train, compression.data.num_held_out
      (('0', '1', '2'), 1412, 385)
      >>> compression.teacher.accuracy.top_1 > 0.5
      True

    Args:
      teacher: As for `compress`.
      train: As for `compress`.
      held_out: As for `compress`.
      students: As for `compress`.
      validation: As for `compress`.
      checkpoint: As for `compress`.
      class_names: As for `compress`.
      **settings: As for `compress`.

    Raises:
      ConfigError: as `compress`.
    """
    check_settings(settings, students)
    with working():
        root = WorkFolder(checkpoint)
        with root.in_use(), root.scratch() as scratch:
            source = teacher_source(teacher)
            stored = source.stored(Path(scratch))
            found = read_data(stored, train, held_out, class_names, settings, Path(scratch) / "examples", validation)
            sized = sized_students(students, settings.get("training", {}), found.task, found.data.labels)
            given = {**settings, "task": to_dict(found.task), "training": dict(sized.training)}
            how_read = dict(source.settings)
            if found.pixels is not None and not source.has_scaling:
                how_read["input_scaling"] = to_dict(found.pixels.scaling)
            config = whole(given, how_read, to_dict(found.config), sized.students)
            stored = stored.probed(found.task) if stored.has_own_code else stored
            members = _member_digests(config, Path(scratch) / "members")
            folder = root.of(_digest(config, found.data, stored, members))
            examples = folder.once("examples", lambda path: _copy(Path(scratch) / "examples", path))
            counted = ExamplesFolder(
                examples,
                found.data.num_train,
                found.data.num_held_out,
                found.data.num_unlabelled,
                len(found.data.labels),
                found.data.num_validation,
            )
            choose = found.pixels is None and not source.has_scaling
            config = checked_teacher(config, stored, counted, found.data.labels, folder, Path(scratch), choose)
            report = measured_teacher(config, counted, found.data.labels, folder)
    return Compression(
        config,
        found.data.labels,
        found.data,
        sized.max_model_bytes,
        report,
        counted,
        InputForm(found.task, found.config, found.pixels),
        {
            "data_sha256": found.data.content_sha256,
            "teacher_sha256": joint_sha256((stored.sha256, *members)),
            "learn2compress": __version__,
        },
        folder,
    )


def _member_digests(config: CompressionConfig, folder: Path) -> tuple[str, ...]:
    """Returns the digests of the ensemble's other teachers, in their order; of a single teacher none."""
    if not config.teacher.ensemble:
        return ()
    return tuple(map(content_sha256, fetch_members(config.teacher, folder)[1:]))


def _digest(config: CompressionConfig, data: DataReport, teacher: StoredTeacher, members: Sequence[str]) -> str:
    """Returns the digest of everything that results depend on; where data and teachers are stored is not of it.

    Args:
      config: All settings.
      data: What was counted in the examples, with their digest.
      teacher: The teacher.
      members: Digests of the ensemble's other teachers.
    """
    plain = to_dict(config)
    plain["teacher"].pop("uri")
    for member in plain["teacher"].get("ensemble") or ():
        member.pop("uri", None)
    for name in ("uri", "held_out_uri", "validation_uri", "unlabelled_uri"):
        plain["data"].pop(name)
    content = [plain, data.content_sha256, teacher.sha256, list(members), __version__]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
