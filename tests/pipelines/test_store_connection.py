"""A store is opened as soon as it is there, and who waits in vain is told in one line."""

from __future__ import annotations

import threading
from pathlib import Path

import absl.logging
import pytest

from learn2compress.config.store_address import StoreAddress
from pipelines.store_connection import StoreUnreachableError, open_address


def test_a_file_is_made_only_where_that_is_wanted(tmp_path: Path) -> None:
    address = StoreAddress.parse(str(tmp_path / "lineage.sqlite"))
    with pytest.raises(StoreUnreachableError, match="can't be opened as a store of ML Metadata"):
        open_address(address, timeout_seconds=0.1)
    assert list(tmp_path.iterdir()) == []
    assert open_address(address, create=True).get_artifacts() == []
    assert open_address(address).get_artifacts() == []


def test_a_store_that_appears_in_time_is_opened(tmp_path: Path) -> None:
    address = StoreAddress.parse(str(tmp_path / "later" / "lineage.sqlite"))
    timer = threading.Timer(0.5, (tmp_path / "later").mkdir)
    timer.start()
    assert open_address(address, timeout_seconds=60.0, create=True).get_artifacts() == []


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("grpc://127.0.0.1:1", "grpc://127.0.0.1:1 can't be reached: .*; see that a server of ML Metadata runs there"),
        ("mysql://team@127.0.0.1:1/lineage", "mysql://127.0.0.1:1/lineage can't be opened: .*mysql_native_password"),
    ],
)
def test_a_server_that_is_away_is_one_line(address: str, message: str) -> None:
    verbosity = absl.logging.get_verbosity()
    with pytest.raises(StoreUnreachableError, match=message) as caught:
        open_address(StoreAddress.parse(address), password="hunter2", timeout_seconds=0.1)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert absl.logging.get_verbosity() == verbosity
