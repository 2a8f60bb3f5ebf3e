"""The queue's numbers are read when they are asked for."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import generate_latest

from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.push_queue import PushQueue


def test_a_scrape_shows_the_queue_as_it_is(tmp_path: Path) -> None:
    queue = PushQueue(tmp_path / "queue.sqlite")
    metrics = ReceiverMetrics(queue)
    assert metrics.registry.get_sample_value("l2c_queue_pushes", {"state": "pending"}) == 0.0
    assert metrics.registry.get_sample_value("l2c_queue_oldest_seconds") == 0.0
    queue.add(Push("https://host/a", "refs/heads/main", "a" * 40, None), "github", "1", supersede=False)
    assert metrics.registry.get_sample_value("l2c_queue_pushes", {"state": "pending"}) == 1.0
    metrics.works.labels("done").inc()
    text = generate_latest(metrics.registry).decode()
    assert 'l2c_queue_pushes{state="working"} 0.0' in text
    assert 'l2c_push_works_total{end="done"} 1.0' in text
