"""Reads what an Examples artifact holds beside its shards."""

from __future__ import annotations

from pathlib import Path

from tfx.types.artifact import Artifact

from components.artifacts import LABELS_FILE


def read_labels(examples: Artifact) -> list[str]:
    """Reads the class names in index order.

    Args:
      examples: The artifact.
    """
    return (Path(examples.uri) / LABELS_FILE).read_text(encoding="utf-8").splitlines()
