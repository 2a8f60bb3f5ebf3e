"""A file's lineage as a standalone SVG: one step below the other, and what flows between them."""

from __future__ import annotations

import dataclasses
import json

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from learn2compress.config import PruneMethod
from learn2compress.report.formatting import byte_size, exact, milliseconds, percent
from learn2compress.report.svg import ACCENT, FONT_SIZE_PT, INK, LINE, MUTED, SURFACE, drawing, new_figure, to_svg
from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep, holds_file
from pipelines.lineage.words import counts_of_examples

_KEY = "lineage"
_WIDTH_PT = 760.0
_LEFT_PT, _RIGHT_PT = 24.0, 560.0
_TOP_PT, _GAP_PT = 24.0, 40.0
_TITLE_PT, _LINE_PT = 30.0, 17.0
_LANE_PT = 64.0
_MAX_CHARACTERS = 84
_FILE = "file"
_PACKAGES = ("learn2compress", "python", "tensorflow", "keras", "ai-edge-litert")
# The report page's colours. A picture of its own has no style sheet but this.
_STYLE = """<style>
svg { --surface: #ffffff; --ink: #1a1d21; --muted: #58616c; --line: #c3c9d1; --accent: #1d5fbe;
  background: var(--surface); color-scheme: light dark; font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --surface: #1b1f23; --ink: #e8ebee; --muted: #a3acb7;
  --line: #4a535d; --accent: #7eb2f7; } }
</style>"""


@dataclasses.dataclass
class _Box:
    """One step, or the file.

    Attributes:
      title: Step name.
      facts: Lines below it.
      inputs: Artifacts it read, as (index of the box that made it, key).
      accent: Whether it is the file itself.
      top_pt: Upper edge, from the picture's.
    """

    title: str
    facts: list[str]
    inputs: list[tuple[int, str]]
    accent: bool = False
    top_pt: float = 0.0

    @property
    def bottom_pt(self) -> float:
        return self.top_pt + _TITLE_PT + _LINE_PT * len(self.facts) + 8.0


def lineage_picture(lineage: Lineage) -> str:
    """Draws a lineage.

    Boxes are steps in the order in which they ran, then the file, then what was
    found and decided about it. An arrow is an artifact; one that skips steps runs
    down at the side.

    Returns:
      A standalone SVG document that follows the reader's light or dark scheme; the
      same lineage gives the same text.
    """
    boxes = _boxes(lineage)
    lanes = _lanes(boxes)
    top = _TOP_PT
    for box in boxes:
        box.top_pt = top
        top = box.bottom_pt + _GAP_PT
    height = boxes[-1].bottom_pt + _TOP_PT
    width = max(_WIDTH_PT, _RIGHT_PT + _LANE_PT * (len(lanes) + 1))
    with drawing(_KEY):
        figure = new_figure(width, height)
        figure.set_layout_engine("none")  # places are given below
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0.0, width)
        axes.set_ylim(height, 0.0)
        axes.set_axis_off()
        for box in boxes:
            _draw_box(axes, box)
        _draw_straight_arrows(axes, boxes)
        for number, ((source, key), readers) in enumerate(lanes.items()):
            _draw_lane(axes, boxes, source, readers, key, _RIGHT_PT + _LANE_PT * (number + 1))
        title = f"Lineage of {lineage.sha256}"
        steps = "; ".join(f"{box.title}: {', '.join(box.facts)}" for box in boxes)
        svg = str(to_svg(figure, _KEY, title, steps, {}))
    namespace = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
    opening, _, rest = svg.partition(">")
    return f"{opening.replace('<svg ', namespace, 1)}>\n{_STYLE}\n{rest}\n"


