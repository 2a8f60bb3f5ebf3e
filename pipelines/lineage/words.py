"""What the screen, the tree and the picture of a lineage say in the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from learn2compress.report.formatting import exact

# SHA-256, or a commit of Git.
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_SHORT_DIGEST = 12


def short_digest(text: str) -> str:
    """Returns the first characters of a digest; every other text as it is."""
    return text[:_SHORT_DIGEST] if _DIGEST.fullmatch(text) else text


def counts_of_examples(properties: Mapping[str, Any]) -> str:
    """Returns how many examples there are.

    Args:
      properties: Of an `L2CExamples` artifact.
    """
    train, held_out, bad, classes = (
        exact(properties.get(f"num_{name}")) for name in ("train", "held_out", "bad", "classes")
    )
    # A property that was not set reads as 0 or is not there: then training kept examples back.
    validation = properties.get("num_validation")
    chosen_by = f"{exact(validation)} to choose by, " if validation else ""
    return f"{train} to train, {chosen_by}{held_out} held out, {bad} bad, {classes} classes"
