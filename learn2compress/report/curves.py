"""Training curves of one student over its phases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from learn2compress.report.formatting import percent
from learn2compress.report.svg import (
    ACCENT,
    DASHED,
    FONT_SIZE_PT,
    HEIGHT_PT,
    INK,
    MUTED,
    WIDTH_PT,
    drawing,
    new_figure,
    to_svg,
)
from learn2compress.results.reports import EpochRecord

_NARROWEST_PHASE = 0.25  # of all epochs
_SHOWN_BELOW_THE_END = 0.2  # accuracy


def training_curves(
    key: str, name: str, records: Sequence[EpochRecord], teacher_top_1: float, shipped_top_1: float
) -> Markup:
    """Draws held-out accuracy, training loss and sparsity of one student, one column for each phase.

    Args:
      key: Prefix of identifiers, unique on the page.
      name: The student's name.
      records: Its epochs in the order they were trained, at least one.
      teacher_top_1: The teacher's accuracy, a dashed line.
      shipped_top_1: The measured file's accuracy, a mark at the end.

    Returns:
      An `<svg>` element.
    """
    phases = [tuple(group) for _, group in itertools.groupby(records, key=lambda record: record.phase)]
    # A phase of few epochs still gets room to be read.
    widths = [max(len(phase), _NARROWEST_PHASE * len(records)) for phase in phases]
    last = records[-1]
    with drawing(key):
        figure = new_figure(WIDTH_PT, HEIGHT_PT)
        panels = figure.subplots(
            3, len(phases), sharex="col", sharey="row", squeeze=False, height_ratios=[3, 1.5, 0.8], width_ratios=widths
        )
        for column, phase in zip(panels.T, phases, strict=True):
            _draw_phase(column, phase)
            column[0].axhline(teacher_top_1, color=INK, linewidth=0.9, linestyle=DASHED)
        panels[0, -1].plot([last.epoch], [shipped_top_1], "o", color=ACCENT, markersize=6, clip_on=False, zorder=4)
        _set_accuracy_range(panels[0, 0], [r.held_out_top_1 for r in records] + [teacher_top_1, shipped_top_1], last)
        for row, label in zip(panels, ("held-out top-1", "loss", "zeros"), strict=True):
            row[0].set_ylabel(label)
        panels[2, 0].set_ylim(0, 1)
        panels[2, 0].set_yticks([0, 1], ["0%", "100%"])
        figure.supxlabel("epoch of the phase", color=MUTED, fontsize=FONT_SIZE_PT)
        figure.align_ylabels(panels[:, 0])
        description = (
            f"{len(records)} epochs. Held-out top-1 ends at {percent(last.held_out_top_1)}; the shipped file has "
            f"{percent(shipped_top_1)}, the teacher {percent(teacher_top_1)}. "
            f"{percent(last.sparsity_ratio, 0)} of the prunable weights end as zeros."
        )
        return to_svg(figure, key, f"Training of {name}", description, {})


def _draw_phase(column: Sequence[Axes], phase: Sequence[EpochRecord]) -> None:
    """Draws accuracy, loss and sparsity of one phase, from top to bottom.

    Args:
      column: Three axes.
      phase: The phase's epochs, at least one.
    """
    accuracy, loss, zeros = column
    epochs = [record.epoch for record in phase]
    marker = "." if len(phase) == 1 else "none"  # one epoch would be a line without length
    accuracy.plot(epochs, [record.held_out_top_1 for record in phase], color=ACCENT, linewidth=1.6, marker=marker)
    accuracy.set_title(phase[0].phase, fontsize=FONT_SIZE_PT, color=MUTED)
    losses = [math.nan if record.loss is None else record.loss for record in phase]
    loss.plot(epochs, losses, color=MUTED, linewidth=1.4, marker=marker)
    edges = [epochs[0] - 0.5, *(epoch + 0.5 for epoch in epochs)]
    zeros.stairs([record.sparsity_ratio for record in phase], edges, fill=True, color=ACCENT, alpha=0.4, linewidth=0)
    zeros.grid(visible=False)
    zeros.set_xlim(edges[0], edges[-1])
    zeros.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))


def _set_accuracy_range(axes: Axes, values: Sequence[float], last: EpochRecord) -> None:
    """Sets the range of accuracy: the first epochs may start far below, and what matters is where it ends.

    Args:
      axes: Where accuracy is drawn.
      values: All accuracies that are drawn.
      last: The last epoch.
    """
    low = max(min(values), last.held_out_top_1 - _SHOWN_BELOW_THE_END)
    margin = 0.06 * (max(values) - low or 0.1)
    axes.set_ylim(low - margin, max(values) + margin)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 1).replace(".0%", "%")))
