"""The teacher's part before any training: checked on the data, as a measured file, and its logits or copies."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from learn2compress import progress
from learn2compress.compression.teacher import StoredTeacher
from learn2compress.compression.work_folder import WorkFolder
from learn2compress.config import CompressionConfig, TaskConfig, TeacherConfig, TeacherOutput
from learn2compress.config.parsing import parse, to_dict
from learn2compress.data.examples import shard_paths
from learn2compress.data.labelled_sample import read_labelled_sample
from learn2compress.data.records import Split
from learn2compress.file_names import LITERT_FILE, PREDICTIONS_FILE, REPORT_FILE
from learn2compress.litert.measure import measure_file
from learn2compress.results.reports import ModelReport, read_json, write_json
from learn2compress.steps.evaluate import PredictionWork, predict_split, teacher_settings
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.steps.own_student_checks import check_own_students
from learn2compress.steps.teacher import LogitsWork, check_answers, litert_file, write_shard_logits
from learn2compress.teachers.answer_check import sample_size
from learn2compress.teachers.augmented_views import ViewPlan
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.members import fetch_members
from learn2compress.teachers.scaling_choice import choose_scaling
from learn2compress.teachers.stored import store_copies
from learn2compress.teachers.teacher import LoadedTeacher

TEACHER_FOLDER, BASELINE = "teacher", "teacher_measured"
_TEACHER = "teacher"  # the name of its measurements
# Beside the teacher's file: how it is read, and what it returns.
_CONFIG_FILE, _OUTPUT_FILE = "teacher_config.json", "teacher_output.json"


def checked_teacher(
    config: CompressionConfig,
    stored: StoredTeacher,
    examples: ExamplesFolder,
    labels: Sequence[str],
    folder: WorkFolder,
    scratch: Path,
    choose: bool,
) -> CompressionConfig:
    """Checks the teacher on labelled examples, and writes its file, its logits, or its copies where it is live.

    Args:
      config: All settings.
      stored: The teacher's file.
      examples: The examples.
      labels: Class names in index order.
      folder: Where results are left.
      scratch: Where members of an ensemble may be copied.
      choose: Whether the input scaling is chosen by what the teacher is right on, since nobody said it.

    Returns:
      The configuration with the teacher's input scaling.

    Raises:
      ConfigError: the teacher is unsafe, does not fit the data, or is no yardstick for it.
    """

    def write(path: Path) -> None:
        paths = (
            (stored.path, *fetch_members(config.teacher, scratch)[1:]) if config.teacher.ensemble else (stored.path,)
        )
        chosen = config.teacher
        teacher = load_teacher(paths, chosen, config.task, len(labels), labels)
        if choose:
            chosen = _with_chosen_scaling(chosen, teacher, config.task, examples, labels)
            teacher = load_teacher(paths, chosen, config.task, len(labels), labels)
        check_answers(teacher, chosen, config.task, labels, examples.shards(Split.TRAIN))
        (path / LITERT_FILE).write_bytes(litert_file(teacher))
        write_json(path / _CONFIG_FILE, to_dict(chosen))
        write_json(path / _OUTPUT_FILE, teacher.output.value)
        has_own_student = bool(config.own_students)
        if has_own_student:
            for sentence in check_own_students(dataclasses.replace(config, teacher=chosen), teacher.members[0]):
                progress.notice("students", sentence)
        if chosen.is_live or has_own_student:
            store_copies(path, paths, teacher.members)
        if not chosen.is_live:
            _write_logits(dataclasses.replace(config, teacher=chosen), teacher, examples, labels, path)

    made = folder.once(TEACHER_FOLDER, write)
    return dataclasses.replace(config, teacher=parse(TeacherConfig, json.loads((made / _CONFIG_FILE).read_bytes())))


def _with_chosen_scaling(
    config: TeacherConfig, teacher: LoadedTeacher, task: TaskConfig, examples: ExamplesFolder, labels: Sequence[str]
) -> TeacherConfig:
    """Returns settings with the input scaling that makes most answers right; an order of classes is not supposed."""
    member = teacher.members[0]
    if member.network.takes_text or not member.network.input_dtype.is_floating:
        return config
    size = sample_size(examples.num_classes)
    sample = read_labelled_sample(examples.shards(Split.TRAIN), task.input_shape, examples.num_classes, size)
    if not len(sample):
        return config
    choice = choose_scaling(member, task, sample, labels)
    scaling = choice.scaling
    sentence = (
        f"input_scaling is chosen by {len(sample)} labelled examples: multiply {scaling.multiply}, add {scaling.add}, "
        f"channel_order {scaling.channel_order.value}"
    )
    if choice.others:
        sentence += (
            f"; as right, or nearly, where it {' or '.join(choice.others)}: say which by "
            "teacher={'uri': ..., 'input_scaling': {...}}"
        )
    progress.notice("teacher", sentence)
    return dataclasses.replace(config, input_scaling=scaling)


def _write_logits(
    config: CompressionConfig, teacher: LoadedTeacher, examples: ExamplesFolder, labels: Sequence[str], path: Path
) -> None:
    """Writes the teacher's logits of the training split, which is all that students learn from."""
    views = ViewPlan.of(config.teacher, config.training.augment, config.seed)
    work = LogitsWork((), config.teacher, "", config.task, tuple(labels), views, examples.path, path)
    num_passes, num_done = examples.num_train * views.num_views, 0

    def on_batch(count: int) -> None:
        nonlocal num_done
        num_done += count
        progress.report("teacher's logits", min(num_done, num_passes), num_passes, unit="forward passes")

    for shard in shard_paths(examples.shards(Split.TRAIN)):
        write_shard_logits(work, teacher, Split.TRAIN, shard.name, on_batch)


def measured_teacher(
    config: CompressionConfig, examples: ExamplesFolder, labels: Sequence[str], folder: WorkFolder
) -> ModelReport:
    """Measures the teacher's file as those of the students will be.

    Args:
      config: All settings.
      examples: The examples.
      labels: Class names in index order.
      folder: Where `checked_teacher` left its results.
    """
    teacher = folder.path / TEACHER_FOLDER
    gives_logits = json.loads((teacher / _OUTPUT_FILE).read_bytes()) == TeacherOutput.LOGITS
    work = PredictionWork(
        model_path=teacher / LITERT_FILE,
        task=config.task,
        settings=teacher_settings(config.evaluate, len(labels), gives_logits),
        examples=examples.path,
        num_examples=examples.num_held_out,
    )

    def write(path: Path) -> None:
        report, predictions = measure_file(
            _TEACHER, work.model_path, work.model_path, labels, config.evaluate, lambda: predict_split(work)
        )
        write_json(path / REPORT_FILE, report)
        predictions.save(path / PREDICTIONS_FILE)

    report: ModelReport = read_json(ModelReport, folder.once(BASELINE, write) / REPORT_FILE)
    return report
