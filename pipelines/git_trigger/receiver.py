"""The webhook receiver's HTTP side: verify, store, answer. What a push starts is the dispatcher's business.

The order matters: size and number of deliveries in flight are bounded before anything
is read, the signature is verified over the raw body before anything is parsed, and only
deliveries with a good one count against the rate, so that strangers can't use it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.dispatcher import Dispatcher
from pipelines.git_trigger.events import Ignored, MalformedError, delivery_id, read_delivery
from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.push_queue import PushQueue
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import Provider, ReceiverSettings
from pipelines.git_trigger.signatures import is_signed

_LOG = logging.getLogger(__name__)

_STORE_SECONDS = 0.9
_RETRY_AFTER_SECONDS = 5
_CODES = {
    "accepted": 202,
    "known": 200,
    "ignored": 200,
    "malformed": 400,
    "forged": 401,
    "slow": 408,
    "too large": 413,
    "not json": 415,
    "limited": 429,
    "unavailable": 503,
}


@dataclasses.dataclass(frozen=True)
class _Answer:
    """What a sender is told.

    Attributes:
      word: One of `_CODES`.
      detail: Nothing that only we should know.
      retry_seconds: When to send it again.
    """

    word: str
    detail: str = ""
    retry_seconds: float | None = None


class RateLimit:
    """A token bucket: a burst at once, then as many as its rate fills. For one event loop.

    Args:
      per_minute: Rate in the long run.
      burst: What may pass at once.
      clock: Seconds that only grow.
    """

    def __init__(self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_minute / 60.0
        self._burst = float(burst)
        self._clock = clock
        self._left = self._burst
        self._seen = clock()

    def wait_seconds(self) -> float:
        """Takes one token and returns 0, or returns the seconds until there is one."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._per_second
        self._left -= 1.0
        return 0.0


class Receiver:
    """Answers deliveries.

    Args:
      settings: What is accepted.
      queue: Where it goes.
      secrets: The signing secrets.
      metrics: What is counted.
      on_push: Told that the queue has something new.
    """

    def __init__(
        self,
        settings: ReceiverSettings,
        queue: PushQueue,
        secrets: SecretFiles,
        metrics: ReceiverMetrics,
        on_push: Callable[[], None],
    ):
        self._settings = settings
        self._queue = queue
        self._secrets = secrets
        self._metrics = metrics
        self._on_push = on_push
        self._rate = RateLimit(settings.limits.per_minute, settings.limits.burst)
        self._in_flight = 0

    async def deliver(self, request: Request) -> Response:
        """Answers `POST /webhook/{provider}`."""
        started = time.monotonic()
        name = request.path_params["provider"]
        if name not in list(Provider):
            return PlainTextResponse("no such provider\n", 404)
        provider = Provider(name)
        answer = _Answer("limited", "too many at once", 1.0)
        if self._in_flight < self._settings.limits.in_flight:
            self._in_flight += 1
            try:
                answer = await self._handle(provider, request)
            finally:
                self._in_flight -= 1
        self._metrics.deliveries.labels(provider.value, answer.word).inc()
        self._metrics.answer_seconds.observe(time.monotonic() - started)
        return _response(answer)

    async def is_ready(self, _request: Request) -> Response:
        """Answers `GET /readyz`: whether a push could be stored."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._queue.check_writable), _STORE_SECONDS)
        except (sqlite3.Error, TimeoutError):
            return PlainTextResponse("the queue can't be written\n", 503)
        return PlainTextResponse("ready\n")

    async def show_metrics(self, _request: Request) -> Response:
        """Answers `GET /metrics`."""
        text = await asyncio.to_thread(generate_latest, self._metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _handle(self, provider: Provider, request: Request) -> _Answer:
        secrets = self._secrets.of_webhook(provider.value)
        body = await self._body(request)
        if isinstance(body, _Answer):
            return body
        if not is_signed(provider, request.headers, body, secrets):
            return _Answer("forged", "no good signature")
        wait_seconds = self._rate.wait_seconds()
        if wait_seconds:
            return _Answer("limited", "too many deliveries", wait_seconds)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _Answer("not json", "accepted is the content type application/json")
        try:
            found = read_delivery(provider, request.headers, body, self._settings)
            delivery = delivery_id(provider, request.headers)
        except (MalformedError, ConfigError) as error:
            return _Answer("malformed", str(error))
        if isinstance(found, Ignored):
            return _Answer("ignored", found.reason)
        return await self._store(found, provider, delivery)

    async def _body(self, request: Request) -> bytes | _Answer:
        limits = self._settings.limits
        too_large = _Answer("too large", f"accepted are {limits.body_bytes} bytes")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limits.body_bytes:
            return too_large
        body = bytearray()
        try:
            async with asyncio.timeout(limits.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > limits.body_bytes:
                        return too_large
        except TimeoutError:
            return _Answer("slow", f"accepted are {limits.body_seconds:g} seconds")
        except ClientDisconnect:
            return _Answer("malformed", "it was cut off")
        return bytes(body)

    async def _store(self, push: Push, provider: Provider, delivery: str) -> _Answer:
        add = asyncio.to_thread(self._queue.add, push, provider.value, delivery, supersede=self._settings.supersede)
        try:
            # What is stored after all, behind our back, is found to be known when it is sent again.
            is_new = await asyncio.wait_for(add, _STORE_SECONDS)
        except (sqlite3.Error, TimeoutError) as error:
            _LOG.error("could not store a push to %s: %s", push.ref, error or "no end")
            return _Answer("unavailable", "it could not be stored", _RETRY_AFTER_SECONDS)
        if not is_new:
            return _Answer("known", "told of before")
        _LOG.info("accepted %s of %s at %s, delivery %s", push.ref, push.repository, push.commit[:12], delivery)
        self._on_push()
        return _Answer("accepted")


def create_app(
    settings: ReceiverSettings, queue: PushQueue, secrets: SecretFiles, dispatcher: Dispatcher, metrics: ReceiverMetrics
) -> Starlette:
    """Returns the application: deliveries, health, readiness, metrics; the dispatcher runs as long as it.

    Args:
      settings: What is accepted.
      queue: Where pushes go.
      secrets: The signing secrets.
      dispatcher: Works the queue.
      metrics: What is counted.
    """
    receiver = Receiver(settings, queue, secrets, metrics, dispatcher.wake)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with dispatcher.running():
            yield

    async def is_alive(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    routes = [
        Route("/webhook/{provider}", receiver.deliver, methods=["POST"]),
        Route("/healthz", is_alive),
        Route("/readyz", receiver.is_ready),
        Route("/metrics", receiver.show_metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _response(answer: _Answer) -> Response:
    headers = {}
    if answer.retry_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(answer.retry_seconds)))
    content = {"answer": answer.word, **({"detail": answer.detail} if answer.detail else {})}
    return JSONResponse(content, _CODES[answer.word], headers)
