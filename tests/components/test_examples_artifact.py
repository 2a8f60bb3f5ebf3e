"""Labels are read in the order in which Ingest wrote them."""

from __future__ import annotations

from pathlib import Path

from components.artifacts import Examples
from components.examples_artifact import examples_folder, read_labels
from learn2compress.file_names import LABELS_FILE


def test_labels_are_read_in_the_order_of_their_indices(tmp_path: Path) -> None:
    (tmp_path / LABELS_FILE).write_text("zebra\nape\nnó\n", encoding="utf-8")
    artifact = Examples()
    artifact.uri = str(tmp_path)
    assert read_labels(artifact) == ["zebra", "ape", "nó"]


def test_examples_to_choose_by_are_there_where_their_number_is(tmp_path: Path) -> None:
    artifact = Examples()
    artifact.uri = str(tmp_path)
    artifact.num_train = 100
    assert examples_folder(artifact).num_validation is None
    artifact.num_validation = 60
    assert (examples_folder(artifact).num_validation, examples_folder(artifact).num_train) == (60, 100)
