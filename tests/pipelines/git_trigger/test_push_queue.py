"""The queue holds each push once, in order, through anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.push_queue import PushQueue, PushState, QueuedPush

URL = "https://git.example.com/team/models.git"


def push(commit: str, since: str | None = "0", ref: str = "refs/heads/main", url: str = URL) -> Push:
    """A push of commits named by one hexadecimal digit."""
    return Push(url, ref, commit * 40, since and since * 40)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[PushQueue]:
    made = PushQueue(tmp_path / "folder" / "queue.sqlite")
    yield made
    made.close()


def add(queue: PushQueue, added: Push, *, supersede: bool = False) -> bool:
    return queue.add(added, "github", f"{added.ref} {added.commit}", supersede=supersede)


def claimed(queue: PushQueue) -> QueuedPush:
    found = queue.claim()
    assert found is not None
    return found


def test_pushes_come_out_in_the_order_they_came(queue: PushQueue) -> None:
    assert add(queue, push("1"))
    assert add(queue, push("2", "1"))
    first = claimed(queue)
    assert (first.push, first.attempts) == (push("1"), 1)
    assert queue.claim() is None  # the branch is being worked on
    queue.finish(first.number, PushState.DONE, "")
    assert claimed(queue).push == push("2", "1")


def test_branches_do_not_wait_for_each_other(queue: PushQueue) -> None:
    add(queue, push("1"))
    add(queue, push("1", ref="refs/heads/next"))
    assert claimed(queue).push.branch == "main"
    assert claimed(queue).push.branch == "next"


def test_a_push_is_in_it_once(queue: PushQueue) -> None:
    assert queue.add(push("1"), "github", "a", supersede=False)
    assert not queue.add(push("1"), "github", "a", supersede=False)
    assert not queue.add(push("1"), "github", "b", supersede=False)
    assert not queue.add(push("1"), "gitlab", "c", supersede=False)
    assert not queue.add(push("2"), "github", "a", supersede=False)  # told by a delivery that was heard
    assert queue.counts()[PushState.PENDING] == 1


def test_many_at_once_are_one(queue: PushQueue) -> None:
    with ThreadPoolExecutor(16) as threads:
        new = list(threads.map(lambda number: queue.add(push("1"), "github", str(number), supersede=False), range(50)))
    assert sum(new) == 1
    assert queue.counts()[PushState.PENDING] == 1


def test_what_was_added_is_there_after_a_crash(queue: PushQueue, tmp_path: Path) -> None:
    add(queue, push("1"))
    claimed(queue)
    after = PushQueue(tmp_path / "folder" / "queue.sqlite")  # the first was not closed
    assert after.claim() is None
    after.recover()
    found = claimed(after)
    assert (found.push, found.attempts) == (push("1"), 2)
    after.close()


def test_a_push_that_is_put_off_comes_back_later(queue: PushQueue) -> None:
    add(queue, push("1"))
    first = claimed(queue)
    queue.postpone(first.number, 3600.0, "away")
    assert queue.claim() is None
    queue.postpone(first.number, 0.0, "away")
    assert claimed(queue).attempts == 2


def test_to_be_stopped_is_no_try(queue: PushQueue) -> None:
    add(queue, push("1"))
    queue.release(claimed(queue).number)
    assert claimed(queue).attempts == 1


def test_a_push_also_brings_what_a_lost_one_changed(queue: PushQueue) -> None:
    add(queue, push("1"))
    add(queue, push("3", "2"))  # nobody told of 2
    queue.finish(claimed(queue).number, PushState.DONE, "")
    assert claimed(queue).push == push("3", "1")


def test_a_push_that_comes_after_its_follower_is_covered_by_it(queue: PushQueue) -> None:
    add(queue, push("1"))
    add(queue, push("3", "2"))
    assert not add(queue, push("2", "1"))
    assert queue.branches(URL) == {"refs/heads/main": "3" * 40}


def test_a_force_push_back_is_a_push(queue: PushQueue) -> None:
    add(queue, push("2", "1"))
    assert add(queue, push("1", "2"))
    queue.finish(claimed(queue).number, PushState.DONE, "")
    assert claimed(queue).push == push("1", "2")


def test_a_newer_push_can_stand_for_those_that_wait(queue: PushQueue) -> None:
    add(queue, push("1"))
    first = claimed(queue)
    add(queue, push("2", "1"), supersede=True)
    add(queue, push("3", "2"), supersede=True)
    add(queue, push("9", "8", ref="refs/heads/next"), supersede=True)
    queue.finish(first.number, PushState.DONE, "")
    assert claimed(queue).push == push("3", "1")
    assert claimed(queue).push == push("9", "8", ref="refs/heads/next")
    assert queue.counts()[PushState.SUPERSEDED] == 1


@pytest.mark.parametrize("state", [PushState.FAILED, PushState.REFUSED])
def test_a_push_brings_what_was_not_started_for_the_one_before(queue: PushQueue, state: PushState) -> None:
    add(queue, push("1"))
    queue.finish(claimed(queue).number, state, "")
    add(queue, push("2", "1"))
    assert claimed(queue).push == push("2", "0")
    assert queue.counts()[PushState.SUPERSEDED] == 1


def test_a_failed_push_can_be_tried_again(queue: PushQueue) -> None:
    add(queue, push("1"))
    queue.finish(claimed(queue).number, PushState.FAILED, "")
    assert queue.retry_failed(push("1"))
    assert not queue.retry_failed(push("1"))
    assert claimed(queue).attempts == 1


def test_a_baseline_starts_nothing_and_is_compared_with(queue: PushQueue) -> None:
    queue.add_baseline(push("5", None))
    assert queue.claim() is None
    add(queue, push("6", "5"))
    assert claimed(queue).push == push("6", "5")


def test_the_wait_of_the_oldest_is_known(queue: PushQueue) -> None:
    assert queue.oldest_seconds() == 0.0
    add(queue, push("1"))
    assert queue.oldest_seconds() > 0.0
    queue.finish(claimed(queue).number, PushState.DONE, "")
    assert queue.oldest_seconds() == 0.0


def test_a_queue_that_another_process_holds_says_so_soon(queue: PushQueue, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "folder" / "queue.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        add(queue, push("1"))
    with pytest.raises(sqlite3.OperationalError):
        queue.check_writable()
    other.execute("ROLLBACK")
    other.close()
    queue.check_writable()
    assert add(queue, push("1"))


def test_a_file_that_is_no_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"not a database " * 100)
    with pytest.raises(ConfigError, match=r"^--queue: .* can't be opened as a queue"):
        PushQueue(tmp_path / "queue.sqlite")
