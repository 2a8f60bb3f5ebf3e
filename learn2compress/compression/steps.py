"""The steps of a compression one by one: `compress` is these in a row."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras

from learn2compress.compression.family import Family
from learn2compress.compression.preparation import Compression
from learn2compress.compression.session import working
from learn2compress.compression.signal import BASELINE
from learn2compress.compression.students import MeasuredStudent, StudentFile, TrainedStudent
from learn2compress.config import StudentConfig
from learn2compress.config.parsing import ConfigError, to_dict
from learn2compress.file_names import LITERT_FILE, PREDICTIONS_FILE, QUANTIZATION_FILE, REPORT_FILE
from learn2compress.litert.measure import measure_file
from learn2compress.litert.predictions import Predictions
from learn2compress.release.version import PushCandidate, decide
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import ModelReport, read_json, write_json
from learn2compress.steps.evaluate import PredictionWork, predict_split, student_settings
from learn2compress.steps.own_student import make_own_student
from learn2compress.steps.prune import prune_and_analyse
from learn2compress.steps.quantize import make_student_file
from learn2compress.steps.student_folder import read_network, read_student_folder, write_student_folder
from learn2compress.steps.train import train_students
from learn2compress.students.joint import content_sha256
from learn2compress.teachers.stored import load_stored

_TRAINED = "trained"
_TRAINED_TEACHER = "trained_teacher"  # which no student may be called


def train_jointly(compression: Compression) -> dict[str, TrainedStudent]:
    """Trains all students at once, with the teacher's signal; one of its own network is copied as it is.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> keras.utils.set_random_seed(7)
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> compression = l2c.prepare(
      ...     teacher, (images, labels), students={"small": "20 kB"}, checkpoint="digits", training={"epochs": 1},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> students = l2c.train_jointly(compression)
      >>> students["small"].model.output_shape
      (None, 10)

    Args:
      compression: From `prepare`.

    Returns:
      The students by name, as float networks of their own.

    Raises:
      ConfigError: a student can't be built or sized as it was asked for.
    """

    def write(folder: Path) -> None:
        inputs, config = compression.training_inputs("train"), compression.config
        own = [student.name for student in config.students if student.is_teacher]
        for name in own:
            (member,) = load_stored(compression.teacher_folder, config.task, len(compression.labels))
            write_student_folder(folder / name, *make_own_student(inputs, member, name))
        if config.trained_students:
            trained = train_students(inputs, compression.labels, config.trained_students)
            for name, student in trained.students.items():
                write_student_folder(folder / name, student, trained.history[name])
            if inputs.settings.teacher_use.learning_rate is not None and inputs.teacher is not None:
                inputs.teacher.save(folder / _TRAINED_TEACHER)
        inputs.checkpoint.discard()

    with working():
        folder = compression.folder.once(_TRAINED, write)
        return {
            student.name: TrainedStudent(student.name, *read_student_folder(folder / student.name))
            for student in compression.config.students
        }


def prune(compression: Compression, student: TrainedStudent) -> TrainedStudent:
    """Prunes and fine-tunes one student, as `prune` and the student's own settings say.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> keras.utils.set_random_seed(7)
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> compression = l2c.prepare(
      ...     teacher, (images, labels), students={"small": "20 kB"}, checkpoint="digits", training={"epochs": 1},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> pruned = l2c.prune(compression, l2c.train_jointly(compression)["small"])
      >>> [record.phase for record in pruned.history]
      ['train', 'prune']

    Args:
      compression: From `prepare`.
      student: From `train_jointly`; it stays as it is.

    Returns:
      The pruned student.

    Raises:
      ConfigError: what the settings ask for is not possible with this student.
    """
    config = compression.config.prune_of(_config_of(compression, student.name))
    name = _name_of("prune", student)

    def write(folder: Path) -> None:
        inputs = compression.training_inputs(name, _signal(compression))
        network = _copied(student.model, folder)
        pruned = prune_and_analyse(inputs, network, student.name, student.history, config)
        write_student_folder(folder, pruned.student, pruned.history)
        inputs.checkpoint.discard()

    with working():
        return TrainedStudent(student.name, *read_student_folder(compression.folder.once(name, write)))


def quantize(compression: Compression, student: TrainedStudent) -> StudentFile:
    """Trains one student for 8 bits, or as its recipe says, and makes the file that ships.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> keras.utils.set_random_seed(7)
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> compression = l2c.prepare(
      ...     teacher, (images, labels), students={"small": "20 kB"}, checkpoint="digits", training={"epochs": 1},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> file = l2c.quantize(compression, l2c.train_jointly(compression)["small"])
      >>> file.quantization.shipped.startswith("int8"), len(file.content) <= 20_000
      (True, True)

    Args:
      compression: From `prepare`.
      student: From `prune` or `train_jointly`; it stays as it is.

    Returns:
      The file.

    Raises:
      ModelFileError: the recipe's file can't be made of this student, or does not run.
    """
    own = _config_of(compression, student.name)
    config = compression.config.quantize_of(own)
    name = _name_of("quantize", student)

    def write(folder: Path) -> None:
        inputs = compression.training_inputs(name, _signal(compression))
        network = _copied(student.model, folder)
        file, records = make_student_file(
            inputs,
            network,
            student.name,
            config,
            min_layer_weights=compression.config.prune_of(own).min_layer_weights,
            family_name=compression.config.name,
            contact=compression.config.push.contact or "",
            license=compression.config.push.license or "",
            labels=compression.labels,
            sample=inputs.sample(config.calibration_examples),
            checkpoint=inputs.checkpoint,
        )
        write_student_folder(folder, student.model, student.history + records)
        (folder / LITERT_FILE).write_bytes(file.model_bytes)
        write_json(folder / QUANTIZATION_FILE, file.report)
        inputs.checkpoint.discard()

    with working():
        folder = compression.folder.once(name, write)
        model, history = read_student_folder(folder)
        report: QuantizationReport = read_json(QuantizationReport, folder / QUANTIZATION_FILE)
        return StudentFile(student.name, model, (folder / LITERT_FILE).read_bytes(), history, report)


def evaluate(compression: Compression, file: StudentFile) -> MeasuredStudent:
    """Measures a file as a phone will run it, beside the teacher and the network that it was made from.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> keras.utils.set_random_seed(7)
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> compression = l2c.prepare(
      ...     teacher, (images, labels), students={"small": "20 kB"}, checkpoint="digits", training={"epochs": 1},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> student = l2c.evaluate(compression, l2c.quantize(compression, l2c.train_jointly(compression)["small"]))
      >>> student.model_bytes <= 20_000, 0 <= student.accuracy <= 1
      (True, True)
      >>> student.predict(images[:3]).shape
      (3, 10)

    Args:
      compression: From `prepare`.
      file: From `quantize`.

    Returns:
      The student with its measurements.

    Raises:
      ModelFileError: the file can't be run.
    """
    config = compression.config.evaluate
    name = _name_of("evaluate", file)

    def write(folder: Path) -> None:
        write_student_folder(folder, file.model, file.history)
        (folder / LITERT_FILE).write_bytes(file.content)
        work = PredictionWork(
            model_path=folder / LITERT_FILE,
            task=compression.config.task,
            settings=student_settings(config, len(compression.labels)),
            examples=compression.examples.path,
            num_examples=compression.examples.num_held_out,
            student=folder,
        )
        correct = Predictions.load(compression.folder.path / BASELINE / PREDICTIONS_FILE).correct
        teacher = compression.teacher_folder / LITERT_FILE
        report, predictions = measure_file(
            file.name,
            work.model_path,
            teacher,
            compression.labels,
            config,
            lambda: predict_split(work),
            correct,
        )
        write_json(folder / REPORT_FILE, report)
        predictions.save(folder / PREDICTIONS_FILE)

    with working():
        report: ModelReport = read_json(ModelReport, compression.folder.once(name, write) / REPORT_FILE)
        return MeasuredStudent(file, report, compression.input_form)


def select(compression: Compression, students: Sequence[MeasuredStudent]) -> Family:
    """Decides which students satisfy the constraints and their own size limits.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> keras.utils.set_random_seed(7)
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> compression = l2c.prepare(
      ...     teacher, (images, labels), students={"small": "20 kB"}, checkpoint="digits", training={"epochs": 1},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> student = l2c.evaluate(compression, l2c.quantize(compression, l2c.train_jointly(compression)["small"]))
      >>> list(l2c.select(compression, [student]))
      ['small']

    Args:
      compression: From `prepare`.
      students: From `evaluate`, one or more, each name once.

    Returns:
      The family, with a verdict on each student.
    """
    wanted = [student.name for student in compression.config.students]
    ordered = sorted(students, key=lambda student: wanted.index(student.name))
    released = [
        PushCandidate(
            model_path=compression.folder.path / _name_of("evaluate", student.file) / LITERT_FILE,
            config=to_dict(compression.config.quantize_of(_config_of(compression, student.name))),
            report=student.report,
            history=student.file.history,
            quantization=student.file.quantization,
        )
        for student in ordered
    ]
    report = decide(
        compression.config,
        compression.labels,
        compression.teacher,
        released,
        compression.provenance,
        data=compression.data,
        own_max_model_bytes=compression.max_model_bytes,
    )
    verdicts = {verdict.name: verdict for verdict in report.verdicts}
    decided = [dataclasses.replace(student, verdict=verdicts[student.name]) for student in ordered]
    return Family(report, decided, compression.folder)


def _config_of(compression: Compression, name: str) -> StudentConfig:
    found = next((student for student in compression.config.students if student.name == name), None)
    if found is None:
        names = ", ".join(student.name for student in compression.config.students)
        raise ConfigError(f"student: found {name!r}, accepted are {names}, which the compression was prepared for")
    return found


def _name_of(step: str, student: TrainedStudent | StudentFile) -> str:
    """Returns the name of the folder of a step's results: the same student finds them again, and no other one."""
    if isinstance(student, StudentFile):
        digest = hashlib.sha256(student.content).hexdigest()
    else:
        digest = content_sha256(student.model)
    return f"{step}-{student.name}-{digest[:16]}"


def _copied(model: keras.Model, folder: Path) -> keras.Model:
    """Returns a copy that a step may change, made as one that was killed and resumed reads it."""
    write_student_folder(folder, model, ())
    return read_network(folder)


def _signal(compression: Compression) -> Path | None:
    """Returns the folder of the teacher as the joint training left it; `None` where it did not learn."""
    trained = compression.folder.path / _TRAINED / _TRAINED_TEACHER
    return trained if trained.is_dir() else None
