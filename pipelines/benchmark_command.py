"""The verb that times one pushed file apart from any run: `l2c benchmark`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from learn2compress.command_line.streams import quiet_libraries
from learn2compress.report.plain_text import without_controls
from pipelines.command_options import FILES, print_table

if TYPE_CHECKING:
    from learn2compress.config import DeviceConfig

_BINARIES = "https://ai.google.dev/edge/litert/models/measurement"


def register(app: typer.Typer) -> None:
    """Adds the verb to the command."""
    app.command(rich_help_panel=FILES)(benchmark)


def benchmark(
    file: Annotated[Path, typer.Argument(help="A .tflite file.", show_default=False)],
    adb: Annotated[bool, typer.Option("--adb", help="Measure on an Android phone instead of this machine.")] = False,
    serial: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--serial",
            envvar="ANDROID_SERIAL",
            help="Of the phone, as adb devices names it. [default: the only one]",
            show_default=False,
        ),
    ] = None,
    benchmark_model: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--benchmark-model",
            envvar="L2C_BENCHMARK_MODEL",
            help="LiteRT's benchmark_model binary for the phone.",
            show_default=False,
        ),
    ] = None,
    num_threads: Annotated[int, typer.Option("--num-threads", min=1, max=64, help="Interpreter threads.")] = 1,
    num_runs: Annotated[int, typer.Option("--num-runs", min=3, max=10000, help="Inferences to time, at least.")] = 300,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--output",
            "-o",
            help="JSON file to write. [default: FILE's name with .benchmark.json, here]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Time a file on this machine or an Android phone.

    Writes what was measured as JSON.
    """
    quiet_libraries()
    from learn2compress.config import EvaluateConfig
    from learn2compress.config.parsing import ConfigError
    from learn2compress.litert.benchmark import benchmark_file
    from learn2compress.report.benchmark_table import benchmark_table
    from learn2compress.results.reports import write_json

    if not os.path.isfile(file):
        raise ConfigError(f"{file}: found no such file, accepted is a .tflite file")
    device = _device(serial, benchmark_model) if adb else None
    # Rounds of one inference each: the phone counts inferences alone.
    config = EvaluateConfig(num_threads=num_threads, latency_rounds=num_runs, latency_runs=1)
    found = benchmark_file(file, config, device, "--adb")
    print_table(benchmark_table(found))
    path = output or Path(f"{file.stem}.benchmark.json")
    try:
        write_json(path, found)
    except OSError as error:
        raise ConfigError(f"--output: {path} can't be written: {error.strerror or error}") from None
    print(without_controls(f"wrote {path}"))


def _device(serial: str | None, benchmark_model: Path | None) -> DeviceConfig:
    """Finds the phone and the binary for it.

    Args:
      serial: Of the phone; `None` for the only one.
      benchmark_model: The binary; `None` where a person named none.

    Returns:
      Both.

    Raises:
      ConfigError: one of them is not there.
    """
    from learn2compress.config import DeviceConfig
    from learn2compress.config.parsing import ConfigError, parse
    from learn2compress.litert.device import find_device

    if benchmark_model is None:
        raise ConfigError(
            "--benchmark-model: found none, accepted is LiteRT's benchmark_model binary for the phone's processor; "
            f"{_BINARIES} has it, mostly android_aarch64"
        )
    if not os.path.isfile(benchmark_model):
        raise ConfigError(
            f"--benchmark-model: found no file {benchmark_model}, accepted is LiteRT's benchmark_model binary for the "
            f"phone's processor ({_BINARIES})"
        )
    found = {"adb_serial": find_device(serial, "--serial"), "benchmark_model": str(benchmark_model)}
    device: DeviceConfig = parse(DeviceConfig, found, "--adb")
    return device
