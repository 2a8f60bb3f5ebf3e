"""Git runs on a repository of our own, within limits, and says in one line what went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.git_program import GitLimits, GitProgram, TryAgainError


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    folder.mkdir()
    return folder


def fetched(empty: Path, repository: Any, **limits: float) -> GitProgram:
    """The program, with the newest commit of the repository fetched."""
    git = GitProgram(empty, limits=GitLimits(**limits))  # type: ignore[arg-type]
    git.make_repository("sha1")
    git.run_remote("fetch", "--quiet", "--depth=1", "--", str(repository.folder), "refs/heads/main:refs/heads/main")
    return git


def test_what_was_fetched_can_be_read(empty: Path, repository: Any) -> None:
    repository.commit({"l2c.yaml": "content"})
    assert fetched(empty, repository).run_local("cat-file", "blob", "main:l2c.yaml") == b"content"


def test_a_token_is_in_no_argument(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"; env | grep GIT_CONFIG_VALUE | grep Authorization\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    said = GitProgram(empty, "s3cret").run_remote("ls-remote").decode()
    assert said.startswith("ls-remote\n")
    assert "Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0" in said  # base64 of x-access-token:s3cret
    assert "s3cret" not in said


def test_a_server_that_is_away_may_be_back_later(empty: Path) -> None:
    git = GitProgram(empty)
    git.make_repository("sha1")
    with pytest.raises(TryAgainError, match=r"^git: fatal: ") as caught:
        git.run_remote("fetch", "--", "http://127.0.0.1:9/a.git", "main")
    assert "\n" not in str(caught.value)


def test_a_server_without_an_answer_is_not_waited_for(empty: Path, silent_server: str) -> None:
    git = GitProgram(empty, limits=GitLimits(fetch_seconds=0.3))
    git.make_repository("sha1")
    with pytest.raises(TryAgainError, match=r"did not end in 0.3 s"):
        git.run_remote("ls-remote", "--", silent_server)


def test_an_object_that_is_too_large_is_refused(empty: Path, repository: Any) -> None:
    repository.commit({"noise": bytes(range(256)) * 400 + repository.git("rev-parse", "--git-dir").encode()})
    with pytest.raises(ConfigError, match="git refused what it was sent"):
        fetched(empty, repository, file_bytes=400)


def test_an_answer_that_is_too_long_is_refused(empty: Path, repository: Any) -> None:
    repository.commit({"l2c.yaml": "x" * 2000})
    git = fetched(empty, repository)
    with pytest.raises(ConfigError, match="the answer of git cat-file is over 1000 bytes"):
        git.run_local("cat-file", "blob", "main:l2c.yaml", max_bytes=1000)


def test_what_is_not_there_is_one_line(empty: Path, repository: Any) -> None:
    repository.commit({"l2c.yaml": "content"})
    with pytest.raises(ConfigError, match=r"^repository: git cat-file: fatal: "):
        fetched(empty, repository).run_local("cat-file", "-e", "main:none")
