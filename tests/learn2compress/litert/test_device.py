"""The phone is a stand-in: an executable named adb that answers as adb and benchmark_model do, and keeps a diary."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config import DeviceConfig, EvaluateConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.device import find_device, measure_on_device, parse_benchmark

CONFIG = EvaluateConfig(latency_rounds=5, latency_runs=4, num_threads=2)
PRINTED = """INFO: STARTING!
INFO: Num threads: [2]
INFO: Initialized session in 11.983ms.
INFO: Running benchmark for at least 10 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=10 first=87112 curr=51629 min=51629 max=87112 avg=58147.4 std=11478 p5=51629 median=51962 p95=87112

INFO: Running benchmark for at least 20 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=20 first=52162 curr=49785 min=49088 max=686105 avg=6.37432e+04 std=60716 p5=49620 median=51891 p95=68628

INFO: Inference timings in us: Init: 11983, First inference: 87112, Warmup (avg): 58147.4, Inference (avg): 6.37432e+04
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE
INFO: Memory footprint delta from the start of the tool (MB): init=2.5 overall=6.25
"""
ADB = """#!/bin/sh
echo "$@" >> "{diary}"
test "$2" = "phone-1" || {{ echo "adb: device '$2' not found" >&2; exit 1; }}
case "$*" in
  *get-state*) echo device ;;
  *getprop*) echo "Fake Phone 9" ;;
  *--graph*) cat "{printed}" >&2 ;;
