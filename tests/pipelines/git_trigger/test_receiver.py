"""The receiver's answers, in one process; what a push starts is not part of it."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import json
import logging
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from learn2compress.config.parsing import parse
from pipelines.git_trigger.dispatcher import Dispatcher
from pipelines.git_trigger.metrics import ReceiverMetrics
from pipelines.git_trigger.push_queue import PushQueue, PushState
from pipelines.git_trigger.receiver import RateLimit, create_app
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings

SECRET = "a secret of the webhook"
KEY = b"a key of thirty-two bytes, 12345"
NUM_BAD = 10_000


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def word(self) -> str:
        return str(json.loads(self.body)["answer"])


@dataclasses.dataclass(frozen=True)
class Client:
    """Calls the application as a server does."""

    app: Starlette
    queue: PushQueue

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, chunks: AsyncIterator[bytes] | None = None
    ) -> Answer:
        sent: list[Any] = []

        async def receive() -> Any:
            try:
                chunk = await anext(chunks) if chunks is not None else b""
            except StopAsyncIteration:
                chunk = b""
            return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": raw, "scheme": "http", "root_path": "",
        }  # fmt: skip
        await self.app(scope, receive, send)
        start, *rest = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], answered, b"".join(part.get("body", b"") for part in rest))

    async def post(self, sent: Any, **headers: str) -> Answer:
        async def body() -> AsyncIterator[bytes]:
            for start in range(0, len(sent.body), 65536):
                yield sent.body[start : start + 65536]

        return await self.ask("POST", f"/webhook/{sent.provider}", sent.headers | headers, body())

    def deliver(self, sent: Any, **headers: str) -> Answer:
        return asyncio.run(self.post(sent, **headers))


@pytest.fixture
def make_client(
    tmp_path: Path, secrets_folder: Path, settings_of: Callable[..., Any]
) -> Iterator[Callable[..., Client]]:
    queue = PushQueue(tmp_path / "queue.sqlite")

    def make(**changes: Any) -> Client:
        settings = parse(ReceiverSettings, settings_of(**changes))
        metrics, secrets = ReceiverMetrics(queue), SecretFiles(secrets_folder)
        dispatcher = Dispatcher(settings, queue, secrets, tmp_path / "work", metrics)  # not running
        return Client(create_app(settings, queue, secrets, dispatcher, metrics), queue)

    yield make
    queue.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


def num_queued(client: Client) -> int:
    return sum(client.queue.counts().values())


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea"])
def test_a_push_is_stored_before_it_is_answered(client: Client, deliver: Callable[..., Any], provider: str) -> None:
    answer = client.deliver(deliver(provider))
    assert (answer.status, answer.word) == (202, "accepted")
    queued = client.queue.claim()
    assert queued is not None
    assert (queued.push.commit, queued.push.since) == ("b" * 40, "a" * 40)


def test_a_replayed_delivery_is_one_push(client: Client, deliver: Callable[..., Any]) -> None:
    async def replay() -> list[int]:
        return [(await client.post(deliver())).status for _ in range(100)]

    assert asyncio.run(replay()) == [202] + [200] * 99
    assert num_queued(client) == 1


def test_the_same_push_under_new_ids_is_one_push(
    make_client: Callable[..., Client], deliver: Callable[..., Any]
) -> None:
    client = make_client(limits={"burst": 200})

    async def tell() -> list[int]:
        return [(await client.post(deliver(delivery=f"d-{number}"))).status for number in range(100)]

    assert sorted(asyncio.run(tell())) == [200] * 99 + [202]
    assert num_queued(client) == 1


def test_fifty_at_once_are_one_push(make_client: Callable[..., Client], deliver: Callable[..., Any]) -> None:
    client = make_client(limits={"in_flight": 50})

    async def tell() -> list[int]:
        answers = [client.post(deliver(delivery=f"d-{number}")) for number in range(50)]
        return [answer.status for answer in await asyncio.gather(*answers)]

    assert sorted(asyncio.run(tell())) == [200] * 49 + [202]
    assert num_queued(client) == 1


def standard_headers(body: bytes, seconds: float) -> dict[str, str]:
    signed = f"id-1.{int(seconds)}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": "id-1", "webhook-timestamp": str(int(seconds)), "webhook-signature": f"v1,{digest}"}


def spoilt(sent: Any, chance: random.Random) -> Any:
    """A good delivery in which one thing is wrong."""
    body, headers = sent.body, dict(sent.headers)
    signature = next(
        name for name in ("x-hub-signature-256", "x-gitea-signature", "webhook-signature") if name in headers
    )
    place = chance.randrange(len(body))
    match chance.randrange(8):
        case 0:
            body = body[:place] + bytes([body[place] ^ chance.randrange(1, 256)]) + body[place + 1 :]
        case 1:
            body = body[:place]
        case 2:
            body = body + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 20)))
        case 3:
            del headers[signature]
        case 4:
            value = headers[signature]
            letter = chance.randrange(len(value))
            headers[signature] = value[:letter] + chr(33 + (ord(value[letter]) - 32) % 94) + value[letter + 1 :]
        case 5:
            headers[signature] = headers[signature][: chance.randrange(len(headers[signature]))]
        case 6:
            forged = hmac.new(chance.randbytes(16), body, hashlib.sha256).hexdigest()
            headers[signature] = {"x-hub-signature-256": f"sha256={forged}", "x-gitea-signature": forged}.get(
                signature, f"v1,{base64.b64encode(bytes.fromhex(forged)).decode()}"
            )
        case 7:
            # The good signature of another push.
            body = body.replace(b"b" * 40, chance.randbytes(20).hex().encode())
    return dataclasses.replace(sent, body=body, headers=headers)


def test_ten_thousand_bad_deliveries_start_nothing(
    client: Client, deliver: Callable[..., Any], secrets_folder: Path
) -> None:
    (secrets_folder / "webhook-gitlab").write_text(f"whsec_{base64.b64encode(KEY).decode()}")
    good = [deliver("github"), deliver("gitea")]
    gitlab = deliver("gitlab")
    good.append(dataclasses.replace(gitlab, headers=gitlab.headers | standard_headers(gitlab.body, time.time())))
    chance = random.Random(7)

    async def attack() -> set[int]:
        return {(await client.post(spoilt(good[number % 3], chance))).status for number in range(NUM_BAD)}

    assert asyncio.run(attack()) == {401}
    assert num_queued(client) == 0
    # Nobody who knows the secret has to wait for them.
    assert [client.deliver(sent).status for sent in good] == [202, 202, 202]


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea"])
def test_a_secret_is_changed_without_a_gap(
    client: Client, deliver: Callable[..., Any], secrets_folder: Path, provider: str
) -> None:
    def told(secret: str, commit: str) -> int:
        return client.deliver(deliver(provider, secret=secret, after=commit * 40, delivery=commit)).status

    assert told(SECRET, "1") == 202
    (secrets_folder / f"webhook-{provider}-previous").write_text(SECRET)
    (secrets_folder / f"webhook-{provider}").write_text("the new one")
    assert [told(SECRET, "2"), told("the new one", "3"), told("another", "4")] == [202, 202, 401]
    (secrets_folder / f"webhook-{provider}-previous").unlink()
    assert [told(SECRET, "5"), told("the new one", "6")] == [401, 202]


def test_a_provider_without_a_secret_is_closed(
    client: Client, deliver: Callable[..., Any], secrets_folder: Path
) -> None:
    (secrets_folder / "webhook-gitea").unlink()
    assert client.deliver(deliver("gitea", secret="")).status == 401


def test_a_large_body_is_not_read(make_client: Callable[..., Client], deliver: Callable[..., Any]) -> None:
    client = make_client(limits={"body_bytes": 4096})
    large = deliver(padding="x" * 5000)
    assert client.deliver(large, **{"content-length": str(len(large.body))}).status == 413
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield b"x" * 1000

    assert asyncio.run(client.ask("POST", "/webhook/github", large.headers, endless())).status == 413
    assert read == 5000
    assert num_queued(client) == 0


def test_a_slow_body_is_not_waited_for(make_client: Callable[..., Client], deliver: Callable[..., Any]) -> None:
    client = make_client(limits={"body_seconds": 0.05})

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(3600)

    assert asyncio.run(client.ask("POST", "/webhook/github", deliver().headers, slow())).status == 408


def test_over_the_rate_it_says_when_to_come_again(
    make_client: Callable[..., Client], deliver: Callable[..., Any]
) -> None:
    client = make_client(limits={"burst": 3, "per_minute": 1})
    answers = [client.deliver(deliver(after=str(number) * 40, delivery=str(number))) for number in range(1, 6)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert num_queued(client) == 3


def test_more_at_once_than_memory_is_for_come_later(
    make_client: Callable[..., Client], deliver: Callable[..., Any]
) -> None:
    client = make_client(limits={"in_flight": 4})
    sent = [deliver(after=f"{number:040x}", delivery=str(number)) for number in range(1, 31)]

    async def tell() -> list[Answer]:
        return list(await asyncio.gather(*(client.post(one) for one in sent)))

    answers = asyncio.run(tell())
    assert {answer.status for answer in answers} == {202, 429}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 429)
    assert num_queued(client) == sum(answer.status == 202 for answer in answers)
    again = [client.deliver(one).status for one in sent]
    assert set(again) == {200, 202}
    assert num_queued(client) == 30


def test_what_can_not_be_stored_is_not_accepted(client: Client, deliver: Callable[..., Any], tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "queue.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.deliver(deliver())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert asyncio.run(client.ask("GET", "/readyz")).status == 503
    assert asyncio.run(client.ask("GET", "/healthz")).status == 200
    other.execute("ROLLBACK")
    other.close()
    assert asyncio.run(client.ask("GET", "/readyz")).status == 200
    assert client.deliver(deliver()).status == 202


def test_other_content_and_other_places_are_refused(client: Client, deliver: Callable[..., Any]) -> None:
    form = client.deliver(deliver(), **{"content-type": "application/x-www-form-urlencoded"})
    assert (form.status, form.word) == (415, "not json")
    assert client.deliver(deliver(ref=7)).status == 400
    assert client.deliver(deliver(after="$(id)")).status == 400
    assert client.deliver(dataclasses.replace(deliver(), provider="bitbucket")).status == 404
    assert asyncio.run(client.ask("GET", "/webhook/github")).status == 405
    assert client.deliver(deliver(ref="refs/tags/v1")).word == "ignored"
    assert num_queued(client) == 0


def test_what_happened_can_be_read_from_the_metrics(client: Client, deliver: Callable[..., Any]) -> None:
    for secret in (SECRET, SECRET, "x"):
        client.deliver(deliver(secret=secret))
    text = asyncio.run(client.ask("GET", "/metrics")).body.decode()
    assert 'l2c_webhook_deliveries_total{answer="accepted",provider="github"} 1.0' in text
    assert 'l2c_webhook_deliveries_total{answer="known",provider="github"} 1.0' in text
    assert 'l2c_webhook_deliveries_total{answer="forged",provider="github"} 1.0' in text
    assert 'l2c_queue_pushes{state="pending"} 1.0' in text
    assert "l2c_webhook_answer_seconds_count 3.0" in text
    assert client.queue.counts()[PushState.PENDING] == 1


def test_no_secret_is_said_or_logged(
    client: Client, deliver: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answers = [client.deliver(deliver(provider)) for provider in ("github", "gitlab", "gitea")]
        answers.append(client.deliver(deliver("gitlab", secret="forged secret")))
    said = caplog.text + "".join(str(answer) for answer in answers)
    assert "accepted refs/heads/main" in said
    assert SECRET not in said
    assert "forged secret" not in said


def test_a_rate_lets_a_burst_pass_and_fills_again() -> None:
    now = 100.0
    rate = RateLimit(per_minute=30, burst=3, clock=lambda: now)
    assert [rate.wait_seconds() for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    now += 1.0
    assert rate.wait_seconds() == 1.0
    now += 1.0
    assert [rate.wait_seconds() for _ in range(2)] == [0.0, 2.0]
    now += 1000.0
    assert [rate.wait_seconds() for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
