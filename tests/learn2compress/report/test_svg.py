from __future__ import annotations

import re

from learn2compress.report.svg import ACCENT, HEIGHT_PT, WIDTH_PT, drawing, new_figure, to_svg


def picture(key: str = "p") -> str:
    with drawing(key):
        figure = new_figure(WIDTH_PT, HEIGHT_PT)
        axes = figure.subplots()
        (line,) = axes.plot([0, 1], [0, 1], color=ACCENT)
        line.set_gid("line")
        axes.set_xlabel("a < b & $c$")
        return to_svg(figure, key, "Title <1>", "What it shows", {"line": "the line's figures"})


def test_it_has_a_name_a_description_and_the_titles_of_points() -> None:
    drawn = picture()
    assert '<title id="p-title">Title &lt;1&gt;</title><desc id="p-description">What it shows</desc>' in drawn
    assert 'aria-labelledby="p-title p-description"' in drawn
    assert re.search(r'<g id="p-line">\s*<title>the line\'s figures</title>', drawn)
    assert "a &lt; b &amp; $c$" in drawn  # text stays text


def test_every_identifier_has_the_key_as_its_prefix() -> None:
    drawn = picture("other")
    identifiers = re.findall(r'\bid="([^"]+)"', drawn)
    assert identifiers
    assert all(identifier.startswith("other-") for identifier in identifiers)
    assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= set(identifiers)


def test_colours_are_those_of_the_page_and_the_same_drawing_has_the_same_bytes() -> None:
    assert "var(--accent)" in picture()
    assert re.findall(r"#[0-9a-f]{6}\b", picture()) == []
    assert picture() == picture()
