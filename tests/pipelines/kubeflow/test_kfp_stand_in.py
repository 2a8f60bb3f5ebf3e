"""The stand-in of the API server notices what is not of the published API, so that the tests with it mean something."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def server(stand_in: Any) -> Iterator[Any]:
    server = stand_in()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("body", "noticed"),
    [
        ('{"display_name": "a", "colour": "red"}', "has no colour"),
        ('{"display_name": 7}', "7 is no str"),
        ('{"display_name": "a", "storage_state": "GONE"}', "'GONE' is no V2beta1ExperimentStorageState"),
    ],
)
def test_a_request_that_is_not_as_published_is_noticed(server: Any, body: str, noticed: str) -> None:
    url = f"{server.url}/apis/v2beta1/experiments"
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with contextlib.suppress(urllib.error.URLError, ConnectionError):  # it may fail on what it noticed
        urllib.request.urlopen(request).close()
    assert any(noticed in line for line in server.violations), server.violations


def test_an_answer_that_is_not_as_published_is_noticed(server: Any) -> None:
    server.add_run("a run", state="ON HOLIDAY")
    urllib.request.urlopen(f"{server.url}/apis/v2beta1/runs").close()
    assert any("'ON HOLIDAY' is no V2beta1RuntimeState" in line for line in server.violations)
