"""A configuration's data and teacher signal as the pipeline's first steps write them, for benchmarks that train."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

import learn2compress
from learn2compress.config import CompressionConfig, StudentViews
from learn2compress.config.parsing import to_dict
from learn2compress.data.batches import TrainingData
from learn2compress.data.examples import encode_example, read_examples, shard_path, write_shard
from learn2compress.data.fingerprint import source_fingerprint
from learn2compress.data.reading import class_index, read_records
from learn2compress.data.records import Split
from learn2compress.teachers.augmented_views import ViewPlan
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.members import fetch_members
from learn2compress.teachers.stored import store_copies

LIBRARY = Path(learn2compress.__file__).parent
EXAMPLES_ROOMS = ("data", "config")
LOGITS_ROOMS = (*EXAMPLES_ROOMS, "teachers")
"""Parts of the library that decide about examples, and about a teacher's logits of them."""


def sources_sha256(*rooms: str) -> str:
    """Returns a hash of the library's sources, so that nothing is found again which other code made.

    Args:
      *rooms: Packages in the library, such as "data"; all of it unless named.

    Returns:
      64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for folder in [LIBRARY / room for room in rooms] or [LIBRARY]:
        for path in sorted(folder.rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(LIBRARY).as_posix()} {content}\n".encode())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Examples on disk.

    Attributes:
      folder: Holds a folder of shards for each split.
      num_train: Examples for training.
      num_held_out: Examples held out.
      class_names: Names of the classes, in index order.
    """

    folder: Path
    num_train: int
    num_held_out: int
    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def training_data(self, config: CompressionConfig, logits: Path | None, *, num_validation: int = 0) -> TrainingData:
        """Opens the examples as the pipeline does.

        Args:
          config: Batches, augmentation and views.
          logits: Folder of the teacher's stored logits; None for a live teacher.
          num_validation: The first so many training examples are kept back: nobody trains on them.

        Returns:
          Both splits.
        """
        training = config.training
        return TrainingData(
            train=self.folder / Split.TRAIN,
            train_logits=logits,
            held_out=self.folder / Split.HELD_OUT,
            num_train=self.num_train,
            num_held_out=self.num_held_out,
            num_classes=self.num_classes,
            input_shape=config.task.input_shape,
            batch_size=training.batch_size_for(self.num_train),
            shuffle_buffer=training.shuffle_buffer,
            augment=training.augment,
            num_views=config.teacher.cached_views if training.augment.is_active and logits else 1,
            shows_fresh_views=config.teacher.student_views is StudentViews.FRESH,
            seed=config.seed,
            num_validation=num_validation,
        )


def teacher_sha256(config: CompressionConfig) -> str:
    """Returns a hash of the content of the teacher's files, and of those of its ensemble.

    Args:
      config: Names the teacher.

    Returns:
      64 hexadecimal digits.

    Raises:
      ConfigError: a teacher can't be found or read.
    """
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as name:
        for path in fetch_members(config.teacher, Path(name)):
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    content = hashlib.sha256(file.read_bytes()).hexdigest()
                    digest.update(f"{file.relative_to(path).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def prepare_logits(config: CompressionConfig, prepared: Prepared) -> Path:
    """Writes the fixed teacher's logits of every view of the training examples, or finds them there.

    Args:
      config: Names the teacher, the augmentation and the seed.
      prepared: The examples.

    Returns:
      The folder of the logits.
    """
    views = ViewPlan.of(config.teacher, config.training.augment, config.seed)
    parts = [teacher_sha256(config), to_dict(config.teacher), dataclasses.asdict(views), sources_sha256(*LOGITS_ROOMS)]
    key = json.dumps(parts, sort_keys=True)
    folder = prepared.folder / f"logits-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if not folder.exists():
        write_logits(config, prepared, folder)
    return folder


def write_logits(config: CompressionConfig, prepared: Prepared, folder: Path) -> None:
    """Writes the fixed teacher's logits of every view of the training examples.

    Args:
      config: Names the teacher, the augmentation and the seed.
      prepared: The examples.
      folder: Where to.
    """
    views = ViewPlan.of(config.teacher, config.training.augment, config.seed)
    with tempfile.TemporaryDirectory() as name:
        paths = fetch_members(config.teacher, Path(name))
        teacher = load_teacher(paths, config.teacher, config.task, prepared.num_classes, prepared.class_names)
    examples = list(read_examples(prepared.folder / Split.TRAIN))
    rows = np.frombuffer(b"".join(example.input for example in examples), np.uint8)
    inputs = rows.reshape(-1, *config.task.input_shape)
    logits = np.concatenate(
        [teacher.logits(view, precision=config.teacher.precision) for view in views.views(inputs)], axis=1
    )
    write_shard(shard_path(folder, 0, 1, "logits"), (row.astype("<f4").tobytes() for row in logits))


def live_teacher(config: CompressionConfig, prepared: Prepared) -> LiveTeacher:
    """Loads the teacher as it runs in each step.

    Args:
      config: Names the teacher.
      prepared: The examples, for the names of their classes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = fetch_members(config.teacher, folder)
        teacher = load_teacher(paths, config.teacher, config.task, prepared.num_classes, prepared.class_names)
        store_copies(folder, paths, teacher.members)
        return LiveTeacher.load(folder, config.task, prepared.num_classes, precision=config.teacher.precision)


def prepare_examples(
    config: CompressionConfig, root: Path, max_train: int | None = None, *, for_choice: bool = False
) -> Prepared:
    """Writes the examples below `root`, or finds them there.

    Data are the same where the names, sizes and times of their files are.

    Args:
      config: Names the data.
      root: Folder that later runs find again.
      max_train: Keep this many training examples, those of the smallest content
        hashes: a sample that depends on nothing else.
      for_choice: Hold out the next `max_train` training examples instead of the held-out split, which whoever
        chooses settings must not see.

    Returns:
      Where the examples are, and how many.
    """
    about = [to_dict(config.data), to_dict(config.task), max_train, *(["for choice"] if for_choice else [])]
    about.append(source_fingerprint(config.data))
    key = json.dumps([*about, sources_sha256(*EXAMPLES_ROOMS)], sort_keys=True)
    folder = root / f"{config.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    summary = folder / "summary.json"
    if not summary.exists():
        shutil.rmtree(folder, ignore_errors=True)
        records, names = read_records(config)
        train, held_out = records[Split.TRAIN], records[Split.HELD_OUT]
        if for_choice and max_train:
            held_out = train[max_train : 2 * max_train]
        counts = {}
        for split, rows in ((Split.TRAIN, train[:max_train]), (Split.HELD_OUT, held_out)):
            write_shard(
                shard_path(folder / split, 0, 1),
                (encode_example(r.content, class_index(r, names), r.content_sha256, r.source) for r in rows),
            )
            counts[split.value] = len(rows)
        summary.write_text(json.dumps([counts["train"], counts["held_out"], names]))
    num_train, num_held_out, names = json.loads(summary.read_text())
    return Prepared(folder, num_train, num_held_out, tuple(names))
