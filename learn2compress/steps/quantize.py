"""The file of one student: trained in simulated 8 bits where its recipe says so and its layers allow it."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from learn2compress import progress
from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.quantization.quantize import QuantizedStudent, quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.steps.own_student_checks import check_recurrent
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.training.checkpoint import Checkpoint


def make_student_file(
    inputs: TrainingInputs,
    student: keras.Model,
    name: str,
    quantize: QuantizeConfig,
    *,
    min_layer_weights: int,
    family_name: str,
    contact: str,
    license: str,
    labels: Sequence[str],
    sample: TrainingSample,
    checkpoint: Checkpoint,
) -> tuple[QuantizedStudent, History]:
    """Trains a student in simulated 8 bits where its recipe says so and its layers allow it, and makes its file.

    Args:
      inputs: What to train with.
      student: A float student, pruned.
      name: Its name.
      quantize: The recipe and its settings.
      min_layer_weights: Kernels at least this large keep their zeros.
      family_name: What the students of this run are called together.
      contact: Whom to ask about the file; empty for nobody.
      license: The file's licence; empty for none.
      labels: Class names in index order.
      sample: Training examples to calibrate with and to choose by.
      checkpoint: Where a training that was killed is resumed.

    Returns:
      The file, and one record for each epoch of training.

    Raises:
      ConfigError: the recipe is calibrated, and the student has recurrent layers.
    """
    check_recurrent(student, name, [quantize.recipe])
    network, reason = None, None
    records: History = ()
    if quantize.recipe is QuantizationRecipe.INT8_QAT:
        reason = why_not_trainable(student)
    if reason is not None:
        progress.notice("quantize", f"{name} can't be trained in 8 bits ({reason}); it ships int8 by calibration")
    elif quantize.recipe is QuantizationRecipe.INT8_QAT:
        network, records = train_quantized(
            student,
            name,
            inputs.data,
            min_layer_weights,
            inputs.plan("quantize", quantize.epochs, quantize.learning_rate),
            teacher=inputs.teacher,
            checkpoint=checkpoint,
        )
    description = StudentDescription(family_name, name, tuple(labels), inputs.settings.task, contact, license)
    return quantize_student(student, sample, quantize, description, network, why_not_trained=reason), records