esac
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-in on the PATH; gives the file in which it writes what it was asked."""
    diary, adb = tmp_path / "diary", tmp_path / "bin" / "adb"
    (tmp_path / "printed").write_text(PRINTED)
    adb.parent.mkdir()
    adb.write_text(ADB.format(diary=diary, printed=tmp_path / "printed"))
    adb.chmod(adb.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{adb.parent}{os.pathsep}{os.environ['PATH']}")
    return diary


@pytest.fixture
def device(tmp_path: Path) -> DeviceConfig:
    (tmp_path / "benchmark_model").write_bytes(b"binary")
    return DeviceConfig("phone-1", str(tmp_path / "benchmark_model"))


def test_a_file_is_pushed_run_and_its_times_are_read(phone: Path, device: DeviceConfig, tmp_path: Path) -> None:
    found = measure_on_device(tmp_path / "student.tflite", device, CONFIG)

    assert (found.device, found.num_threads, found.num_runs) == ("Fake Phone 9", 2, 20)
    assert (found.load_ms, found.first_ms, found.median_ms) == (11.983, 87.112, 51.891)
    assert (found.p5_ms, found.p95_ms, found.time_ms) == (49.62, 68.628, 51.891)
    assert found.mean_ms == pytest.approx(63.7432)
    assert found.memory_bytes == 6.25 * 2**20
    remote = "/data/local/tmp/learn2compress"
    assert phone.read_text().splitlines() == [
        "-s phone-1 get-state",
        f"-s phone-1 shell mkdir -p {remote}",
        f"-s phone-1 push {device.benchmark_model} {remote}/benchmark_model",
        f"-s phone-1 shell chmod 755 {remote}/benchmark_model",
        f"-s phone-1 push {tmp_path / 'student.tflite'} {remote}/model.tflite",
        "-s phone-1 shell getprop ro.product.model",
        f"-s phone-1 shell {remote}/benchmark_model --graph={remote}/model.tflite --num_threads=2 --warmup_runs=10 "
        "--num_runs=20",
    ]


def test_an_older_binary_prints_less() -> None:
    printed = (
        "count=1 curr=3512391\n\ncount=50 first=266601 curr=266931 min=265837 max=268116 avg=266473 std=419\n"
        "Inference timings in us: Init: 20283, First inference: 339304, Warmup (avg): 302814, Inference (avg): 266473\n"
    )
    found = parse_benchmark(printed, "old", 1)

    assert (found.num_runs, found.mean_ms, found.median_ms, found.memory_bytes) == (50, 266.473, None, None)
    assert (found.p5_ms, found.p95_ms, found.time_ms) == (None, None, 266.473)


def refused(device: Any, tmp_path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        measure_on_device(tmp_path / "student.tflite", device, CONFIG)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_absent_device_is_one_clear_line(phone: Path, device: DeviceConfig, tmp_path: Path) -> None:
    absent = DeviceConfig("phone-2", device.benchmark_model)
    assert refused(absent, tmp_path) == (
        "evaluate.device: 'get-state' fails on 'phone-2' (adb: device 'phone-2' not found); see that `adb devices` "
        "lists the device as ready"
    )


def test_a_machine_without_adb_is_told_so(
    device: DeviceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no adb on the PATH" in refused(device, tmp_path)


def test_a_binary_that_is_not_there_or_prints_no_times_is_told(
    phone: Path, device: DeviceConfig, tmp_path: Path
) -> None:
    (tmp_path / "printed").write_text("ERROR: failed to load the model\n")
    assert "found no times in what benchmark_model printed, but 'ERROR: failed to load" in refused(device, tmp_path)
    assert "found no file /nowhere, accepted as benchmark_model is" in refused(
        DeviceConfig("phone-1", "/nowhere"), tmp_path
    )


ADB_LISTS = """#!/bin/sh
printf 'List of devices attached\\n{lines}\\n'
"""


def list_devices(folder: Path, lines: str) -> None:
    """Puts an adb on the PATH that lists devices."""
    (folder / "bin" / "adb").write_text(ADB_LISTS.format(lines=lines))


def test_the_only_device_that_is_ready_is_found(phone: Path, tmp_path: Path) -> None:
    list_devices(tmp_path, "phone-1\\tdevice\\nphone-2\\tunauthorized")
    assert find_device(None, "--serial") == "phone-1"
    assert find_device("phone-1", "--serial") == "phone-1"


@pytest.mark.parametrize(
    ("lines", "serial", "message"),
    [
        ("", None, "--serial: found no device that is ready, adb lists none; connect it"),
        ("phone-2\\tunauthorized", None, r"adb lists phone-2 \(unauthorized\); connect it.*allow this computer"),
        ("phone-2\\tdevice", "phone-1", r"found no 'phone-1' that is ready, adb lists phone-2 \(device\)"),
        ("a\\tdevice\\nb\\tdevice", None, "--serial: found 2 devices, accepted is the serial of one: a, b"),
    ],
)
def test_without_one_ready_device_it_is_said_what_there_is(
    lines: str, serial: str | None, message: str, phone: Path, tmp_path: Path
) -> None:
    list_devices(tmp_path, lines)
    with pytest.raises(ConfigError, match=message):
        find_device(serial, "--serial")


@pytest.mark.parametrize("serial", ["-e", "a b", "x;reboot", ""])
def test_a_serial_is_a_word(serial: str) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        DeviceConfig(serial, "benchmark_model")


@pytest.mark.parametrize(
    ("printed", "instead", "message"),
    [
        ("Init: 11983", "Init: 1.2.3", "found no times"),
        ("Init: 11983", "Init: 1e999", "found '1e999'"),
        ("(avg): 6.37432e+04", "(avg): 0", "found 'Inference .avg.: 0'"),
        ("count=20", f"count={'9' * 5000}", "found 'count=999"),
        ("count=20", "count=0", "found 'count=0'"),
        ("median=51891", "median=1e999", "found '1e999'"),
        ("overall=6.25", "overall=1e999", "found '1e999'"),
    ],
)
def test_numbers_that_cant_be_are_one_line(printed: str, instead: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^evaluate.device: {message}") as caught:
        parse_benchmark(PRINTED.replace(printed, instead), "phone", 1)
    assert len(str(caught.value)) < 400


def test_an_adb_that_cant_be_started_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "adb").write_text("no program")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^--serial: adb can't be started: Permission denied; see that"):
        find_device(None, "--serial")
    (tmp_path / "adb").chmod(0o755)
    with pytest.raises(ConfigError, match=r"^--serial: adb can't be started: Exec format error"):
        find_device(None, "--serial")
