"""A file that decides otherwise than its network is refused with the layer's name; what matters is said."""

from __future__ import annotations

import dataclasses

from learn2compress.results.quantization import Candidate, QuantizationReport, TensorDeviation
from learn2compress.selection.fidelity import agreement_refusal, fidelity_notes

GOOD = QuantizationReport(
    recipe="int8_qat",
    shipped="int8_qat",
    reason="named by the configuration",
    num_examples=400,
    candidates=(Candidate("float32", 0.985, 400_000), Candidate("int8_qat", 0.98, 100_000)),
    compared_with="the trained network",
    num_deviation_examples=32,
    deviations=(TensorDeviation("first", 0.9, 1.0), TensorDeviation("second", 0.125, 3.0)),
    agreement=0.985,
    num_agreement_examples=400,
)
BAD = dataclasses.replace(
    GOOD,
    agreement=0.83,
    shipped="int8_ptq",
    compared_with="the float32 file",
    deviations=(TensorDeviation("block_3_norm", 6.0, 255.0),),
)


def test_a_good_file_is_neither_refused_nor_spoken_of() -> None:
    assert agreement_refusal(GOOD, 0.9) is None
    assert fidelity_notes(GOOD) == ()


def test_a_file_that_decides_otherwise_is_refused_with_the_layer() -> None:
    assert agreement_refusal(BAD, 0.9) == (
        "agreement 83% is below min_agreement 90%: its file (int8_ptq) and the float32 file choose different classes "
        "(largest deviation: 255 of 255 steps, in layer block_3_norm); another recipe, such as int16_activations or "
        "float16, or more calibration_examples may mend it"
    )
    assert fidelity_notes(BAD) == (
        "its file (int8_ptq) chooses the class of the float32 file for 83% of 400 examples (largest deviation: 255 of "
        "255 steps, in layer block_3_norm)",
    )
    assert agreement_refusal(BAD, None) is None
    assert agreement_refusal(BAD, 0.83) is None


def test_a_refusal_shows_the_digits_that_tell_both_figures_apart() -> None:
    near = dataclasses.replace(GOOD, agreement=0.899999, num_agreement_examples=1_000_000)
    assert "agreement 89.9999% is below min_agreement 90%" in (agreement_refusal(near, 0.9) or "")


def test_one_of_few_examples_is_no_disagreement() -> None:
    assert agreement_refusal(dataclasses.replace(GOOD, agreement=5 / 6, num_agreement_examples=6), 0.9) is None
    assert agreement_refusal(dataclasses.replace(GOOD, agreement=4 / 6, num_agreement_examples=6), 0.9) is not None


def test_what_was_not_measured_satisfies_no_limit_and_what_nobody_knows_is_not_judged() -> None:
    unknown = dataclasses.replace(GOOD, agreement=None)
    assert agreement_refusal(unknown, 0.9) == "agreement was not measured, so it does not satisfy min_agreement 90%"
    assert agreement_refusal(None, 0.9) is None
    assert fidelity_notes(None) == fidelity_notes(unknown) == ()


def test_a_tensor_far_off_is_said_even_where_decisions_agree() -> None:
    far = dataclasses.replace(GOOD, deviations=(TensorDeviation("norm", 2.0, 33.0),))
    (note,) = fidelity_notes(far)
    assert note.endswith("for 98.5% of 400 examples (largest deviation: 33 of 255 steps, in layer norm)")


def test_another_file_and_operators_of_other_numbers_are_said() -> None:
    fallen = dataclasses.replace(
        GOOD,
        shipped="mixed",
        fell_back=True,
        reason="int8_qat agrees on 83.00%, so 1 of 9 layers have float arithmetic",
    )
    assert fidelity_notes(fallen) == (
        "ships as mixed: int8_qat agrees on 83.00%, so 1 of 9 layers have float arithmetic",
    )
    operators = ("DEQUANTIZE (a)", "ADD (a)", "ADD (b)", "QUANTIZE (b)")
    assert fidelity_notes(dataclasses.replace(GOOD, unexpected_operators=operators)) == (
        "its file has operators that are not in the numbers of its recipe int8_qat: DEQUANTIZE (a), ADD (a), ADD (b) "
        "and 1 more",
    )
