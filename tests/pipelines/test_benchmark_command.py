"""`l2c benchmark` as a person meets it.

No phone can be here. An executable named adb stands in for adb and the phone behind it: it records what it was
asked, and answers with a text that has the form in which LiteRT's `benchmark_model` prints: what its source
writes (tflite/tools/benchmark/benchmark_model.cc) and its documentation shows.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from learn2compress.quantization.convert import to_float_litert

PRINTED = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Min num runs: [300]
INFO: Num threads: [2]
INFO: Graph: [/data/local/tmp/learn2compress/model.tflite]
INFO: Loaded model /data/local/tmp/learn2compress/model.tflite
INFO: The input model file size (MB): 0.011904
INFO: Initialized session in 1.983ms.
INFO: Running benchmark for at least 10 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=500 first=1112 curr=629 min=610 max=1112 avg=658.4 std=47 p5=612 median=651 p95=781

INFO: Running benchmark for at least 300 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=1500 first=662 curr=645 min=608 max=1105 avg=654.1 std=41 p5=615 median=649 p95=742

INFO: Inference timings in us: Init: 1983, First inference: 1112, Warmup (avg): 658.4, Inference (avg): 654.1
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE
INFO: Memory footprint delta from the start of the tool (MB): init=2.5 overall=3.25
"""
ADB = """#!/bin/sh
echo "$@" >> "{diary}"
case "$*" in
  devices) printf 'List of devices attached\\n{devices}\\n' ;;
  *get-state*) echo device ;;
  *getprop*) echo "Fake Phone 9" ;;
  *--graph*) cat "{printed}" ;;
esac
"""


@pytest.fixture
def adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts the stand-in on the PATH; gives the file in which it records what it was asked."""

    def make(devices: str = "phone-1\\tdevice", printed: str = PRINTED) -> Path:
        program = tmp_path / "bin" / "adb"
        program.parent.mkdir(exist_ok=True)
        (tmp_path / "printed").write_text(printed)
        diary = tmp_path / "diary"
        program.write_text(ADB.format(diary=diary, devices=devices, printed=tmp_path / "printed"))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("ANDROID_SERIAL", raising=False)
        return diary

    return make


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small float file."""
    path = tmp_path_factory.mktemp("file") / "small.tflite"
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    path.write_bytes(to_float_litert(network).pack())
    return path


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "benchmark_model"
    path.write_bytes(b"for another processor")
    return path


def test_a_file_is_measured_on_the_phone_shown_and_written(
    l2c: Any, adb: Callable[..., Path], file: Path, binary: Path, tmp_path: Path
) -> None:
    diary = adb()
    process = l2c("benchmark", file, "--adb", "--benchmark-model", binary, "--num-threads", "2", cwd=tmp_path)

    assert (process.returncode, process.stderr) == (0, "")
    heading, _, row, told = (" ".join(line.split()) for line in process.stdout.splitlines())
    assert heading == "model stored measured on threads ms 5% to 95% load ms first ms memory runs"
    size = f"{file.stat().st_size / 1000:.2f} kB"
    assert row == f"small.tflite {size} Fake Phone 9 2 0.649 0.615 to 0.742 1.98 1.11 3.41 MB 1500"
    assert told == "wrote small.benchmark.json"
    written = json.loads((tmp_path / "small.benchmark.json").read_text())
    assert written["name"] == "small.tflite"
    assert written["latency"] is None
    assert written["device_latency"] == {
        "device": "Fake Phone 9", "num_threads": 2, "num_runs": 1500, "load_ms": 1.983, "first_ms": 1.112,
        "mean_ms": 0.6541, "median_ms": 0.649, "memory_bytes": 3_407_872, "p5_ms": 0.615, "p95_ms": 0.742,
    }  # fmt: skip
    remote = "/data/local/tmp/learn2compress"
    assert diary.read_text().splitlines() == [
        "devices",
        "-s phone-1 get-state",
        f"-s phone-1 shell mkdir -p {remote}",
        f"-s phone-1 push {binary} {remote}/benchmark_model",
        f"-s phone-1 shell chmod 755 {remote}/benchmark_model",
        f"-s phone-1 push {file} {remote}/model.tflite",
        "-s phone-1 shell getprop ro.product.model",
        f"-s phone-1 shell {remote}/benchmark_model --graph={remote}/model.tflite --num_threads=2 --warmup_runs=10 "
        "--num_runs=300",
    ]


def test_what_is_missing_is_one_line(
    l2c: Any, refused: Any, adb: Callable[..., Path], file: Path, binary: Path, tmp_path: Path
) -> None:
    def told(*arguments: str | Path) -> str:
        line: str = refused(l2c("benchmark", *arguments, cwd=tmp_path))
        assert not list(tmp_path.glob("*.json"))
        return line

    adb(devices="")
    with_binary = (file, "--adb", "--benchmark-model", binary)
    assert "--benchmark-model: found none, accepted is LiteRT's benchmark_model binary" in told(file, "--adb")
    assert "found no file nowhere" in told(file, "--adb", "--benchmark-model", "nowhere")
    assert "--serial: found no device that is ready, adb lists none" in told(*with_binary)
    adb(devices="a\\tdevice\\nb\\tdevice")
    assert "found 2 devices, accepted is the serial of one: a, b" in told(*with_binary)
    assert "found no 'c' that is ready" in told(*with_binary, "--serial", "c")
    adb(printed="ERROR: Failed to load the model\n")
    assert "--adb: found no times in what benchmark_model printed, but 'ERROR: Failed" in told(*with_binary)
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    assert "bad.tflite: model: found 8 bytes" in told("bad.tflite", *with_binary[1:])
    assert "none.tflite: found no such file" in told("none.tflite", *with_binary[1:])


def test_a_machine_without_adb_is_told_so(
    l2c: Any, refused: Any, file: Path, binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    line = refused(l2c("benchmark", file, "--adb", "--benchmark-model", binary, cwd=tmp_path))
    assert "there is no adb on the PATH; install Android's platform tools" in line


def test_without_adb_this_machine_is_timed(l2c: Any, file: Path, tmp_path: Path) -> None:
    process = l2c("benchmark", file, "--num-runs", "5", "-o", "here.json", cwd=tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
    written = json.loads((tmp_path / "here.json").read_text())
    assert written["device_latency"] is None
    assert 0 < written["latency"]["fastest_ms"] <= written["latency"]["fastest_high_ms"]
    assert written["cold_start"]["num_processes"] > 0
    assert "at worst" in process.stdout
