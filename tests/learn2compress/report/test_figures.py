from __future__ import annotations

import re

import pytest

from learn2compress.report.figures import Limits, PlottedModel, accuracy_against_bytes, accuracy_against_latency

MODELS = [
    PlottedModel("teacher", "teacher", 1_000_000, 0.95, 0.94, 0.96),
    PlottedModel("small", "pushed", 20_000, 0.93, 0.92, 0.94),
    PlottedModel("a_name_that_is_longer_than_there_is_room", "refused", 40_000, 0.8, 0.78, 0.82),
]


def test_each_model_says_its_figures() -> None:
    picture = accuracy_against_bytes(MODELS, ["small", "teacher"], Limits())

    assert re.findall(r"<title[^>]*>(.*?)</title>", picture) == [
        "Top-1 accuracy against file size as stored",
        "teacher, teacher: 95.00%, 1.00 MB",
        "small, pushed: 93.00%, 20.0 kB",
        "a_name_that_is_longer_than_there_is_room, refused: 80.00%, 40.0 kB",
    ]
    assert "On the Pareto front: small, teacher." in picture
    assert ">a_name_that_is_lo…<" in picture


def test_latency_is_a_multiple_of_the_teachers() -> None:
    models = [PlottedModel("teacher", "teacher", 1.0, 0.95, 0.94, 0.96), PlottedModel("s", "pushed", 0.1, 0.9, 0.8, 1)]

    picture = accuracy_against_latency(models, [], Limits())

    assert "s, pushed: 90.00%, 0.100\N{MULTIPLICATION SIGN}" in picture
    assert "On the Pareto front: none." in picture


@pytest.mark.parametrize(
    ("limits", "lines"),
    [(Limits(), 0), (Limits(50_000, 0.9), 2), (Limits(min_accuracy=0.9), 1), (Limits(10**9, 0.1), 0)],
)
def test_limits_are_drawn_where_they_are_inside_the_picture(limits: Limits, lines: int) -> None:
    def dotted(picture: str) -> int:
        return len(re.findall(r"stroke-dasharray: 1,2[;\"]", picture))

    plain = dotted(accuracy_against_bytes(MODELS, ["small"], Limits()))
    assert dotted(accuracy_against_bytes(MODELS, ["small"], limits)) - plain == lines


def test_sub_networks_are_points_inside_the_picture_that_say_their_figures() -> None:
    others = [PlottedModel("width 0.5", "sub-network", 9_000, 0.7, 0.7, 0.7)]
    picture = accuracy_against_bytes(MODELS, ["small"], Limits(), others)
    assert "width 0.5: 70.00%, 9.00 kB" in re.findall(r"<title[^>]*>(.*?)</title>", picture)
    assert picture.count(">width 0.5") == 1
    (x, y) = re.search(r'sub-network-0".*?<use [^>]*x="([\d.]+)" y="([\d.]+)"', picture, re.DOTALL).groups()  # type: ignore[union-attr]
    assert 0 < float(x) < 380
    assert 0 < float(y) < 290
