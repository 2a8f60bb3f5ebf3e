"""The figures of `peers.py` from what its recipes answered, and their table: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LABELS = {
    "ours_post_training": "ours: joint training, int8 after training",
    "ours": "ours: joint training, 8 bits trained",
    "ours_pruned": "ours: joint training, pruned, 8 bits trained",
    "keras_litert_ptq": "`fit`, LiteRT converter",
    "keras_ai_edge_ptq": "`fit`, AI Edge Quantizer",
    "keras_distillation": "`keras.distillation`, LiteRT converter",
    "tfmot": "`fit`, then TFMOT",
    "distillation_tfmot": "distillation, then TFMOT",
    "mlperf_tiny_resnet8": "MLPerf Tiny's ResNet-8, as published",
    "mlperf_tiny_ic02": "MLPerf Tiny's IC02, as published",
}
"""What a row is, by variant."""
# Whose phases are whose: after the same training TFMOT prunes and trains for 8 bits, the others convert.
_COUNTERPARTS = {"tfmot": "ours_pruned", "distillation_tfmot": "ours_pruned"}
_COUNTERPART = "ours_post_training"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns mean, smallest and largest over the seeds.

    Args:
      values: One for each seed, at least one.
    """
    return {"mean": round(float(np.mean(values)), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def over_ours(totals: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Returns how many times as long as ours each peer took, as a mean over the seeds.

    Args:
      totals: Seconds of each seed, by variant.
    """
    ratios = {}
    for variant, values in totals.items():
        ours = totals.get(_COUNTERPARTS.get(variant, _COUNTERPART))
        if ours and not variant.startswith("ours"):
            ratios[variant] = round(float(np.mean(np.array(values) / np.array(ours))), 3)
    return ratios


def in_words(values: Mapping[str, float], num_seeds: int, scale: float, digits: int) -> str:
    """Returns a mean and its spread, such as "71.2 (70.9 to 71.5)"; of one seed, the value alone.

    Args:
      values: From `spread`.
      num_seeds: Seeds that it is of.
      scale: Multiplies the values.
      digits: Behind the point.
    """
    mean, low, high = (f"{scale * values[name]:.{digits}f}" for name in ("mean", "min", "max"))
    return mean if num_seeds == 1 else f"{mean} ({low} to {high})"


def table(figures: Mapping[str, Any], names: Sequence[str]) -> str:
    """Returns the figures as a Markdown table.

    Args:
      figures: What is printed at the end.
      names: Students, each of which becomes a column.
    """
    num_seeds = len(figures["seeds"])
    what = "one seed" if num_seeds == 1 else f"mean (smallest to largest) of {num_seeds} seeds"
    lines = [f"{what}; {figures['num_train']} training images, {figures['num_kept_back']} of them kept back", ""]
    lines.append("| variant | epochs | seconds | " + " | ".join(f"{name}: top-1 %, kB, ms" for name in names) + " |")
    lines.append("|---" * (3 + len(names)) + "|")
    for variant, seconds in figures["seconds_total"].items():
        cells = [LABELS[variant], str(figures["epochs"][variant]), in_words(seconds, num_seeds, 1.0, 0)]
        for name in names:
            top_1 = in_words(figures["accuracy"][variant][name], num_seeds, 100.0, 2)
            model_kb = figures["bytes"][variant][name] / 1000
            cells.append(f"{top_1}, {model_kb:.1f}, {figures['latency_ms'][variant][name]:.3f}")
        lines.append("| " + " | ".join(cells) + " |")
    for variant, published in figures["published"].items():
        if isinstance(published, str):
            cells = [LABELS[variant], "", published, *[""] * len(names)]
        else:
            # One file, timed in the rounds of each student: latencies compare within a column.
            file = f"{100 * published['accuracy']:.2f}, {published['model_bytes'] / 1000:.1f}"
            cells = [LABELS[variant], "", "", *(f"{file}, {published['latency_ms'][name]:.3f}" for name in names)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
