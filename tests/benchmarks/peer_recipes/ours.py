"""Ours: the teacher's logits once, all students in one training, then each for 8 bits; with pruning in between, too."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import keras
from prepared import write_logits

from learn2compress.config import QuantizeConfig
from learn2compress.data.batches import TrainingData
from learn2compress.data.records import Split
from learn2compress.pruning import prune_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.sharing import joint_cost
from learn2compress.training.loop import fit, make_deterministic
from learn2compress.training.plan import TrainingPlan
from peer_recipes.request import Request, Stopwatch


def plan(request: Request, phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
    """A phase of one student, as the pipeline has it."""
    training = request.config.training
    return TrainingPlan(
        phase, epochs, learning_rate, training.distillation, request.seed, weight_decay=training.weight_decay
    )


def train_jointly(
    request: Request, logits: Path, epochs: int, stopwatch: Stopwatch, *variants: str
) -> tuple[keras.Model, TrainingData]:
    """All students at once, and what they were trained on.

    Args:
      request: The work.
      logits: Folder for the teacher's stored logits.
      epochs: Of training.
      stopwatch: Gets the parts "teacher" and "train".
      *variants: Whose parts these are; of all unless named.
    """
    config, training = request.config, request.config.training
    # The peers don't look at the held-out split after each epoch, so one batch of it is all that is looked at here.
    prepared = dataclasses.replace(request.prepared, num_held_out=1)
    with stopwatch.part("teacher", *variants):
        write_logits(config, prepared, logits)
    with stopwatch.part("train", *variants):
        data = prepared.training_data(config, logits)
        make_deterministic(request.seed)
        joint = build_joint_network(config.task, prepared.num_classes, training, config.students)
        steps = plan(request, "train", epochs, training.learning_rate)
        largest = joint_cost(joint).largest
        fit(joint, data, dataclasses.replace(steps, warmup_ratio=training.warmup_ratio, largest=largest))
    return joint, data


def write_file(
    request: Request,
    variant: str,
    name: str,
    student: keras.Model,
    quantize: QuantizeConfig,
    network: keras.Model | None = None,
) -> None:
    """Writes the file that the pipeline would ship of a student; see `quantize_student`."""
    config, prepared = request.config, request.prepared
    description = StudentDescription(config.name, name, tuple(map(str, range(prepared.num_classes))), config.task)
    folder, examples = prepared.folder / Split.TRAIN, quantize.calibration_examples
    sample = TrainingSample.read(folder, config.task.input_shape, examples)
    request.write(variant, name, quantize_student(student, sample, quantize, description, network).model_bytes)


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    config = request.config
    stopwatch = Stopwatch("ours", "ours_pruned")
    with tempfile.TemporaryDirectory() as folder:
        joint, data = train_jointly(request, Path(folder), request.train_epochs, stopwatch)
        for student in config.students:
            for variant in stopwatch.seconds:
                model, prune = standalone_student(joint, student.name), config.prune
                if variant == "ours_pruned":
                    with stopwatch.part("prune", variant):
                        steps = plan(request, "prune", request.prune_epochs, prune.learning_rate)
                        model, _, _ = prune_student(model, student.name, data, prune, steps)
                with stopwatch.part("quantize", variant):
                    steps = plan(request, "quantize", request.quantize_epochs, config.quantize.learning_rate)
                    network, _ = train_quantized(model, student.name, data, prune.min_layer_weights, steps)
                    write_file(request, variant, student.name, model, config.quantize, network)
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
