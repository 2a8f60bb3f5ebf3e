from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from learn2compress.results.measurements import Arithmetic, EnergyEstimate, OperatorUse
from learn2compress.results.reports import json_bytes


def test_an_energy_is_what_computing_and_memory_need() -> None:
    assert EnergyEstimate(1.25, 0.5).total_uj == pytest.approx(1.75)


def test_numbers_of_an_operator_are_written_as_their_word() -> None:
    use = OperatorUse("CONV_2D", Arithmetic.INT8, 7, 900)
    assert b'"arithmetic": "int8"' in json_bytes(use)
    assert TypeAdapter(OperatorUse).validate_json(json_bytes(use)) == use
