"""One paragraph on how a student's file got its numbers."""

from __future__ import annotations

from learn2compress.report.formatting import exact, percent
from learn2compress.results.quantization import QuantizationReport


def quantization_sentences(report: QuantizationReport) -> str:
    """Returns what ships and why, the float32 file beside it, its scores, and what the cross-check has found."""
    float32 = report.candidates[0]
    examples = f"{exact(report.num_examples)} training examples"
    if report.num_kept_back:  # Of the training split, or a validation split of their own.
        examples = f"{exact(report.num_examples)} examples, {exact(report.num_kept_back)} of which nobody trained on,"
    sentences = [
        f"Ships as {report.shipped}: {report.reason}.",
        f"On {examples} the float32 file has {percent(float32.top_1)} and {exact(float32.model_bytes)} bytes.",
        *_temperature(report),
        *_rounding(report),
    ]
    deviation = report.largest_deviation
    if deviation is not None:
        steps = "" if deviation.steps is None else f"{deviation.steps:.1f} steps of its quantization, "
        sentences.append(
            f"Largest deviation from {report.compared_with}: {steps}{deviation.absolute:.3g} in real numbers, "
            f"in {deviation.tensor}, among {exact(report.num_deviation_examples)} training examples."
        )
    if report.agreement is not None:
        sentences.append(
            f"It chooses the class of {report.compared_with} for {percent(report.agreement)} of "
            f"{exact(report.num_agreement_examples)} training examples."
        )
    if report.unexpected_operators:
        sentences.append(f"Not in the numbers of that recipe: {', '.join(report.unexpected_operators)}.")
    return " ".join(sentences)


def _temperature(report: QuantizationReport) -> list[str]:
    if report.temperature is None:
        return []
    if report.temperature == 1.0:
        return [
            f"Its scores are as trained: on {exact(report.num_kept_back)} examples that nobody trained on, "
            "another temperature is no better than chance explains (arXiv:1706.04599)."
        ]
    before = "too sure" if report.temperature > 1.0 else "not sure enough"
    return [
        f"Its scores were {before}: logits are divided by {report.temperature:.2f}, fitted to "
        f"{exact(report.num_kept_back)} examples that nobody trained on (arXiv:1706.04599)."
    ]


def _rounding(report: QuantizationReport) -> list[str]:
    if not report.changed_by_rounding_ratio:
        return []
    share = percent(report.changed_by_rounding_ratio)
    if report.has_float_scores:
        return [
            f"Its scores are float32: in steps of 1/256 they would tie, and change {share} of the decisions on "
            f"{exact(report.num_examples)} training examples."
        ]
    return [
        f"Its scores have steps of 1/256: where they tie, the first class counts, which changes {share} of the "
        f"decisions on {exact(report.num_examples)} training examples."
    ]
