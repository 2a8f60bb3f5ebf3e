"""What the cross-check of a student's file means for the decision: whether it computes what it was made from."""

from __future__ import annotations

from learn2compress.results.quantization import MAX_DEVIATION_STEPS, QuantizationReport, has_agreement
from learn2compress.selection.words import percent

_MOST_NAMED = 3


def agreement_refusal(report: QuantizationReport | None, limit: float | None) -> str | None:
    """Returns why a file is refused that decides otherwise than what it was made from; `None` where it is not.

    Args:
      report: How the file came about; nothing is refused where nobody knows.
      limit: `constraints.min_agreement`, 0..1, if it is set.
    """
    if report is None or limit is None:
        return None
    if report.agreement is None:
        return f"agreement was not measured, so it does not satisfy min_agreement {percent(limit)}"
    if has_agreement(report.agreement, report.num_agreement_examples, limit):
        return None
    # As many digits as it takes to see the difference.
    digits = next((n for n in range(4, 17) if percent(report.agreement, n) != percent(limit, n)), 17)
    return (
        f"agreement {percent(report.agreement, digits)} is below min_agreement {percent(limit, digits)}: its file "
        f"({report.shipped}) and {report.compared_with} choose different classes{_where(report)}; another recipe, such "
        "as int16_activations or float16, or more calibration_examples may mend it"
    )


def fidelity_notes(report: QuantizationReport | None) -> tuple[str, ...]:
    """Returns what a careful reader should know about how a file came about, a sentence each.

    Args:
      report: How the file came about, if it is known.
    """
    if report is None:
        return ()
    notes = []
    if report.is_doubtful or _is_far_off(report):
        shares = f"chooses the class of {report.compared_with} for {percent(report.agreement or 0.0)} of "
        notes.append(f"its file ({report.shipped}) {shares}{report.num_agreement_examples:,} examples{_where(report)}")
    if report.fell_back:
        notes.append(f"ships as {report.shipped}: {report.reason}")
    if report.unexpected_operators:
        named = ", ".join(report.unexpected_operators[:_MOST_NAMED])
        more = len(report.unexpected_operators) - _MOST_NAMED
        notes.append(
            f"its file has operators that are not in the numbers of its recipe {report.shipped}: {named}"
            f"{f' and {more} more' if more > 0 else ''}"
        )
    return tuple(notes)


def _is_far_off(report: QuantizationReport) -> bool:
    largest = report.largest_deviation
    is_far_off = largest is not None and largest.steps is not None and largest.steps > MAX_DEVIATION_STEPS
    return is_far_off and report.agreement is not None


def _where(report: QuantizationReport) -> str:
    largest = report.largest_deviation
    if largest is None or largest.steps is None:
        return ""
    return f" (largest deviation: {largest.steps:.0f} of 255 steps, in layer {largest.tensor})"
