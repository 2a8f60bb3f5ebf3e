"""Pushes are worked in processes of their own, which fail, take too long, or are stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import parse
from pipelines.git_trigger.dispatcher import Dispatcher
from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.push_queue import PushQueue, PushState
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings

COMMIT = "a" * 40


@dataclasses.dataclass(frozen=True)
class Office:
    """A queue and who works it."""

    queue: PushQueue
    dispatcher: Dispatcher
    metrics: ReceiverMetrics

    def work_until(self, condition: Callable[[], bool]) -> None:
        async def work() -> None:
            async with self.dispatcher.running():
                while not condition():
                    await asyncio.sleep(0.02)

        asyncio.run(work())

    def ends(self, end: str) -> float:
        return self.metrics.registry.get_sample_value("l2c_push_works_total", {"end": end}) or 0.0


@pytest.fixture
def make_office(
    tmp_path: Path, secrets_folder: Path, settings_of: Callable[..., Any]
) -> Iterator[Callable[..., Office]]:
    queue = PushQueue(tmp_path / "queue.sqlite")

    def make(url: str, **changes: Any) -> Office:
        settings = parse(ReceiverSettings, settings_of(url, **changes))
        metrics = ReceiverMetrics(queue)
        dispatcher = Dispatcher(settings, queue, SecretFiles(secrets_folder), tmp_path / "work", metrics)
        return Office(queue, dispatcher, metrics)

    yield make
    queue.close()


def add(office: Office, url: str) -> None:
    assert office.queue.add(Push(f"{url}.git", "refs/heads/main", COMMIT, None), "github", "1", supersede=False)


def test_a_push_whose_server_is_away_is_tried_as_often_as_told(make_office: Callable[..., Office]) -> None:
    url = "http://127.0.0.1:9/team/models"
    office = make_office(url, retry={"first_seconds": 0.01, "longest_seconds": 0.01, "attempts": 2})
    add(office, url)
    # The queue's file has the end before the figures do.
    office.work_until(lambda: office.ends("again") == 2)
    assert office.queue.counts()[PushState.FAILED] == 1


def test_a_push_of_a_repository_that_was_taken_off_the_list_is_refused(make_office: Callable[..., Office]) -> None:
    office = make_office("http://127.0.0.1:9/team/models")
    add(office, "http://127.0.0.1:9/team/others")
    office.work_until(lambda: office.queue.counts()[PushState.REFUSED] == 1)


def test_work_without_end_is_ended(make_office: Callable[..., Office], silent_server: str) -> None:
    office = make_office(silent_server, limits={"work_seconds": 0.5}, retry={"first_seconds": 3000.0})
    add(office, silent_server)
    office.work_until(lambda: office.ends("again") == 1)
    assert office.queue.counts()[PushState.PENDING] == 1
    assert office.queue.claim() is None  # it waits for its next try


def test_work_that_is_stopped_stays_in_the_queue(make_office: Callable[..., Office], silent_server: str) -> None:
    office = make_office(silent_server)
    add(office, silent_server)
    office.work_until(lambda: office.queue.counts()[PushState.WORKING] == 1)
    found = office.queue.claim()
    assert found is not None
    assert found.attempts == 1


def test_a_push_that_is_taken_while_work_stops_stays_in_the_queue(
    make_office: Callable[..., Office], silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = make_office(silent_server)
    add(office, silent_server)
    claim, begins = office.queue.claim, threading.Event()

    def claim_slowly() -> Any:
        begins.set()
        time.sleep(0.2)
        return claim()

    with monkeypatch.context() as patched:
        patched.setattr(office.queue, "claim", claim_slowly)
        office.work_until(begins.is_set)
    found = office.queue.claim()
    assert found is not None
    assert found.attempts == 1
