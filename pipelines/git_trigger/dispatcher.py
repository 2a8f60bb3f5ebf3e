"""Works the queue: one push at a time, each in a process of its own that is bounded and can be killed.

The process holds a lock on a file as long as it lives, and the next one waits for it. So
a process that outlived a killed receiver never submits beside its successor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push_queue import PushQueue, PushState, QueuedPush
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings
from pipelines.git_trigger.submitter import TriggerRequest
from pipelines.git_trigger.worker import COMMAND, JobResult, JobStatus, PushJob

_LOG = logging.getLogger(__name__)

# Other processes may add to the queue.
_LOOK_SECONDS = 2.0
_MAX_SAID_BYTES = 1024**2


class Dispatcher:
    """Works pushes until it is stopped.

    Args:
      settings: Where runs start, limits, retries.
      queue: What to work.
      secrets: Tokens to fetch with.
      lock_file: Held by the process at work.
      metrics: What is counted.
    """

    def __init__(
        self,
        settings: ReceiverSettings,
        queue: PushQueue,
        secrets: SecretFiles,
        lock_file: Path,
        metrics: ReceiverMetrics,
    ):
        self._settings = settings
        self._queue = queue
        self._secrets = secrets
        self._lock_file = lock_file
        self._metrics = metrics
        self._arrived = asyncio.Event()

    def wake(self) -> None:
        """Says that the queue has something new."""
        self._arrived.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works the queue while the block runs; then stops, and what was at work is worked after the next start."""
        self._queue.recover()
        work = asyncio.create_task(self._work_all())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _work_all(self) -> None:
        while True:
            try:
                queued = await self._claim()
                if queued is None:
                    await self._wait()
                    continue
                await self._work(queued)
            except Exception:
                # A full disk, say: the queue is still there when it is over.
                _LOG.exception("the queue could not be worked")
                await asyncio.sleep(_LOOK_SECONDS)

    async def _claim(self) -> QueuedPush | None:
        claiming = asyncio.ensure_future(asyncio.to_thread(self._queue.claim))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # The thread goes on, and nobody would work what it claims.
            queued = await claiming
            if queued is not None:
                self._queue.release(queued.number)
            raise

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), _LOOK_SECONDS)
        self._arrived.clear()

    async def _work(self, queued: QueuedPush) -> None:
        try:
            result = await self._result(queued)
        except asyncio.CancelledError:
            self._queue.release(queued.number)
            raise
        for outcome in result.files:
            _LOG.info("push %d: %s", queued.number, outcome.line)
        note = result.detail or "; ".join(outcome.line for outcome in result.files)
        await asyncio.to_thread(self._record, queued, result.status, note)
        # Counted once it is in the queue's file: whoever reads the figures finds it there.
        self._metrics.works.labels(result.status.value).inc()
        for outcome in result.files:
            self._metrics.files.labels(outcome.state.value).inc()

    def _record(self, queued: QueuedPush, status: JobStatus, note: str) -> None:
        retry = self._settings.retry
        if status is JobStatus.DONE:
            self._queue.finish(queued.number, PushState.DONE, note)
        elif status is JobStatus.REFUSED:
            _LOG.warning("push %d is refused: %s", queued.number, note)
            self._queue.finish(queued.number, PushState.REFUSED, note)
        elif queued.attempts >= retry.attempts:
            _LOG.error("push %d has failed after %d tries: %s", queued.number, queued.attempts, note)
            self._queue.finish(queued.number, PushState.FAILED, note)
        else:
            # Not all at the same moment, when the server is back.
            seconds = retry.pause_seconds(queued.attempts) * random.uniform(0.75, 1.0)  # noqa: S311 - no secret
            _LOG.warning("push %d is tried again in %.1f s: %s", queued.number, seconds, note)
            self._queue.postpone(queued.number, seconds, note)

    async def _result(self, queued: QueuedPush) -> JobResult:
        repository = self._settings.repository_of(queued.push)
        if repository is None:
            return JobResult(JobStatus.REFUSED, "its repository is no longer in the settings")
        token = self._secrets.get(repository.token) if repository.token is not None else None
        if repository.token is not None and token is None:
            return JobResult(JobStatus.AGAIN, f"there is no secret {repository.token!r}")
        limits = self._settings.limits
        request = TriggerRequest(
            push=queued.push,
            target=self._settings.target,
            files=repository.files,
            policy=self._settings.push_policy,
        )
        job = PushJob(request, token, str(self._lock_file), int(limits.work_memory_gib * 1024**3))
        return await _run(job, limits.work_seconds)


async def _run(job: PushJob, seconds: float) -> JobResult:
    pipe = asyncio.subprocess.PIPE
    # A group of its own: with it, git and whatever it started go.
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMAND, stdin=pipe, stdout=pipe, start_new_session=True, limit=_MAX_SAID_BYTES
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("found no pipes to a process that was started with them")
    try:
        async with asyncio.timeout(seconds):
            # The pipe stays open: its end tells the process that we are gone.
            process.stdin.write(job.to_json().encode() + b"\n")
            await process.stdin.drain()
            said = await process.stdout.read(_MAX_SAID_BYTES)
            while more := await process.stdout.read(_MAX_SAID_BYTES):
                said = (said + more)[:_MAX_SAID_BYTES]
            await process.wait()
    except TimeoutError:
        return JobResult(JobStatus.AGAIN, f"no end after {seconds:g} s")
    except (BrokenPipeError, ConnectionResetError):
        return JobResult(JobStatus.AGAIN, "the process ended before it was told what to do")
    finally:
        await _end(process)
    try:
        return JobResult.from_json(said.decode())
    except (ValueError, KeyError, TypeError):
        return JobResult(JobStatus.AGAIN, f"the process ended with code {process.returncode} and said nothing")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
