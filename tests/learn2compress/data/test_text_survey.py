from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.config import DataConfig, DataFormat
from learn2compress.data.records import SourceError
from learn2compress.data.text_survey import survey_texts


def data_of(path: Path, rows: str) -> DataConfig:
    path.write_text(rows)
    return DataConfig(DataFormat.TSV, str(path))


def test_all_labels_are_read_in_index_order(tmp_path: Path) -> None:
    rows = "".join(f"{label}\ta text of {label}\n" for label in (10, 9, 2, 2, 10))
    assert survey_texts(data_of(tmp_path / "a.tsv", rows)) == ("2", "9", "10")


def test_a_column_of_labels_that_never_recur_is_none(tmp_path: Path) -> None:
    rows = "label\ttext\n" + "".join(f"label{n}\ttext {n}\n" for n in range(40))
    with pytest.raises(SourceError, match=r"found 40 classes in 40 examples.*data\.label_column"):
        survey_texts(data_of(tmp_path / "a.tsv", rows))


def test_a_source_without_labelled_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found no labelled text"):
        survey_texts(data_of(tmp_path / "a.tsv", "label\ttext\n"))
