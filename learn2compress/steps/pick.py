"""Picks a student from a trained family: the most accurate sub-network within its budget, cut out and measured."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
from pydantic import TypeAdapter

from learn2compress import progress
from learn2compress.config import EvaluateConfig, FamilyConfig, StudentConfig
from learn2compress.families.cutting import cut_out
from learn2compress.families.front import pick
from learn2compress.litert.latency import measure_latency
from learn2compress.results.reports import EpochRecord, json_bytes
from learn2compress.results.sub_networks import SubNetworkResult
from learn2compress.search.width_for_budget import file_before_training, settled_ms
from learn2compress.steps.family import read_family
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.loop import by_name

PHASE = "pick"
"""Phase of the first record of a student that was picked from a family."""


def pick_student(
    inputs: TrainingInputs, labels: Sequence[str], folder: Path, family: FamilyConfig, student: StudentConfig
) -> tuple[keras.Model, History]:
    """Picks one student.

    Args:
      inputs: Of the settings of the family's training.
      labels: Class names in index order.
      folder: The family's, from `learn2compress.steps.family.write_family_folder`.
      family: As for its training.
      student: Its name and budget.

    Returns:
      A plain model with weights of its own, and one record without a loss, which says what was picked.

    Raises:
      ConfigError: no sub-network is within the budget.
    """
    network, front = read_family(folder, inputs, family)
    field, task = f"students.{student.name}", inputs.settings.task

    def latency_ms(result: SubNetworkResult, limit_ms: float) -> float:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "student.tflite")
            network_cut_out = cut_out(network, result.sub_network, student.name)
            path.write_bytes(file_before_training(task, labels, network_cut_out, student.name))
            limit = f"{field}.budget.max_latency_ms"
            return settled_ms(lambda: measure_latency(path, path, EvaluateConfig()), limit_ms, limit)

    # No latency is measured twice alike: what was picked first is kept by a resumed step.
    decision = inputs.checkpoint.once(
        "picked", lambda: json_bytes(pick(front, student.budget, latency_ms, field)).decode()
    )
    picked = TypeAdapter(SubNetworkResult).validate_json(decision)
    model = cut_out(network, picked.sub_network, student.name)
    accuracy = HeldOutAccuracy.of_students(by_name(model, student.name))
    note = (
        f"picked from a family: {picked.sub_network}, with an accuracy of {picked.top_1:.4f} on {front.num_examples} "
        "examples kept back"
    )
    progress.report(f"student {student.name}", 1, 1, note)
    record = EpochRecord(
        PHASE,
        1,
        None,
        accuracy.measure(inputs.data)[student.name],
        note=note,
        validation_top_1=accuracy.measure_validation(inputs.data).get(student.name),
        returned=True,
    )
    return model, (record,)
