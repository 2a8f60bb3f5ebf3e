"""The reliability diagram of one file: how often it is right where it is so sure (Guo et al., arXiv:1706.04599)."""

from __future__ import annotations

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from learn2compress.report.formatting import percent
from learn2compress.report.svg import ACCENT, DASHED, HEIGHT_PT, INK, MUTED, WIDTH_PT, drawing, new_figure, to_svg
from learn2compress.results.measurements import Calibration


def reliability_diagram(key: str, name: str, calibration: Calibration) -> Markup:
    """Draws accuracy over confidence, and below how many examples are that sure.

    Args:
      key: Prefix of identifiers, unique on the page.
      name: The student's name.
      calibration: What was counted.

    Returns:
      An `<svg>` element.
    """
    bins = calibration.bins
    edges = [index / len(bins) for index in range(len(bins) + 1)]
    total = sum(one.num_examples for one in bins)
    with drawing(key):
        figure = new_figure(WIDTH_PT, HEIGHT_PT)
        accuracy, share = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        heights = [one.accuracy or 0.0 for one in bins]
        accuracy.stairs(heights, edges, fill=True, color=ACCENT, alpha=0.4, linewidth=0)
        known = [one for one in bins if one.num_examples]
        accuracy.plot(
            [one.confidence for one in known], [one.accuracy for one in known], "o", color=ACCENT, markersize=5
        )
        accuracy.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=DASHED)
        accuracy.set_ylim(0, 1.04)
        accuracy.set_ylabel("right")
        share.stairs([one.num_examples / total for one in bins], edges, fill=True, color=MUTED, alpha=0.6, linewidth=0)
        share.set_ylabel("examples")
        share.set_xlabel("highest score")
        share.set_xlim(0, 1)
        for axes in (accuracy, share):
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 0)))
        share.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 0)))
        figure.align_ylabels([accuracy, share])
        told = "; ".join(
            f"at {percent(one.confidence, 0)}: {percent(one.accuracy, 0)} of {one.num_examples:,}" for one in known
        )
        description = (
            f"Expected calibration error {percent(calibration.expected_error)}. Right, by highest score: {told}."
        )
        return to_svg(figure, key, f"Reliability of {name}", description, {})
