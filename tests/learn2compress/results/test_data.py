from __future__ import annotations

from pathlib import Path

from learn2compress.results.data import ClassCounts, DataReport, PreviousData, SplitCounts, SplitDigests
from learn2compress.results.reports import read_json, write_json

REPORT = DataReport(
    labels=("cat", "dog"),
    num_train=7,
    num_held_out=3,
    num_unlabelled=0,
    num_bad=1,
    num_labelled_left_out=2,
    num_unlabelled_left_out=0,
    num_conflicting=SplitCounts(0, 0),
    num_conflicting_stored=SplitCounts(0, 0),
    num_conflicting_left_out=0,
    num_duplicates=SplitCounts(2, 1),
    num_held_out_trained_on=0,
    class_counts=ClassCounts((3, 4), (1, 2)),
    labels_not_held_out=(),
    split_content_sha256=SplitDigests("a", "b"),
    content_sha256="c",
)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    previous = PreviousData.of(REPORT)
    for report in (REPORT, DataReport(**{**vars(REPORT), "previous": previous, "changes": ("less",)})):
        write_json(tmp_path / "ingest.json", report)
        assert read_json(DataReport, tmp_path / "ingest.json") == report
    assert (previous.labels, previous.num_train, previous.class_counts.of(1)) == (("cat", "dog"), 7, SplitCounts(4, 2))
    assert REPORT.num_duplicates.total == 3
