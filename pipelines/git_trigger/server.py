"""Runs the webhook receiver until it is told to stop."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.dispatcher import Dispatcher
from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push_queue import PushQueue
from pipelines.git_trigger.receiver import create_app
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings

_MAX_CONNECTIONS = 1000
_SHUTDOWN_SECONDS = 20
_KEEP_ALIVE_SECONDS = 5


def serve(settings: ReceiverSettings, queue_path: Path, host: str, port: int) -> None:
    """Receives and works pushes; returns after SIGTERM or Ctrl-C, when what was in flight is answered.

    Args:
      settings: What is accepted, and where runs start.
      queue_path: The queue's file.
      host: Address to listen on.
      port: Port to listen on.

    Raises:
      ConfigError: another receiver has the queue, or there are no secrets.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    secrets = SecretFiles()
    queue = PushQueue(queue_path)
    with _exclusive(queue_path), contextlib.closing(queue):
        metrics = ReceiverMetrics(queue)
        dispatcher = Dispatcher(settings, queue, secrets, queue_path.with_name(f"{queue_path.name}.work"), metrics)
        config = uvicorn.Config(
            create_app(settings, queue, secrets, dispatcher, metrics),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            lifespan="on",
        )
        uvicorn.Server(config).run()


@contextlib.contextmanager
def _exclusive(queue_path: Path) -> Iterator[None]:
    """Keeps a second receiver away from the queue; the lock of a killed one is gone with it."""
    with queue_path.with_name(f"{queue_path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"--queue: {queue_path}: another receiver is using it; stop it, or name another queue"
            ) from None
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
