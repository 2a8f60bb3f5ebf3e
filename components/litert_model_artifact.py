"""Writes the folder of a LiteRtModel artifact."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tfx.types.artifact import Artifact

from learn2compress.config import QuantizeConfig
from learn2compress.config.parsing import to_dict
from learn2compress.file_names import CONFIG_FILE, HISTORY_FILE, LITERT_FILE, QUANTIZATION_FILE
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.reports import write_json
from learn2compress.steps.student_folder import History


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
