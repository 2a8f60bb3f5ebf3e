"""Reads what an Examples artifact holds beside its shards."""

from __future__ import annotations

from pathlib import Path

from tfx.types.artifact import Artifact

from learn2compress.file_names import LABELS_FILE
from learn2compress.steps.examples_folder import ExamplesFolder


def read_labels(examples: Artifact) -> list[str]:
    """Reads the class names in index order.

    Args:
      examples: The artifact.
    """
    return (Path(examples.uri) / LABELS_FILE).read_text(encoding="utf-8").splitlines()


def examples_folder(examples: Artifact) -> ExamplesFolder:
    """Returns the folder that the library's steps read.

    Args:
      examples: The artifact.
    """
    return ExamplesFolder(
        Path(examples.uri),
        examples.num_train,
        examples.num_held_out,
        examples.num_unlabelled,
        examples.num_classes,
        # A property that was not set reads as 0, and Ingest refuses fewer than some.
        examples.num_validation or None,
    )
