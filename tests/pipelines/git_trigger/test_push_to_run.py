"""A push to a real Git server travels through the receiver to a run, whatever dies or fails on the way."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.kubeflow.compile.package_steps import steps_of

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("git") is None, reason="found no git; it is in Debian's package git"),
]

L2C = Path(sys.executable).with_name("l2c")
SECRET = "a secret of the webhook"
GIT_TOKEN = "a-token-to-fetch-with"
AUTHORIZATION = f"Basic {base64.b64encode(f'x-access-token:{GIT_TOKEN}'.encode()).decode()}"
# Only so that a test ends that never would.
PATIENCE_SECONDS = 600.0

# What a provider does after a push: tell the receiver, who may not be there.
HOOK = """
    #!{python}
    import hashlib, hmac, json, sys, urllib.request, uuid
    for line in sys.stdin:
        before, after, ref = line.split()
        body = json.dumps({{"ref": ref, "before": before, "after": after,
                            "repository": {{"full_name": "team/models", "fork": False}}}}).encode()
        digest = hmac.new({secret!r}.encode(), body, hashlib.sha256).hexdigest()
        headers = {{"Content-Type": "application/json", "X-GitHub-Event": "push",
                    "X-GitHub-Delivery": str(uuid.uuid4()), "X-Hub-Signature-256": "sha256=" + digest}}
        try:
            request = urllib.request.Request({url!r}, body, headers)
            print("answer", urllib.request.urlopen(request, timeout=60).status)
        except OSError as error:
            print("answer", getattr(error, "code", "none"))
