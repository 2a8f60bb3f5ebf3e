"""Quantize writes the file of its recipe, and how it came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Examples, LiteRtModel, Student, Teacher, TeacherLogits
from components.quantize.component import Quantize
from components.quantize.executor import Executor
from components.student_artifact import write_student
from learn2compress.config import QuantizationRecipe, QuantizeConfig, TaskConfig, TrainingConfig
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import read_metadata
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import EpochRecord, read_json
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings

NUM_EXAMPLES = 128
LABELS = ["dark", "bright"]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Artifact]]:
    """Dark and bright images, logits that know which is which, and a student that can tell."""
    examples = artifact_at(Examples, tmp_path / "examples")
    logits = artifact_at(TeacherLogits, tmp_path / "logits")
    (tmp_path / "examples" / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    random = np.random.default_rng(0)
    labels = np.arange(NUM_EXAMPLES) % 2
    images = (random.integers(0, 128, (NUM_EXAMPLES, 8, 8, 1)) + 128 * labels[:, None, None, None]).astype(np.uint8)
    for split in ("train", "held_out"):
        rows = [encode_example(image.tobytes(), int(i % 2), f"{i:064x}", str(i)) for i, image in enumerate(images)]
        write_shard(shard_path(tmp_path / "examples" / split, 0, 1), rows)
        scores = (4 * np.eye(2, dtype="<f4")[labels]).astype("<f4")
        write_shard(shard_path(tmp_path / "logits" / split, 0, 1, "logits"), [row.tobytes() for row in scores])
    examples.num_train = examples.num_held_out = NUM_EXAMPLES
    examples.num_classes = 2
    pixels = keras.Input((8, 8, 1))
    features = keras.layers.ReLU()(keras.layers.Conv2D(8, 3, name="conv")(pixels))
    dense = keras.layers.Dense(2, name="logits")
    model = keras.Model(pixels, dense(keras.layers.GlobalAveragePooling2D()(features)))
    model.get_layer("conv").set_weights([np.full((3, 3, 1, 8), 1 / 9, np.float32), np.zeros(8, np.float32)])
    dense.set_weights([np.tile([[-1.0, 1.0]], (8, 1)).astype(np.float32), np.array([4.0, -4.0], np.float32)])
    student = artifact_at(Student, tmp_path / "student")
    write_student(student, model, "small", (EpochRecord("train", 1, 0.1, 1.0),))
    return {
        "examples": [examples],
        "teacher": [artifact_at(Teacher, tmp_path / "teacher")],
        "teacher_logits": [logits],
        "student": [student],
    }


def quantized(tmp_path: Path, inputs: dict[str, list[Artifact]], config: QuantizeConfig) -> Any:
    """Runs the executor as TFX does; returns the LiteRtModel."""
    settings = TrainingSettings(
        TaskConfig(),
        TrainingConfig(batch_size=16, validation_ratio=0.5),
        TeacherUse(False, 1, False, None),
        7,
        str(tmp_path / "checkpoints"),
    )
    component = Quantize(
        **{name: channel.Channel(type=type(found[0])) for name, found in inputs.items()},
        student_name="small",
        family_name="family",
        quantize=config,
        min_layer_weights=1000,
        settings=settings,
        code_digest="",
    )
    model = artifact_at(LiteRtModel, tmp_path / "model")
    Executor().Do(inputs, {"model": [model]}, component.spec.exec_properties)
    return model


@pytest.mark.parametrize(
    ("recipe", "phases", "candidates"),
    [
        (QuantizationRecipe.INT4_WEIGHTS, ["train"], ["float32", "int4_weights"]),
        (QuantizationRecipe.INT8_QAT, ["train", "quantize"], ["float32", "int8_qat", "int8_ptq"]),
    ],
)
def test_the_artifact_holds_the_file_and_how_it_came_about(
    tmp_path: Path,
    inputs: dict[str, list[Artifact]],
    recipe: QuantizationRecipe,
    phases: list[str],
    candidates: list[str],
) -> None:
    artifact = quantized(tmp_path, inputs, QuantizeConfig(recipe=recipe, epochs=1))
    folder = Path(artifact.uri)
    report = read_json(QuantizationReport, folder / "quantization.json")
    history = read_json(tuple[EpochRecord, ...], folder / "history.json")
    assert [record.phase for record in history] == phases
    assert [candidate.recipe for candidate in report.candidates] == candidates
    assert report.num_kept_back == NUM_EXAMPLES // 2
    assert report.temperature is not None
    assert artifact.recipe == report.shipped == recipe.value
    model = (folder / "model.tflite").read_bytes()
    assert artifact.model_bytes == len(model)
    assert read_metadata(model).labels == tuple(LABELS)
    brightness = np.stack([np.full((8, 8, 1), 20, np.uint8), np.full((8, 8, 1), 220, np.uint8)])
    assert predict(model, brightness).argmax(axis=1).tolist() == [0, 1]
