"""Branches of a real repository on a server are compared with the queue."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import parse
from pipelines.git_trigger.push_queue import PushQueue, PushState
from pipelines.git_trigger.reconcile import reconcile
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, without lines on the terminal."""

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """URL of the repository on a server that knows of Git no more than `git update-server-info` writes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/repository/.git"
    server.shutdown()
    server.server_close()


@pytest.fixture
def lines(
    url: str, tmp_path: Path, secrets_folder: Path, settings_of: Callable[..., Any], repository: Any
) -> Callable[..., list[str]]:
    """Reconciles; gives what was found, without the URL."""
    content = settings_of()
    content["repositories"] = [{"provider": "github", "name": "team/models", "url": url, "refs": ["main", "release/*"]}]
    settings = parse(ReceiverSettings, content)
    queue = PushQueue(tmp_path / "queue.sqlite")

    def look(**options: bool) -> list[str]:
        repository.git("update-server-info")
        findings = reconcile(settings, queue, SecretFiles(secrets_folder), **options)
        return [finding.line.removeprefix(url).strip() for finding in findings]

    look.queue = queue  # type: ignore[attr-defined]
    return look


def test_a_push_that_was_missed_is_added_once(lines: Any, repository: Any) -> None:
    repository.commit({"old.l2c.yaml": "a"})
    assert lines()[0].endswith("nothing started")  # nobody wants everything in it run at once
    commit = repository.commit({"l2c.yaml": "a"})
    assert lines() == [f"refs/heads/main: {commit[:12]} was missed, is in the queue"]
    assert lines() == []
    assert lines.queue.counts()[PushState.PENDING] == 1


def test_branches_that_do_not_count_are_left_alone(lines: Any, repository: Any) -> None:
    repository.commit({"l2c.yaml": "a"})
    lines()
    repository.git("branch", "feature")
    repository.git("branch", "release/1")
    assert [line.partition(":")[0] for line in lines()] == ["refs/heads/release/1"]


def test_a_baseline_starts_nothing(lines: Any, repository: Any) -> None:
    repository.commit({"l2c.yaml": "a"})
    lines()
    commit = repository.commit({"l2c.yaml": "b"})
    assert lines(baseline=True) == [f"refs/heads/main: noted at {commit[:12]}, nothing started"]
    assert lines() == []


def test_a_push_whose_tries_all_failed_gets_another_round(lines: Any, repository: Any) -> None:
    repository.commit({"l2c.yaml": "a"})
    lines()
    repository.commit({"l2c.yaml": "b"})
    lines()
    queued = lines.queue.claim()
    lines.queue.finish(queued.number, PushState.FAILED, "the server was away")
    assert lines()[0].endswith("had failed, is tried again")
    assert lines.queue.counts()[PushState.PENDING] == 1


def test_a_server_that_is_away_is_told_and_stops_nothing(
    tmp_path: Path, secrets_folder: Path, settings_of: Callable[..., Any]
) -> None:
    settings = parse(ReceiverSettings, settings_of("http://127.0.0.1:9/team/models"))
    findings = list(reconcile(settings, PushQueue(tmp_path / "queue.sqlite"), SecretFiles(secrets_folder)))
    assert [finding.is_failure for finding in findings] == [True, True, True]
