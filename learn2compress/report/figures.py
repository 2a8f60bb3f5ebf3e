"""Accuracy against what it costs: bytes and time, with the Pareto front."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from learn2compress.report.formatting import byte_size, percent, times
from learn2compress.report.svg import (
    ACCENT,
    DASHED,
    DOTTED,
    FONT_SIZE_PT,
    HEIGHT_PT,
    INK,
    MUTED,
    REFUSED,
    SURFACE,
    WIDTH_PT,
    drawing,
    new_figure,
    to_svg,
)

_LOG_SCALE_FROM = 5.0  # largest cost over the smallest
_LONGEST_NAME = 18  # characters; the whole name appears over the point
_CHARACTER_PT = 0.56 * FONT_SIZE_PT

CostFormat = Callable[[float], str]


@dataclass(frozen=True)
class PlottedModel:
    """One model in a plane of cost and accuracy.

    Attributes:
      name: Shown beside the point.
      role: "teacher", "pushed" or "refused".
      cost: Horizontal place, in the axis' unit, above 0.
      accuracy: Vertical place, 0..1.
      low: Lower end of the accuracy's interval.
      high: Upper end of it.
    """

    name: str
    role: str
    cost: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Limits:
    """Constraints drawn as lines; `None` draws none."""

    max_cost: float | None = None
    min_accuracy: float | None = None


def accuracy_against_bytes(
    models: Sequence[PlottedModel], front: Sequence[str], limits: Limits, sub_networks: Sequence[PlottedModel] = ()
) -> Markup:
    """Draws accuracy over stored bytes.

    Args:
      models: Teacher and students.
      front: Names of the models on the Pareto front.
      limits: Constraints to draw.
      sub_networks: What else could have been picked, of any role; small points without a name beside them.

    Returns:
      An `<svg>` element.
    """
    return _scatter("bytes", "file size as stored", byte_size, models, front, limits, sub_networks)


def accuracy_against_latency(models: Sequence[PlottedModel], front: Sequence[str], limits: Limits) -> Markup:
    """Draws accuracy over the time of one example as a multiple of the teacher's.

    Args:
      models: Teacher and students.
      front: Names of the models on the Pareto front.
      limits: Constraints to draw.

    Returns:
      An `<svg>` element.
    """
    return _scatter("latency", "time of one example, the teacher's being 1", times, models, front, limits)


def _scatter(
    key: str,
    x_label: str,
    cost_format: CostFormat,
    models: Sequence[PlottedModel],
    front: Sequence[str],
    limits: Limits,
    sub_networks: Sequence[PlottedModel] = (),
) -> Markup:
    with drawing(key):
        figure = new_figure(WIDTH_PT, HEIGHT_PT)
        axes = figure.subplots()
        _set_scales(axes, [*models, *sub_networks], cost_format)
        axes.set_xlabel(x_label)
        axes.set_ylabel("top-1 on the held-out split")
        on_front = sorted((model for model in models if model.name in front), key=lambda model: model.cost)
        costs, accuracies = [model.cost for model in on_front], [model.accuracy for model in on_front]
        axes.step(costs, accuracies, where="post", color=ACCENT, linewidth=1.2, linestyle=DASHED)
        _draw_limits(axes, limits)
        titles, other_titles = {}, {}
        for index, one in enumerate(sub_networks):
            other_titles[f"sub-network-{index}"] = f"{one.name}: {percent(one.accuracy)}, {cost_format(one.cost)}"
            (point,) = axes.plot([one.cost], [one.accuracy], ".", color=MUTED, markersize=5, alpha=0.7, zorder=1)
            point.set_gid(f"sub-network-{index}")
        for index, model in enumerate(models):
            titles[f"model-{index}"] = (
                f"{model.name}, {model.role}: {percent(model.accuracy)}, {cost_format(model.cost)}"
            )
            _draw_model(axes, model, f"model-{index}")
        figure.draw_without_rendering()  # places the axes, so that labels can look for room
        _label_models(axes, models, on_front)
        description = f"{'; '.join(titles.values())}. On the Pareto front: {', '.join(front) or 'none'}."
        if sub_networks:
            description += f" Behind them {len(sub_networks)} sub-networks that could be picked."
        return to_svg(figure, key, f"Top-1 accuracy against {x_label}", description, titles | other_titles)


def _set_scales(axes: Axes, models: Sequence[PlottedModel], cost_format: CostFormat) -> None:
    costs = [model.cost for model in models]
    if min(costs) > 0 and max(costs) / min(costs) >= _LOG_SCALE_FROM:
        axes.set_xscale("log")
        margin = (max(costs) / min(costs)) ** 0.14
        axes.set_xlim(min(costs) / margin, max(costs) * margin)
        decades = math.log10(max(costs) / min(costs))
        subs = (1.0, 2.0, 5.0) if decades < 1.6 else (1.0, 3.0) if decades < 3.5 else (1.0,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        margin = 0.2 * (max(costs) - min(costs) or max(costs) or 1.0)
        axes.set_xlim(min(costs) - margin, max(costs) + margin)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _without_zeros(cost_format(value))))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 1).replace(".0%", "%")))
    low, high = min(model.low for model in models), max(model.high for model in models)
    margin = 0.12 * (high - low or 0.1)
    axes.set_ylim(low - margin, high + margin)


def _without_zeros(text: str) -> str:
    number, _, unit = text.partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def _draw_limits(axes: Axes, limits: Limits) -> None:
    """Draws lines where students start to be refused, as far as they fall inside the picture.

    Args:
      axes: The picture, its scales set.
      limits: Constraints to draw.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    if limits.max_cost is not None and left < limits.max_cost < right:
        axes.axvline(limits.max_cost, color=REFUSED, linewidth=1, linestyle=DOTTED)
    if limits.min_accuracy is not None and bottom < limits.min_accuracy < top:
        axes.axhline(limits.min_accuracy, color=REFUSED, linewidth=1, linestyle=DOTTED)


