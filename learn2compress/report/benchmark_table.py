"""The table of `l2c benchmark`, for a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from learn2compress.report.formatting import NOT_MEASURED, byte_size, significant
from learn2compress.report.phone import device_spread
from learn2compress.results.benchmark import FileBenchmark


def benchmark_table(benchmark: FileBenchmark) -> Table:
    """Lays out one file's times.

    Args:
      benchmark: What was measured, on this machine or on a phone.

    Returns:
      A table of one row whose cells hold plain text: names are never read as markup.
    """
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    cells = _cells(benchmark)
    for heading in cells:
        is_text = heading in ("model", "measured on")
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    table.add_row(*(Text(cell) for cell in cells.values()))
    return table


def _cells(benchmark: FileBenchmark) -> dict[str, str]:
    """Returns the cells by their headings."""
    first = {"model": benchmark.name, "stored": byte_size(benchmark.model_bytes)}
    device, latency = benchmark.device_latency, benchmark.latency
    if device is not None:
        return first | {
            "measured on": device.device,
            "threads": str(device.num_threads),
            "ms": significant(device.time_ms),
            "5% to 95%": device_spread(device) or NOT_MEASURED,
            "load ms": significant(device.load_ms),
            "first ms": significant(device.first_ms),
            "memory": byte_size(device.memory_bytes),
            "runs": str(device.num_runs),
        }
    if latency is None:
        return first
    start = benchmark.cold_start
    return first | {
        "measured on": latency.processor,
        "threads": str(latency.num_threads),
        "ms": significant(latency.time_ms),
        "at worst": NOT_MEASURED if latency.fastest_high_ms is None else significant(latency.fastest_high_ms),
        "load ms": NOT_MEASURED if start is None else significant(start.load_ms),
        "first ms": NOT_MEASURED if start is None else significant(start.first_ms),
    }
