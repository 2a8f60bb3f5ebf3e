from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.data.format_of_name import format_of_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", DataFormat.CSV),
        ("folder/A.TSV.gz", DataFormat.TSV),
        ("s3://bucket/a.npz", DataFormat.NPZ),
        ("a.tfrecord", DataFormat.TFRECORD),
        ("a.tfrecords", DataFormat.TFRECORD),
        ("photos", None),
        ("a.npz.gz", None),
        ("csv", None),
        ("a.csv/photos", None),
    ],
)
def test_the_ending_of_a_name_says_the_format(name: str, expected: DataFormat | None) -> None:
    assert format_of_name(name) is expected


def test_tables_are_those_of_rows() -> None:
    assert {found for found in DataFormat if found.is_table} == {DataFormat.CSV, DataFormat.TSV}