"""


class GitServer:
    """`git http-backend` behind HTTP, which wants a token of everybody."""

    def __init__(self, root: Path):
        self.root = root
        self.afterwards: list[Callable[[], object]] = []
        handler = type("Handler", (_GitHandler,), {"server_": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _GitHandler(BaseHTTPRequestHandler):
    server_: GitServer

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != AUTHORIZATION:
            self.send_response(401)
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server_.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "somebody",
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command = ["git", "http-backend"]
        answer = subprocess.run(command, input=body, env=environment, capture_output=True, check=True).stdout
        while self.server_.afterwards and query == "" and path.endswith("git-upload-pack"):
            self.server_.afterwards.pop(0)()
        head, _, content = answer.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client was killed
            self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """No lines on the terminal."""


@dataclasses.dataclass
class Receiver:
    """The installed command, which can be killed and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def arguments(self) -> list[str]:
        return [str(self.folder / "webhook.yaml"), "--queue", str(self.folder / "queue" / "queue.sqlite")]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"L2C_SECRETS": str(self.folder / "secrets")}

    def start(self) -> None:
        with (self.folder / "receiver.log").open("ab") as log:
            command = [str(L2C), "serve-webhook", *self.arguments, "--port", str(self.port)]
            self.process = subprocess.Popen(command, env=self.environment, stderr=log)
        wait_for(lambda: self.get("/readyz") is not None or self.process_ended())

    def process_ended(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        return False

    def kill_all(self) -> None:
        """Ends it and the processes that work its pushes, as the end of a container does."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        workers = [int(worker) for task in tasks for worker in task.read_text().split()]
        self.process.kill()
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker, signal.SIGKILL)

    def end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    def number_of(self, state: str) -> int:
        for line in (self.get("/metrics") or "").splitlines():
            if line.startswith(f'l2c_queue_pushes{{state="{state}"}}'):
                return int(float(line.split()[-1]))
        return 0

    @property
    def log(self) -> str:
        return (self.folder / "receiver.log").read_text()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclasses.dataclass(frozen=True)
class World:
    """A team's repository with a place to push to, a receiver, and Kubeflow."""

    repository: Any
    receiver: Receiver
    git: GitServer
    kubeflow: Any
    config_text: Callable[..., str]
    folder: Path

    def text(self, **changes: Any) -> str:
        own = {"teacher": {"uri": f"{self.folder}/teacher.keras"}, "push": {"uri": f"{self.folder}/pushed"}}
        return self.config_text(**(own | changes))

    def push(self, files: dict[str, Any] | None = None, refs: str = "main") -> str:
        """Commits and pushes; gives the commit."""
        commit = self.repository.commit(files)
        self.repository.git(
            "-c",
            f"http.extraHeader=Authorization: {AUTHORIZATION}",
            "push",
            "--quiet",
            f"{self.git.url}/models.git",
            refs,
        )
        return str(commit)


@pytest.fixture
def world(
    repository: Any, config_text: Callable[..., str], kfp_server: Any, tmp_path: Path, secrets_folder: Path
) -> Iterator[World]:
    git = GitServer(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        receiver = Receiver(tmp_path, free.getsockname()[1])
    bare = tmp_path / "models.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    hook = bare / "hooks" / "post-receive"
    told = {"python": sys.executable, "secret": SECRET, "url": f"{receiver.url}/webhook/github"}
    hook.write_text(textwrap.dedent(HOOK).lstrip().format(**told))
    hook.chmod(0o755)
    (tmp_path / "teacher.keras").write_bytes(b"a teacher; its digest is all that compiling takes of it")
    (secrets_folder / "git-token").write_text(GIT_TOKEN)
    settings = {
        "repositories": [
            {"provider": "github", "name": "team/models", "url": f"{git.url}/models.git", "token": "git-token"}
        ],
        "endpoint": kfp_server.url,
        "image": f"registry/learn2compress@sha256:{'a' * 64}",
        "allowed_uris": [str(tmp_path)],
        "api_seconds": 10.0,
        "retry": {"first_seconds": 0.2, "longest_seconds": 1.0, "attempts": 1000},
        "limits": {"work_seconds": PATIENCE_SECONDS},
    }
    (tmp_path / "webhook.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "receiver.log").touch()
    yield World(repository, receiver, git, kfp_server, config_text, tmp_path)
    receiver.end(signal.SIGKILL)
    git.close()


def provenance_in(kubeflow: Any) -> dict[str, str]:
    (version,) = kubeflow.kinds["pipeline_versions"].values()
    specification = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
    pusher = next(step for step in steps_of(specification, {}) if step.task == "pusher")
    return dict(json.loads(pusher.parameters["provenance"]))


def test_a_push_becomes_a_run_of_the_right_pipeline_at_the_right_commit(world: World) -> None:
    world.receiver.start()
    commit = world.push({"vision/l2c.yaml": world.text(), "README": "1"})
    wait_for(lambda: world.kubeflow.runs)
    (run,) = world.kubeflow.runs
    assert run["display_name"] == f"little main@{commit[:8]}"
    (version,) = world.kubeflow.kinds["pipeline_versions"].values()
    assert f"l2c/commit: {commit}\n" in version["description"]
    told = provenance_in(world.kubeflow)
    assert (told["source_commit"], told["source_path"]) == (commit, "vision/l2c.yaml")
    assert told["source_repository"] == f"{world.git.url}/models"
    wait_for(lambda: world.receiver.number_of("done") == 1)
    # Nothing of this starts anything.
    world.push({"README": "2"})
    world.push(refs="HEAD:refs/heads/other")
    world.push(refs="HEAD:refs/tags/v1")
    world.push(refs=":refs/heads/other")
    wait_for(lambda: world.receiver.number_of("done") == 2)
    assert len(world.kubeflow.runs) == 1
    assert SECRET not in world.receiver.log
    assert GIT_TOKEN not in world.receiver.log


def test_killed_twenty_times_between_accept_and_submit_it_starts_one_run(world: World) -> None:
    receiver, deaths = world.receiver, 0

    def die() -> None:
        nonlocal deaths
        receiver.kill_all()
        deaths += 1

    def live_until_death(arrange: Callable[[], object]) -> None:
        before = deaths
        receiver.start()
        arrange()
        wait_for(lambda: deaths > before)
        receiver.end(signal.SIGKILL)

    live_until_death(lambda: (world.push({"l2c.yaml": world.text()}), die()))
    for _ in range(7):
        live_until_death(die)
    for _ in range(5):
        live_until_death(lambda: world.git.afterwards.append(die))
    for _ in range(5):
        live_until_death(lambda: world.kubeflow.after("GET /healthz", die))
    live_until_death(lambda: world.kubeflow.after("POST /pipelines/upload_version", die))
    live_until_death(lambda: world.kubeflow.after("POST /runs", die))
    assert deaths == 20
    receiver.start()
    wait_for(lambda: receiver.number_of("done") == 1)
    assert len(world.kubeflow.runs) == 1


def test_while_the_api_server_fails_nothing_is_lost_and_nothing_happens_twice(world: World) -> None:
    world.kubeflow.fail(".*", "500", 10_000)
    world.receiver.start()
    first = world.push({"one.l2c.yaml": world.text()})
    second = world.push({"two.l2c.yaml": world.text(seed=3)})
    wait_for(lambda: world.receiver.log.count("is tried again") >= 4)
    assert not world.kubeflow.runs
    world.kubeflow.mend()
    world.kubeflow.fail("POST /runs", "500 after", 1)
    world.kubeflow.fail("GET /experiments", "reset", 1)
    wait_for(lambda: world.receiver.number_of("done") == 2)
    names = sorted(run["display_name"] for run in world.kubeflow.runs)
    assert names == sorted(f"little main@{commit[:8]}" for commit in (first, second))


def test_what_was_missed_is_found_and_what_is_stopped_goes_on(world: World) -> None:
    def reconcile() -> str:
        (world.folder / "queue").mkdir(exist_ok=True)
        command = [str(L2C), "reconcile", *world.receiver.arguments]
        process = subprocess.run(command, env=world.receiver.environment, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        return process.stdout

    world.push({"old.l2c.yaml": world.text()})
    assert "nothing started" in reconcile()
    commit = world.push({"l2c.yaml": world.text(seed=4)})
    assert f"{commit[:12]} was missed, is in the queue" in reconcile()
    assert reconcile() == "nothing was missed\n"
    # Told to stop while it fetches, it stops, and the push stays in the queue.
    process_of = world.receiver
    world.git.afterwards.append(lambda: process_of.process and process_of.process.send_signal(signal.SIGTERM))
    world.receiver.start()
    assert process_of.process is not None
    assert process_of.process.wait(120) in (0, -signal.SIGTERM)
    world.receiver.start()
    wait_for(lambda: world.receiver.number_of("done") == 1)
    (run,) = world.kubeflow.runs
    assert run["display_name"] == f"little main@{commit[:8]}"
    assert any(
        "l2c/config: l2c.yaml" in each["description"] for each in world.kubeflow.kinds["pipeline_versions"].values()
    )