def _draw_model(axes: Axes, model: PlottedModel, gid: str) -> None:
    color = {"teacher": INK, "pushed": ACCENT, "refused": REFUSED}[model.role]
    axes.plot([model.cost, model.cost], [model.low, model.high], color=color, linewidth=1, alpha=0.55)
    (mark,) = axes.plot(
        [model.cost],
        [model.accuracy],
        marker="D" if model.role == "teacher" else "o",
        markersize=7,
        color=color,
        markerfacecolor=SURFACE if model.role == "refused" else color,
        markeredgewidth=1.6,
        linestyle="none",
    )
    mark.set_gid(gid)


def _label_models(axes: Axes, models: Sequence[PlottedModel], front: Sequence[PlottedModel]) -> None:
    """Writes each name beside its point, on the first of four sides where nothing stands yet.

    Args:
      axes: The picture, everything else drawn.
      models: Whose names.
      front: Those on the Pareto front, by rising cost.
    """
    places = [axes.transData.transform((model.cost, model.accuracy)) for model in models]
    boxes = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    uprights = [(model.cost, model.low, model.high) for model in models]
    uprights += [(right.cost, left.accuracy, right.accuracy) for left, right in itertools.pairwise(front)]
    for cost, bottom, top in uprights:
        (x, low), (_, high) = axes.transData.transform([(cost, bottom), (cost, top)])
        boxes.append((x - 1, low, x + 1, high))
    for model, (x, y) in zip(models, places, strict=True):
        name = model.name if len(model.name) <= _LONGEST_NAME else f"{model.name[: _LONGEST_NAME - 1]}…"
        width, height = _CHARACTER_PT * len(name), FONT_SIZE_PT
        offsets = [(dx, dy) for dy in (4.0, -4.0 - height) for dx in (9.0, -9.0 - width)]
        candidates = [(x + dx, y + dy, x + dx + width, y + dy + height) for dx, dy in offsets]
        conflicts = [_conflicts(axes, candidate, boxes) for candidate in candidates]
        best = conflicts.index(min(conflicts))
        boxes.append(candidates[best])
        # Anchored at the end that touches the point: the page's font may be wider or narrower than was assumed.
        right = offsets[best][0] > 0
        offset, side = (9.0 if right else -9.0, offsets[best][1]), "left" if right else "right"
        axes.annotate(name, (model.cost, model.accuracy), offset, textcoords="offset points", ha=side)


def _conflicts(axes: Axes, box: tuple[float, ...], taken: Sequence[tuple[float, ...]]) -> int:
    frame = axes.bbox
    outside = box[0] < frame.x0 or box[2] > frame.x1 or box[1] < frame.y0 or box[3] > frame.y1
    return 2 * outside + sum(_overlap(box, other) for other in taken)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
