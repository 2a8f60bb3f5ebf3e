"""What `l2c benchmark` measured on one file, on this machine or on a phone."""

from __future__ import annotations

from dataclasses import dataclass

from learn2compress.results.latency import Latency
from learn2compress.results.measurements import ColdStart, DeviceLatency


@dataclass(frozen=True)
class FileBenchmark:
    """One `.tflite` file and how long it takes.

    Attributes:
      name: The file's name.
      model_sha256: Digest of its bytes.
      model_bytes: Size as stored.
      latency: On this machine; `None` where a phone was asked.
      cold_start: Likewise.
      device_latency: On the phone; `None` where this machine was timed.
    """

    name: str
    model_sha256: str
    model_bytes: int
    latency: Latency | None = None
    cold_start: ColdStart | None = None
    device_latency: DeviceLatency | None = None
