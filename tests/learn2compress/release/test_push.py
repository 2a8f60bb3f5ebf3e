"""Pushes are real: real folders, real processes, real kills, a real full disk where one can be mounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push import push_version, read_pushed_file

FILES = {"small/small.tflite": b"model", "report.html": b"<p>", "labels.txt": b"a\nb\n"}


def incoming(destination: Path) -> list[Path]:
    return list((destination / "versions").glob(".incoming-*"))


def test_versions_count_up_and_hold_what_was_given(tmp_path: Path) -> None:
    first = push_version(FILES, str(tmp_path / "to"), idempotency_key="a")
    second = push_version({**FILES, "labels.txt": b"c\n"}, str(tmp_path / "to"), idempotency_key="b")
    assert (first.version, second.version) == (1, 2)
    assert first.uri == str(tmp_path / "to" / "versions" / "1")
    for relative, content in FILES.items():
        assert (Path(first.uri) / relative).read_bytes() == content
    assert (Path(second.uri) / "labels.txt").read_bytes() == b"c\n"
    assert read_pushed_file(first, "small/small.tflite") == b"model"
    assert incoming(tmp_path / "to") == []


def test_sha256sum_accepts_the_sums_and_they_cover_every_file(tmp_path: Path) -> None:
    location = push_version(FILES, str(tmp_path), idempotency_key="a")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=location.uri, capture_output=True, text=True, check=True
    )
    present = {str(p.relative_to(location.uri)) for p in Path(location.uri).rglob("*") if p.is_file()}
    assert {line.partition(":")[0] for line in checked.stdout.splitlines()} == present - {"SHA256SUMS"}
    assert set(location.sha256) == present - {"SHA256SUMS"}
    assert present >= set(FILES)


def test_files_may_come_from_disk_and_may_name_their_version(tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"\x00" * 1000)
    push_version(FILES, str(tmp_path / "to"), idempotency_key="a")
    location = push_version(
        lambda number: {"model.tflite": source, "number": str(number).encode()},
        str(tmp_path / "to"),
        idempotency_key="b",
    )
    assert read_pushed_file(location, "model.tflite") == source.read_bytes()
    assert read_pushed_file(location, "number") == b"2"


@pytest.mark.parametrize("scheme", ["folder", "memory"])
def test_the_same_key_is_pushed_once(tmp_path: Path, scheme: str) -> None:
    destination = str(tmp_path) if scheme == "folder" else f"memory://{uuid.uuid4().hex}"
    first = push_version(FILES, destination, idempotency_key="secret place")
    other = push_version(FILES, destination, idempotency_key="other")
    again = push_version({"different": b"x"}, destination, idempotency_key="secret place")
    assert again == first
    assert other.version == 2
    assert b"secret place" not in read_pushed_file(first, "push.json")


@pytest.mark.parametrize(
    "relative", ["../escape", "/absolute", "a/../../b", "a\nb", "", "a//b", "SHA256SUMS", "push.json"]
)
@pytest.mark.parametrize("scheme", ["folder", "memory"])
def test_paths_that_leave_the_version_are_refused(tmp_path: Path, relative: str, scheme: str) -> None:
    destination = str(tmp_path / "to") if scheme == "folder" else f"memory://{uuid.uuid4().hex}"
    with pytest.raises(ValueError, match="accepted are relative paths inside the version"):
        push_version({relative: b"x"}, destination, idempotency_key="a")
    assert not (tmp_path / "to").exists()


def test_a_destination_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError) as caught:
        push_version(FILES, str(tmp_path / "file" / "deeper"), idempotency_key="a")
    assert str(caught.value).startswith(f"push.uri: {tmp_path}/file/deeper can't be written: Not a directory; see")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("uri", ["nosuchprotocol://bucket/path", "/proc/nowhere/deeper"])
def test_a_destination_that_nothing_can_write_is_one_line(uri: str) -> None:
    with pytest.raises(
        ConfigError, match=f"^push.uri: {uri} can't be written: .*; see that it is a folder or a URL"
    ) as caught:
        push_version(FILES, uri, idempotency_key="a")
    assert "\n" not in str(caught.value)


def test_an_error_of_the_callers_function_is_not_blamed_on_the_destination(tmp_path: Path) -> None:
    def fail(number: int) -> dict[str, bytes]:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        push_version(fail, str(tmp_path / "to"), idempotency_key="a")
    assert not (tmp_path / "to").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    point = tmp_path / "disk"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", point], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small tmpfs: {mounted.stderr.strip()}")
    yield point
    subprocess.run(["umount", point], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(ConfigError, match="No space left on device"):
        push_version({"a": b"x" * 1000, "b": b"x" * 400_000}, str(small_disk / "to"), idempotency_key="a")
    assert list(small_disk.iterdir()) == []
    location = push_version({"a": b"x" * 1000}, str(small_disk / "to"), idempotency_key="a")
    with pytest.raises(ConfigError, match="No space left on device"):
        push_version({"b": b"x" * 400_000}, str(small_disk / "to"), idempotency_key="b")
    assert location.version == 1
    assert os.listdir(small_disk / "to" / "versions") == ["1"]


def test_a_read_only_disk_is_one_line(small_disk: Path) -> None:
    push_version(FILES, str(small_disk), idempotency_key="a")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ConfigError, match="Read-only file system"):
        push_version(FILES, str(small_disk), idempotency_key="b")
    assert os.listdir(small_disk / "versions") == ["1"]


def start(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(found: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in found.glob(pattern):
            return path
        time.sleep(0.02)
    raise TimeoutError(f"nothing like {pattern} in {found}")


def test_a_push_killed_in_the_middle_is_invisible_and_its_leftovers_go(tmp_path: Path) -> None:
    destination, pipe = tmp_path / "to", tmp_path / "pipe"
    os.mkfifo(pipe)  # the second file never ends: the push hangs after the first
    script = (
        "import sys, pathlib; from learn2compress.release.push import push_version;"
        "push_version({'a': b'first', 'z': pathlib.Path(sys.argv[2])}, sys.argv[1], idempotency_key='a')"
    )
    process = start(script, destination, pipe)
    with process:
        wait_for(destination, "versions/.incoming-*/a")
        process.kill()
    assert process.returncode == -9
    (leftover,) = incoming(destination)
    assert os.listdir(destination / "versions") == [leftover.name]

    location = push_version(FILES, str(destination), idempotency_key="a")
    assert location.version == 1
    assert leftover.exists()  # it is young: its owner may be alive on another machine
    two_days_ago = time.time() - 48 * 3600
    os.utime(leftover, (two_days_ago, two_days_ago))
    assert push_version(FILES, str(destination), idempotency_key="b").version == 2
    assert sorted(os.listdir(destination / "versions")) == ["1", "2"]


def test_pushes_at_the_same_time_get_numbers_of_their_own(tmp_path: Path) -> None:
    script = (
        "import sys, json; from learn2compress.release.push import push_version\n"
        "numbers = [push_version(lambda n: {'number': str(n).encode(), 'who': sys.argv[2].encode()}, sys.argv[1],"
        " idempotency_key=sys.argv[2] + str(i)).version for i in range(10)]\n"
        "print(json.dumps(numbers))"
    )
    processes = [start(script, tmp_path, who) for who in ("one", "two", "three")]
    numbers = {process.args[-1]: json.loads(process.communicate()[0]) for process in processes}  # type: ignore[index]
    assert sorted(number for own in numbers.values() for number in own) == list(range(1, 31))
    for who, own in numbers.items():
        for number in own:
            version = tmp_path / "versions" / str(number)
            assert (version / "number").read_text() == str(number)
            assert (version / "who").read_text() == who
    assert incoming(tmp_path) == []
