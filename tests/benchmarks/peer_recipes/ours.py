"""Ours: the teacher's logits once, all students in one training, then each for 8 bits; with pruning in between, too."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import keras
from prepared import write_logits

from learn2compress.data.batches import TrainingData
from learn2compress.export import to_int8_litert
from learn2compress.pruning import prune_student
from learn2compress.quantization import train_quantized
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training import fit, make_deterministic
from learn2compress.training_plan import TrainingPlan
from peer_recipes.request import Request, Stopwatch


def plan(request: Request, phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
    """A phase of one student, as the pipeline has it."""
    training = request.config.training
    return TrainingPlan(
        phase, epochs, learning_rate, training.distillation, request.seed, weight_decay=training.weight_decay
    )


def train(request: Request, data: TrainingData) -> keras.Model:
    """All students at once."""
    config = request.config
    training = config.training
    make_deterministic(request.seed)
    joint = build_joint_network(config.task, request.prepared.num_classes, training, config.students)
    joint_plan = plan(request, "train", request.train_epochs, training.learning_rate)
    fit(joint, data, dataclasses.replace(joint_plan, warmup_ratio=training.warmup_ratio))
    return joint


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    config = request.config
    stopwatch = Stopwatch("ours", "ours_pruned")
    with tempfile.TemporaryDirectory() as name:
        logits = Path(name)
        with stopwatch.part("teacher"):
            write_logits(config, request.prepared, logits)
        with stopwatch.part("train"):
            data = request.prepared.training_data(config, logits)
            joint = train(request, data)
        for student in config.students:
            for variant in stopwatch.seconds:
                model, prune = standalone_student(joint, student.name), config.prune_of(student)
                if variant == "ours_pruned":
                    with stopwatch.part("prune", variant):
                        steps = plan(request, "prune", request.prune_epochs, prune.learning_rate)
                        model, _ = prune_student(model, student.name, data, prune, steps)
                with stopwatch.part("quantize", variant):
                    steps = plan(request, "quantize", request.quantize_epochs, config.quantize.learning_rate)
                    network, _ = train_quantized(model, student.name, data, prune.min_layer_weights, steps)
                    request.write(variant, student.name, to_int8_litert(network))
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
