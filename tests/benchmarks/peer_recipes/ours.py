"""Ours: the teacher's signal once, all students in one training, then each for 8 bits; with pruning in between, too."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import keras
from joint_training import with_training
from prepared import live_teacher, write_logits

from learn2compress.config import QuantizeConfig
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import prune_student
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.sharing import joint_cost
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.loop import Training, make_deterministic
from learn2compress.training.plan import joint_plan, phase_plan
from peer_recipes.answer import Answer, Stopwatch
from peer_recipes.request import Request


@dataclasses.dataclass(frozen=True)
class Signal:
    """Examples, and the teacher's word on them.

    Attributes:
      data: The examples, beside the teacher's logits unless it is live.
      teacher: The teacher, where it is live.
    """

    data: TrainingData
    teacher: LiveTeacher | None

    @classmethod
    def prepare(cls, request: Request, logits: Path) -> Signal:
        """Stores the teacher's logits, or loads it where it is live.

        Args:
          request: The work.
          logits: Folder for the teacher's stored logits.

        Returns:
          What all trainings use.
        """
        # The peers don't look at the held-out split after each epoch, so one batch of it is all that is looked at here.
        request = dataclasses.replace(request, prepared=dataclasses.replace(request.prepared, num_held_out=1))
        if request.config.teacher.is_live:
            return cls(request.training_data(), live_teacher(request.config, request.prepared))
        write_logits(request.config, request.prepared, logits)
        return cls(request.training_data(logits), None)


def train_jointly(request: Request, signal: Signal, epochs: int) -> keras.Model:
    """Trains all students at once.

    Args:
      request: The work.
      signal: Examples and teacher.
      epochs: Of training.

    Returns:
      The joint network, or the one in which students share no more.
    """
    config = with_training(request.config, epochs=epochs)
    make_deterministic(request.seed)
    joint = build_joint_network(config.task, request.prepared.num_classes, config.training, config.students)
    steps = joint_plan(config.training, config.students, joint_cost(joint).largest, config.seed)
    training = Training(joint, signal.data, steps, teacher=signal.teacher)
    for _ in training.epochs():
        pass
    training.finish()
    return training.network


def student_file(
    request: Request, name: str, student: keras.Model, quantize: QuantizeConfig, network: keras.Model | None = None
) -> bytes:
    """Makes the file that the pipeline would ship of a student; see `quantize_student`.

    Args:
      request: The work.
      name: The student's.
      student: In float.
      quantize: The recipe.
      network: Its trained quantization-aware network, where it has one.

    Returns:
      Content of the `.tflite` file.
    """
    config, sample = request.config, request.sample(quantize.calibration_examples)
    description = StudentDescription(config.name, name, request.prepared.class_names, config.task)
    return quantize_student(student, sample, quantize, description, network).model_bytes


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    config, learning_rate = request.config, request.config.training.learning_rate
    # Where nothing is pruned, the joint training takes these epochs: both have as many in sum.
    joint_epochs = {"ours": request.train_epochs + request.prune_epochs, "ours_pruned": request.train_epochs}
    stopwatch = Stopwatch(*joint_epochs)
    answer = Answer(request.output, stopwatch, request.all_epochs)
    with tempfile.TemporaryDirectory() as folder:
        with stopwatch.part("teacher"):
            signal = Signal.prepare(request, Path(folder))
        for variant, epochs in joint_epochs.items():
            with stopwatch.part("train", variant):
                joint = train_jointly(request, signal, epochs)
            for student in config.students:
                model, prune = standalone_student(joint, student.name), config.prune
                if variant == "ours_pruned":
                    with stopwatch.part("prune", variant):
                        steps = phase_plan(
                            config.training, "prune", request.prune_epochs, prune.learning_rate, request.seed
                        )
                        model = prune_student(
                            model, student.name, signal.data, prune, steps, teacher=signal.teacher
                        ).student
                with stopwatch.part("quantize", variant):
                    steps = phase_plan(
                        config.training,
                        "quantize",
                        request.quantize_epochs,
                        config.quantize.learning_rate,
                        request.seed,
                    )
                    network, _ = train_quantized(
                        model, student.name, signal.data, prune.min_layer_weights, steps, teacher=signal.teacher
                    )
                    model_bytes = student_file(request, student.name, model, config.quantize, network)
                answer.add(variant, student.name, model_bytes, learning_rate)
    answer.write()


if __name__ == "__main__":
    main()
