"""Prometheus metrics of the receiver. Labels have a fixed set of values: nothing that a sender chose."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipelines.git_trigger.push_queue import PushQueue


class ReceiverMetrics:
    """What the receiver counts.

    Args:
      queue: Whose state is read at each scrape.

    Attributes:
      registry: All of them.
      deliveries: By provider and answer.
      answer_seconds: Time to answer a delivery, its arrival included.
      works: Tries at pushes, by how they ended.
      files: Compression files, by what became of them.
    """

    def __init__(self, queue: PushQueue):
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "l2c_webhook_deliveries",
            "Deliveries by provider and answer.",
            ["provider", "answer"],
            registry=self.registry,
        )
        self.answer_seconds = Histogram(
            "l2c_webhook_answer_seconds",
            "Time to answer a delivery.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
            registry=self.registry,
        )
        self.works = Counter("l2c_push_works", "Tries at pushes by end.", ["end"], registry=self.registry)
        self.files = Counter("l2c_push_files", "Compression files by state.", ["state"], registry=self.registry)
        self.registry.register(_QueueCollector(queue))


class _QueueCollector(Collector):
    """The queue's own numbers, at the time of the scrape."""

    def __init__(self, queue: PushQueue):
        self._queue = queue

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pushes = GaugeMetricFamily("l2c_queue_pushes", "Pushes in the queue by state.", labels=["state"])
        for state, count in self._queue.counts().items():
            pushes.add_metric([state.value], count)
        yield pushes
        yield GaugeMetricFamily(
            "l2c_queue_oldest_seconds", "Wait of the oldest push that is not done.", value=self._queue.oldest_seconds()
        )
