from __future__ import annotations

from pathlib import Path

from learn2compress.results.pruning import LayerPruningSensitivity, PrunedAccuracy, PruneSensitivity
from learn2compress.results.reports import read_json, write_json


def test_a_sensitivity_is_read_as_it_was_written(tmp_path: Path) -> None:
    layers = (LayerPruningSensitivity("stage_1", 512, (PrunedAccuracy(0.5, 0.9), PrunedAccuracy(0.9, 0.4))),)
    found = PruneSensitivity("small", "unstructured", 1000, 1000, 0.95, layers)

    write_json(tmp_path / "sensitivity.json", found)

    assert read_json(PruneSensitivity, tmp_path / "sensitivity.json") == found
