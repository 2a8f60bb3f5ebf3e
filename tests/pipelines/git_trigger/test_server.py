"""One receiver works a queue."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError, parse
from pipelines.git_trigger.server import serve
from pipelines.git_trigger.settings import ReceiverSettings


@pytest.fixture
def settings(settings_of: Callable[..., Any]) -> ReceiverSettings:
    return parse(ReceiverSettings, settings_of())


def test_a_second_receiver_of_a_queue_is_refused(
    settings: ReceiverSettings, tmp_path: Path, secrets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2C_SECRETS", str(secrets_folder))
    with (tmp_path / "queue.sqlite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match=r"^--queue: .*another receiver is using it"):
            serve(settings, tmp_path / "queue.sqlite", "127.0.0.1", 0)


def test_a_receiver_without_secrets_is_refused(
    settings: ReceiverSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("L2C_SECRETS", raising=False)
    with pytest.raises(ConfigError, match="L2C_SECRETS: found nothing"):
        serve(settings, tmp_path / "queue.sqlite", "127.0.0.1", 0)
    assert not (tmp_path / "queue.sqlite").exists()
