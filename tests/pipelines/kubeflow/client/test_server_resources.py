"""Experiments, pipelines and versions are made once, whoever asks for them; over real HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, Server, Timeouts, connect
from pipelines.kubeflow.client.server_resources import find_or_create_experiment, find_or_upload_version


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=Timeouts(pause_seconds=0.05)))


def test_the_same_package_is_the_same_version(kfp_server: Any, connection: Connection, small_package: str) -> None:
    first = find_or_upload_version("digits", small_package, "first", connection)
    again = find_or_upload_version("digits", small_package, "again", connection)
    other = find_or_upload_version("digits", f"{small_package}# more\n", "other", connection)
    assert again == first
    assert other.pipeline_version_id != first.pipeline_version_id
    assert other.pipeline_id == first.pipeline_id
    descriptions = [version["description"] for version in kfp_server.kinds["pipeline_versions"].values()]
    assert descriptions == ["first", "other"]


def test_two_at_once_end_with_the_same(kfp_server: Any, small_package: str) -> None:
    connections = [connect(Server(kfp_server.url, timeouts=Timeouts(pause_seconds=0.05))) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda own: find_or_upload_version("digits", small_package, "", own), connections))
        experiments = set(pool.map(lambda own: find_or_create_experiment("mine", own), connections))
    assert all(version == found[0] for version in found)
    assert len(experiments) == 1


def test_an_experiments_name_fits_into_the_servers_column(connection: Connection) -> None:
    assert find_or_create_experiment("e" * 128, connection)
    with pytest.raises(ConfigError, match="--experiment: found 129 characters"):
        find_or_create_experiment("e" * 129, connection)
