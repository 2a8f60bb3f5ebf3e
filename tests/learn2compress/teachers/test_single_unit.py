"""What one output is: a sigmoid where it is seen, a logit where values say so, and never a guess."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.config import TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.single_unit import tell_unit

LOGITS, PROBABILITIES = TeacherOutput.LOGITS, TeacherOutput.PROBABILITIES
WITHIN, BEYOND = np.array([[0.0], [0.4], [1.0]]), np.array([[0.5], [1.5]])


@pytest.mark.parametrize(
    ("raw", "activation", "declared", "expected"),
    [
        (WITHIN, "sigmoid", None, PROBABILITIES),
        (WITHIN, "sigmoid", PROBABILITIES, PROBABILITIES),
        (BEYOND, "linear", None, LOGITS),
        (BEYOND, None, LOGITS, LOGITS),
        (WITHIN, None, PROBABILITIES, PROBABILITIES),
        # A sigmoid may stand before a linear activation, which mixed precision needs.
        (WITHIN, "linear", PROBABILITIES, PROBABILITIES),
        (WITHIN, "linear", LOGITS, LOGITS),
    ],
)
def test_what_one_output_is(
    raw: np.ndarray, activation: str | None, declared: TeacherOutput | None, expected: TeacherOutput
) -> None:
    assert tell_unit(raw, activation, declared, "teacher.output", "t.keras") is expected


@pytest.mark.parametrize(
    ("raw", "activation", "declared", "message"),
    [
        (WITHIN, "sigmoid", LOGITS, "teacher.output: found 'logits', accepted is 'probabilities' .* is sigmoid"),
        (BEYOND, None, PROBABILITIES, "teacher.output: found 'probabilities', accepted is 'logits' .* probe inputs"),
        (WITHIN, "linear", None, "teacher.output: found nothing for t.keras, whose one output is between 0 and 1"),
        (WITHIN * np.nan, "sigmoid", None, "teacher.output: t.keras gives NaN or infinite outputs"),
    ],
)
def test_doubt_and_contradiction_are_said(
    raw: np.ndarray, activation: str | None, declared: TeacherOutput | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tell_unit(raw, activation, declared, "teacher.output", "t.keras")
