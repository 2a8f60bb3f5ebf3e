"""A front has the sub-networks whose files were made, and is read as it was written."""

from __future__ import annotations

from pathlib import Path

from learn2compress.results.reports import read_json, write_json
from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult


def test_the_front_is_what_a_file_was_made_of(tmp_path: Path) -> None:
    best = SubNetworkResult(SubNetwork(1.0, 2, 1, 32), 0.9, 1000, 5000, 3000)
    beaten = SubNetworkResult(SubNetwork(0.5, 2, 1), 0.8, 1000, 5000)
    front = FamilyFront(100, (best, beaten))
    assert front.front == (best,)
    write_json(tmp_path / "front.json", front)
    assert read_json(FamilyFront, tmp_path / "front.json") == front


def test_a_sub_network_is_named_in_words() -> None:
    assert str(SubNetwork(0.625, 2, 3, 24)) == "width 0.625, stage 2 block 3 at 24 pixels"
    assert str(SubNetwork(1.0, 1, 1)) == "width 1, stage 1 block 1"
