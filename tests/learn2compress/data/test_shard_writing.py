from __future__ import annotations

import hashlib
from pathlib import Path

from learn2compress.data.examples import read_examples
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import Label, Split
from learn2compress.data.shard_writing import write_split_shard
from learn2compress.data.tally import FailureFound, ShardWritten


def record(content: bytes, label: Label | None, source: str = "file#0") -> PreparedRecord:
    return PreparedRecord(hashlib.sha256(content).hexdigest(), source, label, content, None, {})


RECORDS = [(0, record(b"bb", "dog")), (1, record(b"aa", "cat")), (1, record(b"cc", None))]
LABELS = {"cat", "dog"}


def test_a_shard_holds_its_records_in_the_order_of_their_hashes(tmp_path: Path) -> None:
    written = write_split_shard(Split.TRAIN, 0, RECORDS, {}, LABELS, None, False, 1, tmp_path)
    assert isinstance(written, ShardWritten)
    stored = list(read_examples(tmp_path / "train"))
    assert [example.content_sha256 for example in stored] == sorted(r.content_sha256 for _, r in RECORDS)
    assert {example.input: example.label for example in stored} == {b"aa": 0, b"bb": 1, b"cc": -1}
    assert written.num_by_unit == {0: 1, 1: 2}
    assert (written.split, written.names) == ("train", ("cat", "dog"))


def test_what_is_held_out_stays_out_of_training(tmp_path: Path) -> None:
    digest = RECORDS[0][1].content_sha256
    written = write_split_shard(
        Split.TRAIN, 0, RECORDS, {Split.HELD_OUT: {digest: {"dog"}}}, LABELS, None, False, 1, tmp_path
    )
    assert isinstance(written, ShardWritten)
    assert written.num_labelled_left_out == 1
    assert digest not in {example.content_sha256 for example in read_examples(tmp_path / "train")}


def test_a_label_that_nobody_declared_is_a_failure(tmp_path: Path) -> None:
    found = write_split_shard(Split.TRAIN, 0, RECORDS, {}, LABELS, ("cat", "cow"), False, 1, tmp_path)
    assert isinstance(found, FailureFound)
    assert "found label 'dog'" in found.message


def test_a_folder_that_can_not_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "train").touch()
    found = write_split_shard(Split.TRAIN, 0, RECORDS, {}, LABELS, None, False, 1, tmp_path)
    assert isinstance(found, FailureFound)
    assert "can't be written" in found.message
