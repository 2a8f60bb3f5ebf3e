"""Five hundred pushes at once against the installed command: bounded memory, 429 over the limit, nothing lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.end_to_end

L2C = Path(sys.executable).with_name("l2c")
NUM_PUSHES = 500
MAX_RESIDENT_KIB = 250_000
PATIENCE_SECONDS = 300.0


async def post(port: int, sent: Any) -> tuple[int, float]:
    """Sends a delivery on a connection of its own; gives the status and the seconds to wait before another try."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = sent.headers | {"host": "receiver", "content-length": str(len(sent.body)), "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST /webhook/github HTTP/1.1\r\n{head}\r\n".encode() + sent.body)
    await writer.drain()
    answer = (await reader.read()).decode()
    writer.close()
    found = re.search(r"(?im)^retry-after: (\d+)", answer)
    return int(answer.split()[1]), float(found[1]) if found else 0.0


@pytest.fixture
def receiver(
    tmp_path: Path, secrets_folder: Path, settings_of: Callable[..., Any]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # A Git server that is not there: what is accepted stays in the queue.
    settings = settings_of("http://127.0.0.1:9/team/models", limits={"per_minute": 6000, "burst": 200})
    (tmp_path / "webhook.yaml").write_text(yaml.safe_dump(settings))
    command = [str(L2C), "serve-webhook", str(tmp_path / "webhook.yaml"), "--port", str(port)]
    environment = os.environ | {"L2C_SECRETS": str(secrets_folder)}
    process = subprocess.Popen(
        [*command, "--queue", str(tmp_path / "queue.sqlite")], env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield process, port
    process.kill()
    process.wait()


def test_a_burst_of_five_hundred_pushes(
    receiver: tuple[subprocess.Popen[bytes], int], deliver: Callable[..., Any], tmp_path: Path
) -> None:
    process, port = receiver
    sent = [deliver(after=f"{number:040x}", delivery=f"d-{number}", padding="x" * 20_000) for number in range(1, 501)]
    statuses: Counter[int] = Counter()

    async def tell(one: Any) -> None:
        while True:
            status, wait_seconds = await post(port, one)
            statuses[status] += 1
            if status in (200, 202):
                return
            await asyncio.sleep(wait_seconds)

    async def burst() -> None:
        await asyncio.gather(*(tell(one) for one in sent))

    asyncio.run(burst())
    # 503 is a disk that takes longer than a second; such a push may be known, when it is sent again.
    assert {202, 429} <= set(statuses) <= {200, 202, 429, 503}
    assert statuses[200] + statuses[202] == NUM_PUSHES
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert peak is not None
    assert int(peak[1]) < MAX_RESIDENT_KIB
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    database = sqlite3.connect(tmp_path / "queue.sqlite")
    stored = {row[0] for row in database.execute("SELECT commit_name FROM pushes WHERE state = 'pending'")}
    database.close()
    assert stored == {f"{number:040x}" for number in range(1, 501)}
