"""Makes a student's file, and writes the folder of a LiteRtModel artifact."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
from tfx.types.artifact import Artifact

from components.artifacts import CONFIG_FILE, HISTORY_FILE, LITERT_FILE, QUANTIZATION_FILE
from components.examples_artifact import read_labels
from components.student_artifact import History
from components.training_inputs import TrainingInputs
from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import to_dict
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import QuantizedStudent, quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.results.reports import write_json
from learn2compress.training.checkpoint import Checkpoint


def make_student_file(
    inputs: TrainingInputs,
    student: keras.Model,
    name: str,
    quantize: QuantizeConfig,
    *,
    min_layer_weights: int,
    family_name: str,
    sample: TrainingSample,
    checkpoint: Checkpoint,
) -> tuple[QuantizedStudent, History]:
    """Trains a student in simulated 8 bits where its recipe says so, and makes its file.

    Args:
      inputs: What to train with.
      student: A float student, pruned.
      name: Its name.
      quantize: The recipe and its settings.
      min_layer_weights: Kernels at least this large keep their zeros.
      family_name: What the students of this run are called together.
      sample: Training examples to calibrate with and to choose by.
      checkpoint: Where a training that was killed is resumed.

    Returns:
      The file, and one record for each epoch of training.
    """
    network = None
    records: History = ()
    if quantize.recipe is QuantizationRecipe.INT8_QAT:
        network, records = train_quantized(
            student,
            name,
            inputs.data,
            min_layer_weights,
            inputs.plan("quantize", quantize.epochs, quantize.learning_rate),
            teacher=inputs.teacher,
            checkpoint=checkpoint,
        )
    labels = tuple(read_labels(inputs.examples))
    description = StudentDescription(family_name, name, labels, inputs.settings.task)
    return quantize_student(student, sample, quantize, description, network), records


def write_model(
    artifact: Artifact, file: QuantizedStudent, name: str, history: History, quantize: QuantizeConfig
) -> None:
    """Writes a file, and the report and history of how it was made.

    Args:
      artifact: A LiteRtModel.
      file: See `make_student_file`.
      name: The student's.
      history: All its epochs.
      quantize: The settings that it was made with.
    """
    folder = Path(artifact.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LITERT_FILE).write_bytes(file.model_bytes)
    write_json(folder / HISTORY_FILE, history)
    write_json(folder / CONFIG_FILE, to_dict(quantize))
    write_json(folder / QUANTIZATION_FILE, file.report)
    artifact.student = name
    artifact.recipe = file.report.shipped
    artifact.model_sha256 = hashlib.sha256(file.model_bytes).hexdigest()
    artifact.model_bytes = len(file.model_bytes)
