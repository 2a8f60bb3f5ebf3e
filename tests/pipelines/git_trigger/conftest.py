"""Real Git repositories, deliveries as providers sign them, and a receiver's settings."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

_PEOPLE = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
SECRET = "a secret of the webhook"
CONFIG: dict[str, Any] = {
    "name": "little",
    "data": {"format": "digits"},
    "teacher": {"uri": "s3://team/teacher.keras"},
    "training": {"stages": [{"channels": 12}, {"channels": 20}], "epochs": 2},
    "students": [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}],
    "push": {"uri": "s3://team/pushed"},
}


@dataclasses.dataclass(frozen=True)
class Repository:
    """A repository with a work tree."""

    folder: Path

    def git(self, *arguments: str, text: str | None = None) -> str:
        """Runs git as a person would, without this machine's own configuration."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{
                f"GIT_{who}_{what}": f"{who}@example.com"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            "GIT_AUTHOR_DATE": "2026-03-04T05:06:07+02:00",
        }
        process = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes | None] | None = None) -> str:
        """Writes files, removes those that are `None`, and commits all there is; gives the commit's name."""
        for name, content in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "one more")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository on the branch main."""
    made = Repository(tmp_path / "repository")
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    return made


@pytest.fixture(scope="session")
def config_text() -> Callable[..., str]:
    """The text of a configuration, with top-level fields replaced."""

    def make(**changes: Any) -> str:
        return yaml.safe_dump(CONFIG | changes, sort_keys=False)

    return make


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A webhook as a provider sends it."""

    provider: str
    headers: dict[str, str]
    body: bytes


def _signed(provider: str, body: bytes, delivery: str, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    own = {
        "github": {
            "x-github-event": "push", "x-github-delivery": delivery, "x-hub-signature-256": f"sha256={digest}",
        },
        "gitea": {"x-gitea-event": "push", "x-gitea-delivery": delivery, "x-gitea-signature": digest},
        "gitlab": {"x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": delivery, "x-gitlab-token": secret},
    }  # fmt: skip
    return {"content-type": "application/json", **own[provider]}


@pytest.fixture(scope="session")
def deliver() -> Callable[..., Delivery]:
    """Makes a delivery of a push to team/models; fields of its body can be replaced."""

    def make(
        provider: str = "github",
        *,
        after: str = "b" * 40,
        before: str = "a" * 40,
        ref: str = "refs/heads/main",
        delivery: str = "d-1",
        secret: str = SECRET,
        **changes: Any,
    ) -> Delivery:
        repository = (
            {"project": {"path_with_namespace": "team/models"}}
            if provider == "gitlab"
            else {"repository": {"full_name": "team/models", "fork": False}}
        )
        body = json.dumps({"ref": ref, "before": before, "after": after, **repository, **changes}).encode()
        return Delivery(provider, _signed(provider, body, delivery, secret), body)

    return make


@pytest.fixture
def settings_of() -> Callable[..., dict[str, Any]]:
    """Settings of a receiver of team/models of all three providers, with fields replaced."""

    def make(url: str = "https://git.example.com/team/models", **changes: Any) -> dict[str, Any]:
        providers = ("github", "gitlab", "gitea")
        repositories = [
            {"provider": provider, "name": "team/models", "url": f"{url}{index or ''}.git"}
            for index, provider in enumerate(providers)
        ]
        return {"repositories": repositories, "allowed_uris": ["s3://team/"], **changes}

    return make


@pytest.fixture
def secrets_folder(tmp_path: Path) -> Path:
    """A folder with the webhook secret of each provider."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for provider in ("github", "gitlab", "gitea"):
        (folder / f"webhook-{provider}").write_text(f"{SECRET}\n")
    return folder


@pytest.fixture
def silent_server() -> Iterator[str]:
    """URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/team/models"