def _boxes(lineage: Lineage) -> list[_Box]:
    boxes: list[_Box] = []
    places: dict[int, int] = {}

    def place(step: LineageStep) -> int:
        if step.execution_id not in places:
            inputs = [(place(read.made_by), read.key) for read in step.inputs if read.made_by is not None]
            boxes.append(_Box(step.step, _step_facts(step, lineage.model), inputs))
            places[step.execution_id] = len(boxes) - 1
        return places[step.execution_id]

    maker = lineage.model.made_by
    inputs = [(place(maker), lineage.model.key)] if maker is not None else []
    known = lineage.model.properties
    facts = [f"SHA-256 {lineage.sha256}"]
    if lineage.path.endswith(".tflite") or (not lineage.path and "student" in known):
        facts.append(f"size {byte_size(known.get('model_bytes'))}")
    if told := lineage.provenance:
        facts.append(f"configuration {told.get('config_sha256', 'not recorded')}")
    if made_with := lineage.model.made_with:
        facts.append("made with " + ", ".join(f"{name} {made_with[name]}" for name in _PACKAGES if name in made_with))
    facts += [_shortened(other.text) for other in lineage.also_made]
    boxes.append(_Box(_title(lineage), facts, inputs, accent=True))
    file_place = len(boxes) - 1
    boxes += [_Box(*_later(artifact, lineage.model), [(file_place, _FILE)]) for artifact in lineage.later]
    return boxes


def _title(lineage: Lineage) -> str:
    known = lineage.model.properties
    if "student" in known:
        return lineage.path.rpartition("/")[2] or f"{known['student']}.tflite"
    return lineage.path or f"version {known.get('version')}"


def _step_facts(step: LineageStep, model: LineageArtifact) -> list[str]:
    """Returns the facts by which one execution of a step differs from another."""
    told = step.parameters
    made = {artifact.kind: artifact.properties for artifact in step.outputs}
    kind = step.step.partition(".")[0]
    facts: list[str] = []
    if kind == "Ingest":
        found = made.get("L2CExamples", {})
        facts.append(f"data {found.get('content_sha256', 'not recorded')}")
        facts.append(counts_of_examples(found))
        facts.append(f"from {_ending(str(found.get('source_uri', '')))}")
    elif kind == "TeacherLoad":
        found = made.get("L2CTeacher", {})
        facts.append(f"teacher {told.get('teacher_sha256', 'not recorded')}")
        size = byte_size(found.get("model_bytes"))
        facts.append(f"{size} as LiteRT, {exact(found.get('macs'))} multiply-accumulate operations")
        facts.append(f"from {_ending(str(found.get('source_uri', '')))}")
    elif kind == "TeacherAsStudent":
        found = made.get("L2CStudent", {})
        facts.append(f"teacher {told.get('teacher_sha256', 'not recorded')}")
        facts.append(f"its own network, accuracy {percent(found.get('accuracy'))}")
    elif kind == "FamilyTrainer":
        found = made.get("L2CFamily", {})
        epochs = json.loads(told.get("training", "{}")).get("epochs")
        facts.append(f"seed {told.get('seed')}, {epochs} epochs, {found.get('num_sub_networks')} sub-networks at once")
    elif kind == "Pick":
        found = made.get("L2CStudent", {})
        operations = f"{exact(found.get('macs'))} multiply-accumulate operations"
        facts.append(f"{operations}, accuracy {percent(found.get('accuracy'))}")
    elif kind == "JointDistillTrainer":
        students = {a.key: a.properties for a in step.outputs if a.kind == "L2CStudent"}
        name = str(model.properties.get("student"))
        accuracy = percent(students.get(name, {}).get("accuracy"))
        epochs = json.loads(told.get("training", "{}")).get("epochs")
        facts.append(f"seed {told.get('seed')}, {epochs} epochs, {len(students)} students at once")
        facts.append(f"accuracy of {name} {accuracy}")
    elif kind == "Prune":
        found = made.get("L2CStudent", {})
        facts.append(f"seed {told.get('seed')}, {told.get('epochs')} epochs")
        left = f"{percent(found.get('sparsity_ratio'), 1)} of the prunable weights are zero"
        if told.get("method") == PruneMethod.CHANNELS:
            left = f"{exact(found.get('macs'))} multiply-accumulate operations left"
        facts.append(f"{left}, accuracy {percent(found.get('accuracy'))}")
    elif kind == "Quantize":
        recipe = model.properties.get("recipe")
        facts.append(f"recipe {recipe}, seed {told.get('seed')}, {told.get('epochs')} epochs")
    return [*facts, f"code {str(told.get('code_digest', 'not recorded'))[:16]}"]


