"""The file that ships lies in its artifact beside how it came about."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from components.artifacts import LiteRtModel
from components.litert_model_artifact import write_model
from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import parse
from learn2compress.file_names import CONFIG_FILE, HISTORY_FILE, LITERT_FILE, QUANTIZATION_FILE
from learn2compress.litert.interpreter import predict
from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.quantization import Candidate, QuantizationReport
from learn2compress.results.reports import EpochRecord, read_json


def test_a_file_is_written_with_how_it_came_about(tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 1))
    model = to_float_litert(keras.Model(pixels, keras.layers.Dense(3)(keras.layers.Flatten()(pixels)))).pack()
    candidates = (Candidate("float32", 0.9, 800), Candidate("float16", 0.8, 700))
    report = QuantizationReport("float16", "float32", "float16 loses 10 points", 64, candidates, "float32", 64, ())
    config = QuantizeConfig(recipe=QuantizationRecipe.FLOAT16)
    history = (EpochRecord("train", 1, 0.5, 0.9),)
    artifact = LiteRtModel()
    artifact.uri = str(tmp_path / "not" / "there")

    write_model(artifact, QuantizedStudent(model, report), "small", history, config)
    folder = Path(artifact.uri)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        (CONFIG_FILE, HISTORY_FILE, LITERT_FILE, QUANTIZATION_FILE)
    )
    assert parse(QuantizeConfig, json.loads((folder / CONFIG_FILE).read_text())) == config
    assert read_json(QuantizationReport, folder / QUANTIZATION_FILE) == report
    assert read_json(tuple[EpochRecord, ...], folder / HISTORY_FILE) == history
    written = (folder / LITERT_FILE).read_bytes()
    # What the artifact is called is what is in the file, not what was asked for.
    assert (artifact.student, artifact.recipe) == ("small", "float32")
    assert (artifact.model_bytes, artifact.model_sha256) == (len(model), hashlib.sha256(written).hexdigest())
    assert predict(written, np.zeros((1, 8, 8, 1), np.uint8)).shape == (1, 3)
