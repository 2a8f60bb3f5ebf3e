"""Teachers, and when they run."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import TeacherConfig
from learn2compress.config.parsing import ConfigError, parse

GOOD: dict[str, Any] = {"uri": "teacher.keras"}


@pytest.mark.parametrize(
    ("settings", "is_live"),
    [({}, False), ({"signal": "live"}, True), ({"training": "joint"}, True), ({"signal": "cached"}, False)],
)
def test_a_teacher_that_learns_runs_in_every_step(settings: dict[str, Any], is_live: bool) -> None:
    assert parse(TeacherConfig, GOOD | settings).is_live is is_live


def test_pixels_become_numbers_up_to_one_unless_said_otherwise() -> None:
    scaling = parse(TeacherConfig, GOOD).input_scaling
    assert 255 * scaling.multiply + scaling.add == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ensemble": [GOOD] * 8}, "ensemble: found 8 further teachers, accepted are 7 at most"),
        (
            {"ensemble": [GOOD], "training": "joint"},
            "training: found 'joint' with an ensemble, accepted is one teacher",
        ),
        (
            {"training": "joint", "precision": "bfloat16"},
            "precision: found 'bfloat16' with training 'joint', accepted is 'float32'",
        ),
        ({"precision": "float16"}, "precision: found \"float16\", accepted: 'float32' or 'bfloat16'"),
        ({"ensemble": [{"url": "x"}]}, "ensemble.0.url: found an unknown key, accepted are uri, input_scaling, output"),
        ({"output": "scores"}, "output: found \"scores\", accepted: 'logits' or 'probabilities'"),
        ({"input_scaling": {"multiply": 0.0}}, "input_scaling.multiply: found 0.0"),
        ({"cached_views": 65}, "cached_views: found 65"),
        ({"classes": ["plum", 1]}, "classes.1: found 1"),
        ({"classes": ["plum", ""]}, 'classes.1: found ""'),
        ({"min_accuracy": 95.0}, "min_accuracy: found 95.0"),
        ({"uri": "https://me:hunter2@host/t.keras"}, "uri: found credentials in the URI"),
    ],
)
def test_what_is_no_teacher_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TeacherConfig, GOOD | settings)
    assert str(caught.value).startswith(message)
