"""Matplotlib figures as inline SVG that takes its colours from the page's style sheet.

Matplotlib draws with stand-in colours, which are then replaced by CSS variables,
so that one picture serves the light and the dark page. The SVG holds no address,
no date and no random identifier: the same figures give the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

# Stand-in colours; `_VARIABLES` says what they become.
INK, MUTED, LINE, ACCENT, REFUSED, SURFACE = (f"#0{index}0{index}0{index}" for index in range(1, 7))
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    REFUSED: "var(--refused)",
    SURFACE: "var(--surface)",
}

FONT_SIZE_PT = 11.0
WIDTH_PT = 380.0
HEIGHT_PT = 290.0
DASHED = (0, (4, 3))
DOTTED = (0, (1, 2))
_POINTS_PER_INCH = 72.0
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be selected, searched and read aloud
    "font.size": FONT_SIZE_PT,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a "$"
}
_FONT = re.compile(r"font: ([\d.]+)px [^;]+")


@contextlib.contextmanager
def drawing(key: str) -> Iterator[None]:
    """Sets Matplotlib's style for one picture; identifiers in its SVG derive from `key`."""
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}):
        yield


def new_figure(width_pt: float, height_pt: float) -> Figure:
    """Returns a figure without the global state of pyplot.

    Args:
      width_pt: Width in points.
      height_pt: Height in points.
    """
    size = (width_pt / _POINTS_PER_INCH, height_pt / _POINTS_PER_INCH)
    return Figure(figsize=size, dpi=_POINTS_PER_INCH, facecolor="none", layout="constrained")


def to_svg(figure: Figure, key: str, title: str, description: str, point_titles: Mapping[str, str]) -> Markup:
    """Returns the figure as an `<svg>` element; to be called inside `drawing(key)`.

    Args:
      figure: What was drawn.
      key: Prefix of every identifier, unique on the page.
      title: Accessible name.
      description: What the picture shows, in figures, for those who don't see it.
      point_titles: Text shown over an element, by the element's `gid`.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - Matplotlib wrote it a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _localize(element, key)
        if (point_title := point_titles.get(element.get("id", "").removeprefix(f"{key}-"))) is not None:
            _insert_text(element, "title", point_title)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    _insert_text(root, "desc", description, f"{key}-description")
    _insert_text(root, "title", title, f"{key}-title")
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-description")
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - ElementTree escaped every text


def _localize(element: ElementTree.Element, key: str) -> None:
    """Drops namespaces, which HTML does not need, prefixes identifiers, and replaces the stand-in colours.

    Args:
      element: Changed in place, without its children.
      key: The prefix.
    """
    element.tag = element.tag.rpartition("}")[2]
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        local = name.rpartition("}")[2]
        if local == "id":
            value = f"{key}-{value}"
        elif local == "href":
            value = f"#{key}-{value.removeprefix('#')}"
        elif local in ("style", "clip-path"):
            value = _FONT.sub(r"font-size: \1px", value.replace("url(#", f"url(#{key}-"))
            for stand_in, variable in _VARIABLES.items():
                value = value.replace(stand_in, variable)
        element.set(local, value)


def _insert_text(parent: ElementTree.Element, tag: str, text: str, identifier: str | None = None) -> None:
    child = ElementTree.Element(tag, {"id": identifier} if identifier else {})
    child.text = text
    parent.insert(0, child)
