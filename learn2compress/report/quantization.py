"""One paragraph on how a student's file got its numbers."""

from __future__ import annotations

from learn2compress.report.formatting import exact, percent
from learn2compress.results.quantization import QuantizationReport


def quantization_sentences(report: QuantizationReport) -> str:
    """Returns what ships and why, beside the float32 file, the temperature of the scores and the largest deviation."""
    float32 = report.candidates[0]
    sentences = [
        f"Ships as {report.shipped}: {report.reason}.",
        f"On the same {exact(report.num_examples)} training examples the float32 file has {percent(float32.top_1)} "
        f"and {exact(float32.model_bytes)} bytes.",
    ]
    if report.temperature == 1.0:
        sentences.append(
            f"Its scores are as trained: on {exact(report.num_temperature_examples)} examples that nobody trained on, "
            "another temperature is no better than chance explains (arXiv:1706.04599)."
        )
    elif report.temperature is not None:
        before = "too sure" if report.temperature > 1.0 else "not sure enough"
        sentences.append(
            f"Its scores were {before}: logits are divided by {report.temperature:.2f}, fitted to "
            f"{exact(report.num_temperature_examples)} examples that nobody trained on (arXiv:1706.04599)."
        )
    deviation = report.largest_deviation
    if deviation is not None:
        steps = "" if deviation.steps is None else f"{deviation.steps:.1f} steps of its quantization, "
        sentences.append(
            f"Largest deviation from {report.compared_with}: {steps}{deviation.absolute:.3g} in real numbers, "
            f"in {deviation.tensor}, among {exact(report.num_deviation_examples)} training examples."
        )
    return " ".join(sentences)
