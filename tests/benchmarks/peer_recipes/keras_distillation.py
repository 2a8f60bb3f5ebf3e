"""Peer (d): `keras.distillation.Distiller` for each student as its guide has it, then the LiteRT converter."""

from __future__ import annotations

import keras

from learn2compress.teachers.class_order import numbered_outputs
from learn2compress.teachers.members import members_of
from peer_recipes.answer import Trial
from peer_recipes.peer import answer_by
from peer_recipes.post_training import converted_by_litert
from peer_recipes.request import Request

VARIANT = "keras_distillation"
TEMPERATURE = 4.0
LABEL_WEIGHT = 0.1


def load_teacher_in_order(request: Request) -> keras.Model:
    """Loads the teacher with its outputs in the order of the data's classes.

    Args:
      request: Names the teacher, and the order of its outputs.

    Returns:
      A model that returns `[batch, num_classes]`.
    """
    teacher = keras.models.load_model(request.config.teacher.uri)
    order = numbered_outputs(members_of(request.config.teacher)["teacher"], request.prepared.class_names, "teacher")
    if order is None:
        return teacher
    return keras.Model(teacher.inputs, keras.ops.take(teacher.outputs[0], order, axis=1))


def distil(request: Request, student: keras.Model, epochs: int, learning_rate: float) -> None:
    """Trains a student beside the teacher, which runs in every step.

    Args:
      request: The work; its teacher must be a Keras model that takes floats 0..1 and returns logits.
      student: Takes floats 0..1 and returns logits.
      epochs: Of training.
      learning_rate: The highest.
    """
    distiller = keras.distillation.Distiller(
        load_teacher_in_order(request),
        student,
        # Not its default, the same by name: Keras 3.15 then leaves out the softmax, and students learn next to nothing.
        keras.distillation.LogitsDistillation(temperature=TEMPERATURE, loss=keras.losses.KLDivergence()),
        student_loss_weight=LABEL_WEIGHT,
    )
    distiller.compile(
        request.training_optimizer(keras, epochs, learning_rate),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for epoch, batches in enumerate(request.epochs(epochs)):
        distiller.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0)


def train_one(request: Request, name: str, ratio: float, trial: Trial) -> None:
    """Trains one student and makes its file.

    Args:
      request: The work.
      name: The student's.
      ratio: Multiple of our learning rate.
      trial: Gets the file and seconds.
    """
    with trial.stopwatch.part("train"):
        model = request.new_student(name)
        distil(request, model, request.all_epochs, ratio * request.config.training.learning_rate)
    with trial.stopwatch.part("quantize"):
        trial.files[VARIANT] = converted_by_litert(model, request.calibration())


if __name__ == "__main__":
    answer_by(train_one, (VARIANT,))
