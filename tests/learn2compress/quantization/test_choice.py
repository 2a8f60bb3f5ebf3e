"""The file that is right more often ships; what chance may explain, or training favours, is said."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from learn2compress.config import QuantizationRecipe
from learn2compress.quantization.choice import choose

TRAINED, CONTROL = QuantizationRecipe.INT8_QAT, QuantizationRecipe.INT8_PTQ


def right(num_correct: int, n: int = 1000) -> npt.NDArray[np.bool_]:
    """The first so many of n examples."""
    return np.arange(n) < num_correct


@pytest.mark.parametrize(
    ("trained", "control", "shipped", "reason"),
    [
        (900, 800, TRAINED, "90.00% right of 1,000 {}, better than int8_ptq (80.00%)"),
        (900, 900, TRAINED, "90.00% right of 1,000 {}, as good as int8_ptq (90.00%)"),
        (800, 900, CONTROL, "90.00% right of 1,000 {}, better than int8_qat (80.00%)"),
        (899, 900, CONTROL, "90.00% right of 1,000 {}, better than int8_qat (89.90%), which may be chance"),
    ],
)
def test_the_file_that_is_right_more_often_ships_and_equals_go_to_training(
    trained: int, control: int, shipped: QuantizationRecipe, reason: str
) -> None:
    found = choose({TRAINED: right(trained), CONTROL: right(control)}, 1000, are_kept_back=True)
    assert found == (shipped, reason.format("examples that neither was trained on"))


def test_without_examples_that_were_kept_back_the_lean_is_said() -> None:
    shipped, reason = choose({TRAINED: right(900), CONTROL: right(800)}, 12, are_kept_back=False)
    assert shipped is TRAINED
    assert reason == (
        "90.00% right of 1,000 training examples, better than int8_ptq (80.00%); 12 were kept back from training, too "
        "few to compare on, and the others favour the trained file"
    )


def test_one_file_is_the_configurations() -> None:
    assert choose({CONTROL: right(1)}, 0, are_kept_back=False) == (CONTROL, "named by the configuration")
