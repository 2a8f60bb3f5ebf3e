"""The teacher as later steps need it: checked on labelled examples, as a LiteRT file, its logits beside the shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from learn2compress import progress
from learn2compress.config import Precision, TaskConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError, about
from learn2compress.data.completeness import check_count
from learn2compress.data.examples import read_batches, read_serialized, write_shard
from learn2compress.data.labelled_sample import read_labelled_sample
from learn2compress.data.records import Split
from learn2compress.litert.load_check import check_runs
from learn2compress.teachers.answer_check import Finding, check_teacher_answers, sample_size
from learn2compress.teachers.augmented_views import ViewPlan
from learn2compress.teachers.teacher import LoadedTeacher

_BATCH = 1024


def check_answers(
    teacher: LoadedTeacher, config: TeacherConfig, task: TaskConfig, labels: Sequence[str], train: Path
) -> tuple[Finding, ...]:
    """Asks the teacher for some labelled training examples, and says what a person must read of its answers.

    Args:
      teacher: The teacher.
      config: How poor it may be.
      task: The examples' kind and shape.
      labels: Class names in index order.
      train: Folder of the training shards.

    Returns:
      A finding for each network.

    Raises:
      ConfigError: it is no yardstick for the data.
    """
    size = sample_size(len(labels))
    sample = read_labelled_sample(train, task.input_shape, len(labels), size, with_texts=teacher.takes_text)
    findings = check_teacher_answers(teacher, config, task, labels, sample)
    for finding in findings:
        if finding.is_doubtful:
            progress.notice("teacher", finding.sentence)
    return findings


def litert_file(teacher: LoadedTeacher) -> bytes:
    """Returns the teacher as a LiteRT file that runs, which students are measured against.

    Args:
      teacher: The teacher.

    Raises:
      ConfigError: it takes strings, or has operations that LiteRT does not have.
      ModelFileError: the file does not run.
    """
    model = teacher.to_litert()
    if model is None:
        raise ConfigError(
            "teacher.uri: found a teacher that takes strings, accepted is one that takes the hashed features: "
            "students are measured against the teacher's LiteRT file"
        )
    check_runs(model, "teacher.uri")
    return model


@dataclasses.dataclass(frozen=True)
class LogitsWork:
    """All that a worker needs to know; small, and safe to pickle.

    Attributes:
      teacher_paths: Files or SavedModel folders, one for each member.
      teacher: How to read them.
      teacher_sha256: Hash of what is in them: a path may lead elsewhere on another machine.
      task: The examples' kind and shape.
      labels: Class names of the data in index order.
      views: Views of each training example; a held-out one has itself alone.
      examples: Folder with a folder of shards for each split.
      logits: The same for the logits.
    """

    teacher_paths: tuple[Path, ...]
    teacher: TeacherConfig
    teacher_sha256: str
    task: TaskConfig
    labels: tuple[str, ...]
    views: ViewPlan
    examples: Path
    logits: Path

    @property
    def num_classes(self) -> int:
        """Returns the number of the data's classes."""
        return len(self.labels)

    def views_of(self, split: str) -> ViewPlan:
        """Returns the views that each example of a split has logits of.

        Args:
          split: Name of the split.
        """
        return self.views if split == Split.TRAIN else ViewPlan()

    def precision_of(self, split: str) -> Precision:
        """Returns what the logits of a split are computed in: students learn from those of the training split alone.

        Args:
          split: Name of the split.
        """
        return self.teacher.precision if split == Split.TRAIN else Precision.FLOAT32

    def target(self, split: str, name: str) -> Path:
        """Returns the shard of logits beside a shard of examples.

        Args:
          split: Name of the split.
          name: Name of the shard of examples.
        """
        return self.logits / split / name.replace("examples-", "logits-")


def write_shard_logits(
    work: LogitsWork, teacher: LoadedTeacher, split: str, name: str, on_batch: Callable[[int], object]
) -> int:
    """Writes a record of float32 logits for each example of a shard, views one after the other.

    Args:
      work: What to do.
      teacher: The teacher, loaded.
      split: Name of the split.
      name: Name of the shard of examples.
      on_batch: Called with the number of examples after each forward pass of each view.

    Returns:
      Records in the file that was written.

    Raises:
      ConfigError: the shard is damaged, or the teacher answers with NaN.
      OSError: the shard of logits can't be written.
      RecordsLostError: a record holds less or more than the logits of an example.
    """
    views, precision = work.views_of(split), work.precision_of(split)

    def rows() -> Iterator[bytes]:
        shape, path = work.task.input_shape, work.examples / split / name
        for batch in read_batches(path, shape, with_texts=teacher.takes_text, batch_size=_BATCH):
            logits = []
            for view in views.views(batch.inputs):
                with about("teacher.uri"):
                    logits.append(teacher.logits(view, batch.texts if teacher.takes_text else None, precision))
                on_batch(len(batch.inputs))
            yield from (row.tobytes() for row in np.concatenate(logits, axis=1).astype("<f4"))

    target = work.target(split, name)
    write_shard(target, rows())
    return _count_rows(target, views.num_views * work.num_classes)


def _count_rows(shard: Path, num_values: int) -> int:
    """Counts the records of a shard of logits in the file itself.

    Args:
      shard: The file.
      num_values: float32 values that each record must hold.

    Returns:
      Records in the file.

    Raises:
      RecordsLostError: a record holds less or more.
      SourceError: the file is damaged.
    """
    count = 0
    for record in read_serialized(shard):
        check_count(f"{shard}: values of record {count}", num_values, len(record) // np.dtype("<f4").itemsize)
        count += 1
    return count