def _later(artifact: LineageArtifact, model: LineageArtifact) -> tuple[str, list[str]]:
    known = artifact.properties
    if not holds_file(artifact, model):
        decided = f"version {known['version']} without this file" if known.get("version") else "pushed nothing"
        return "Pusher", [decided]
    if artifact.kind == "L2CEvaluation":
        accuracy = f"accuracy {percent(known.get('accuracy'))}, latency {milliseconds(known.get('latency_ms'))}"
        agreement = f"agrees with its float student on {percent(known.get('keras_agreement'))}"
        return f"Evaluate.{known.get('student')}", [accuracy, agreement]
    if artifact.kind == "L2CPushedVersion":
        return "Pusher", [f"version {known['version']}", f"to {_ending(str(known.get('destination', '')))}"]
    return artifact.key, [artifact.kind]


def _lanes(boxes: list[_Box]) -> dict[tuple[int, str], list[int]]:
    """Artifacts that skip a box, with their readers; the longest way is the outermost lane."""
    lanes: dict[tuple[int, str], list[int]] = {}
    for place, box in enumerate(boxes):
        for source, key in box.inputs:
            if place != source + 1:
                lanes.setdefault((source, key), []).append(place)
    return dict(sorted(lanes.items(), key=lambda lane: (lane[1][-1] - lane[0][0], lane[0])))


def _draw_box(axes: Axes, box: _Box) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (_LEFT_PT, box.top_pt),
            _RIGHT_PT - _LEFT_PT,
            box.bottom_pt - box.top_pt,
            boxstyle="round,pad=0,rounding_size=7",
            facecolor=SURFACE,
            edgecolor=ACCENT if box.accent else LINE,
            linewidth=2.0 if box.accent else 1.2,
        )
    )
    x, y = _LEFT_PT + 14.0, box.top_pt + 21.0
    axes.text(x, y, box.title, fontsize=FONT_SIZE_PT + 2.0, fontweight="bold", color=ACCENT if box.accent else INK)
    for number, fact in enumerate(box.facts):
        axes.text(x, y + _LINE_PT * (number + 1), fact, fontsize=FONT_SIZE_PT, color=MUTED)


def _draw_straight_arrows(axes: Axes, boxes: list[_Box]) -> None:
    for place, box in enumerate(boxes):
        keys = [key for source, key in box.inputs if source == place - 1]
        if keys:
            x, start = (_LEFT_PT + _RIGHT_PT) / 2, boxes[place - 1].bottom_pt
            _arrow(axes, Path([(x, start + 2.0), (x, box.top_pt - 2.0)]))
            middle = (start + box.top_pt) / 2 + 4.0
            axes.text(x + 10.0, middle, ", ".join(sorted(keys)), fontsize=FONT_SIZE_PT, color=INK)


def _draw_lane(axes: Axes, boxes: list[_Box], source: int, readers: list[int], key: str, x: float) -> None:
    start = boxes[source].top_pt + _TITLE_PT
    radius = 12.0
    for reader in readers:
        end = boxes[reader].top_pt + _TITLE_PT + 14.0 * _arrivals_before(boxes, reader, source, key)
        corners = [(_RIGHT_PT + 2.0, start), (x - radius, start), (x, start), (x, start + radius)]
        corners += [(x, end - radius), (x, end), (x - radius, end), (_RIGHT_PT + 2.0, end)]
        turn = [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO]
        _arrow(axes, Path(corners, turn))
    axes.text(
        x + 5.0, start + 34.0, key, fontsize=FONT_SIZE_PT, color=INK, rotation=-90, va="top", rotation_mode="default"
    )


def _arrivals_before(boxes: list[_Box], reader: int, source: int, key: str) -> int:
    """Arrows that arrive at a box above this one."""
    skipping = sorted((s, k) for s, k in boxes[reader].inputs if s != reader - 1)
    return skipping.index((source, key))


def _arrow(axes: Axes, path: Path) -> None:
    axes.add_patch(FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=10.0, color=MUTED, linewidth=1.2))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _ending(uri: str) -> str:
    """Returns a URI so short that it fits into a box: what stands at its end says most."""
    return uri if len(uri) <= _MAX_CHARACTERS else f"…{uri[-_MAX_CHARACTERS + 1 :]}"
