"""What a run pushed is found at the place to which it pushed, by what it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.kubeflow.client.pushed_report import find_pushed_report
from pipelines.run_history import Step

OURS = {"config_sha256": "c", "teacher_sha256": "t"}


@pytest.fixture
def destination(tmp_path: Path) -> str:
    return f"file://{tmp_path}/pushed"


def pusher(uri: str) -> list[Step]:
    return [Step("Ingest", "complete", 1.0, {}, {}), Step("Pusher", "complete", 1.0, told(uri), {})]


def told(uri: str) -> dict[str, str]:
    return {"uri": uri, "provenance": json.dumps(OURS)}


def test_the_newest_version_of_this_provenance_is_found(destination: str, push_report: Callable[..., None]) -> None:
    push_report(destination, OURS | {"data_sha256": "d"})
    push_report(destination, OURS | {"data_sha256": "newer"})
    push_report(destination, {"config_sha256": "of another run"})
    found = find_pushed_report(pusher(destination))
    assert found is not None
    family, uri = found
    assert (family.provenance["data_sha256"], uri) == ("newer", f"{destination}/versions/2")


def test_a_version_that_is_still_written_is_no_version(
    destination: str, tmp_path: Path, push_report: Callable[..., None]
) -> None:
    push_report(destination, OURS)
    (tmp_path / "pushed/versions/1/SHA256SUMS").unlink()
    assert find_pushed_report(pusher(destination)) is None


@pytest.mark.parametrize("uri", ["file:///nowhere/pushed", "nosuchstore://a/b", "/a/path/of/the/cluster"])
def test_a_place_that_cannot_be_read_from_here_has_nothing(uri: str) -> None:
    assert find_pushed_report(pusher(uri)) is None


def test_a_run_without_our_pusher_has_nothing() -> None:
    assert find_pushed_report([Step("train", "complete", 1.0, {}, {})]) is None
    assert find_pushed_report([Step("Pusher", "complete", 1.0, {}, {})]) is None
