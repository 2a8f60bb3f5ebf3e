"""The paragraph on a file's numbers says what ships, why, and how far it deviates."""

from __future__ import annotations

import dataclasses

from learn2compress.report.quantization import quantization_sentences
from learn2compress.results.quantization import Candidate, QuantizationReport, TensorDeviation

REPORT = QuantizationReport(
    recipe="int8_qat",
    shipped="int8_ptq",
    reason="98.00% of training examples right, better than int8_qat (97.50%)",
    num_examples=2000,
    candidates=(Candidate("float32", 0.985, 400_000), Candidate("int8_qat", 0.975, 100_000)),
    compared_with="the float32 file",
    num_deviation_examples=32,
    deviations=(TensorDeviation("first", 0.9, 1.0), TensorDeviation("second", 0.125, 3.0)),
)


def test_everything_is_said_in_one_paragraph() -> None:
    assert quantization_sentences(REPORT) == (
        "Ships as int8_ptq: 98.00% of training examples right, better than int8_qat (97.50%). "
        "On 2,000 training examples the float32 file has 98.50% and 400,000 bytes. "
        "Largest deviation from the float32 file: 3.0 steps of its quantization, 0.125 in real numbers, in second, "
        "among 32 training examples."
    )


def test_agreement_and_operators_in_other_numbers_are_said() -> None:
    found = dataclasses.replace(
        REPORT, agreement=0.9925, num_agreement_examples=1000, unexpected_operators=("ADD (sum)", "MUL (norm)")
    )
    assert quantization_sentences(found).endswith(
        "It chooses the class of the float32 file for 99.25% of 1,000 training examples. Not in the numbers of that "
        "recipe: ADD (sum), MUL (norm)."
    )


def test_float_tensors_have_no_steps() -> None:
    found = dataclasses.replace(REPORT, deviations=(TensorDeviation("first", 0.25, None),))
    assert "Largest deviation from the float32 file: 0.25 in real numbers, in first" in quantization_sentences(found)


def test_nothing_is_claimed_where_nothing_was_compared() -> None:
    assert "deviation" not in quantization_sentences(dataclasses.replace(REPORT, deviations=()))


def test_the_temperature_says_which_way_scores_were_wrong() -> None:
    for temperature, expected in (
        (2.0625, "were too sure: logits are divided by 2.06, fitted to"),
        (0.5, "were not sure enough: logits are divided by 0.50, fitted to"),
        (1.0, "are as trained: on"),
    ):
        found = dataclasses.replace(REPORT, temperature=temperature, num_kept_back=1000)
        assert f"Its scores {expected} 1,000 examples that nobody trained on" in quantization_sentences(found)


def test_decisions_that_ties_change_are_told_and_so_is_the_way_out() -> None:
    fine = dataclasses.replace(REPORT, num_choice_examples=100, changed_by_rounding_ratio=0.0)
    assert "1/256" not in quantization_sentences(fine)
    coarse = dataclasses.replace(fine, changed_by_rounding_ratio=0.003)
    assert (
        "steps of 1/256: where they tie, the first class counts, which changes 0.30% of the"
        in quantization_sentences(coarse)
    )
    rescued = dataclasses.replace(fine, changed_by_rounding_ratio=0.07, has_float_scores=True)
    assert "Its scores are float32: in steps of 1/256 they would tie, and change 7.00% of the decisions on 2,000" in (
        quantization_sentences(rescued)
    )


def test_examples_that_were_kept_back_are_counted() -> None:
    found = dataclasses.replace(REPORT, num_kept_back=1000)
    assert "On 2,000 examples, 1,000 of which nobody trained on, the float32" in quantization_sentences(found)
