"""What `l2c init` says of texts: their classes, the features that the teacher takes, and students over them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from learn2compress.config import (
    BudgetConfig,
    Sharing,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TextFeatures,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError, about, parse
from learn2compress.data.text_survey import survey_texts
from learn2compress.search.width_for_budget import WIDTHS, FileCost, file_cost, resolve_budgets
from pipelines.starter.request import StarterRequest
from pipelines.starter.writing import StarterStudent, StarterValues, class_names

if TYPE_CHECKING:
    from pipelines.starter.teacher import TeacherFacts, TeacherLook

_DEFAULT_FEATURES = 1024
# The largest student's; the others have a part of its channels.
_STAGES = (StageConfig(32), StageConfig(64))
_WIDTHS = {"large": 1.0, "medium": 0.5, "small": 0.25}


def text_values(request: StarterRequest, look: TeacherLook | None) -> StarterValues:
    """Looks at texts and at a teacher of their features, and chooses students for them.

    Args:
      request: What is known; its data are a table, or records.
      look: The teacher; `None` where it is to be filled in later.

    Returns:
      What the configuration says.

    Raises:
      ConfigError: the data or the teacher can't be used, or the smallest students break a budget.
    """
    found = None
    if request.has_data:
        with _own_options(), about("--data"):
            found = survey_texts(request.data_config())
    labels = class_names(request.num_classes, found, look)
    length = _num_features(request.input_shape, look)
    features, facts = TextFeatures.HASHED_NGRAMS, None
    if look is not None and found is not None and look.fits(len(labels)):
        features, facts = _read_features(request, look, length, labels)
    task = _task(length, features)
    architecture = "embedding" if features is TextFeatures.HASHED_WORDS else "projection"
    training = TrainingConfig(architecture=architecture, sharing=Sharing.WIDTH, stages=_STAGES)
    return StarterValues(
        input_shape=(length,),
        labels=labels,
        has_guessed_classes=request.num_classes is None and look is None and found is None,
        students=_students(request, task, labels, training, look),
        stages=training.stages,
        architecture=architecture,
        look=look,
        facts=facts,
        notes=() if facts is None else (f"teacher: text_features {features.value}, input_scaling {facts.sentence}",),
        text_features=features,
    )


@contextlib.contextmanager
def _own_options() -> Iterator[None]:
    """Names the options of the verb where an error names the fields of a configuration that they stand for."""
    try:
        yield
    except ConfigError as error:
        text = str(error).replace("data.label_column", "--label-column").replace("data.text_column", "--text-column")
        raise ConfigError(text) from error


def _num_features(said: str | None, look: TeacherLook | None) -> int:
    """Returns the length of the input: what was said, what the teacher takes, or the default.

    Args:
      said: The option; `None` where it was not given.
      look: The teacher.

    Raises:
      ConfigError: it is no number, or the teacher takes another.
    """
    taken = None if look is None else look.input_shape[0]
    if said is not None and not (said.isascii() and said.isdigit() and int(said)):
        raise ConfigError(
            f"--input-shape: found {said!r}, accepted for texts is their number of features, such as 1024"
        )
    length = int(said) if said is not None else taken or _DEFAULT_FEATURES
    if taken not in (None, length):
        raise ConfigError(f"--input-shape: found {said}, accepted is {taken}: what the teacher takes")
    with about("--input-shape"):
        _task(length, TextFeatures.HASHED_NGRAMS)
    return length


def _task(length: int, features: TextFeatures) -> TaskConfig:
    task: TaskConfig = parse(TaskConfig, {"kind": "text", "input_shape": [length], "text_features": features.value})
    return task


def _read_features(
    request: StarterRequest, look: TeacherLook, length: int, labels: tuple[str, ...]
) -> tuple[TextFeatures, TeacherFacts]:
    """Tries which features a teacher takes, and how: a file doesn't say it, but labelled texts do.

    Args:
      request: Where the texts are.
      look: A teacher with an output for each class.
      length: Of its input.
      labels: Class names in index order.

    Returns:
      The features with which most answers are right, the default where none is better than guessing.
    """
    from pipelines.starter.teacher import read_teacher

    best: tuple[TextFeatures, TeacherFacts] | None = None
    for features in TextFeatures:
        try:
            task = _task(length, features)
        except ConfigError:
            continue  # a length that these features can't have
        facts = read_teacher(look, request.data_config(), task, labels)
        if best is None or (not facts.is_doubtful, facts.accuracy) > (not best[1].is_doubtful, best[1].accuracy):
            best = features, facts
    if best is None:
        raise ConfigError(f"--teacher: {look.uri}: found an input of {length}, which no features of texts have")
    if not best[1].is_doubtful:
        return best
    sentence = f"{best[1].sentence}; no features of texts made it better"
    return TextFeatures.HASHED_NGRAMS, dataclasses.replace(best[1], sentence=sentence)


def _students(
    request: StarterRequest,
    task: TaskConfig,
    labels: tuple[str, ...],
    training: TrainingConfig,
    look: TeacherLook | None,
) -> tuple[StarterStudent, ...]:
    """Chooses widths by the budgets that were named, and else by the teacher's size, where it is known.

    Args:
      request: The budgets.
      task: What students take.
      labels: Class names in index order.
      training: Their network.
      look: The teacher.

    Raises:
      ConfigError: even the smallest student breaks a budget.
    """
    usual = [StudentConfig(name, width=width) for name, width in _WIDTHS.items()]
    costs = [file_cost(task, labels, training, student) for student in usual]
    most_bytes, most_macs = request.max_model_bytes, request.max_macs
    if most_bytes is not None or most_macs is not None:
        with about("--max-model-bytes, --max-macs"):
            return _within(task, labels, training, most_bytes, most_macs)
    if look is not None and costs[0].model_bytes > look.num_parameters:
        # A quarter of the teacher's float32 file.
        try:
            return _within(task, labels, training, look.num_parameters, None)
        except ConfigError:
            pass  # beside a teacher that is small, even the smallest breaks it
    return tuple(map(_student, usual, costs))


def _within(
    task: TaskConfig,
    labels: tuple[str, ...],
    training: TrainingConfig,
    most_bytes: int | None,
    most_macs: int | None,
) -> tuple[StarterStudent, ...]:
    """Returns students of which the largest is within budgets, and the others have their share of its channels.

    Channels are multiples of 4: a student that would be the network of one before it is left out.

    Args:
      task: What students take.
      labels: Class names in index order.
      training: Their network.
      most_bytes: Largest file; `None` for any.
      most_macs: Most multiply-accumulate operations; `None` for any.

    Raises:
      ConfigError: even the narrowest student breaks a budget.
    """
    budget = BudgetConfig(max_model_bytes=most_bytes, max_macs=most_macs)
    (large,) = resolve_budgets(task, labels, training, [StudentConfig("large", budget=budget)])
    found: dict[int, StarterStudent] = {}
    for name, share in _WIDTHS.items():
        student = StudentConfig(name, width=max(WIDTHS[0], round(share * large.width, 2)))
        cost = file_cost(task, labels, training, student)
        found.setdefault(cost.num_parameters, _student(student, cost))
    return tuple(found.values())


def _student(student: StudentConfig, cost: FileCost) -> StarterStudent:
    return StarterStudent(student.name, cost.num_parameters, cost.macs, cost.model_bytes, width=student.width)
