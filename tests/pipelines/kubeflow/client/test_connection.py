"""Where the server is and how we log in there; over real HTTP, with the SDK's client."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Server, Timeouts, connect
from pipelines.kubeflow.client.submission import SubmissionRequest, submit

PATIENT = Timeouts(pause_seconds=0.05)
SECRET = "s3cret-token"


@pytest.fixture
def request_(small_package: str) -> SubmissionRequest:
    return SubmissionRequest("digits", small_package)


def _with_token(url: str, _: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    monkeypatch.setenv("L2C_KFP_TOKEN", token)
    return Server(url, timeouts=PATIENT)


def _with_file(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    file = folder / "token"
    file.write_text(token)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    return Server(url, timeouts=PATIENT)


def _with_variable(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
    return dataclasses.replace(_with_file(url, folder, monkeypatch, token), endpoint=None)


@pytest.mark.parametrize("way", [_with_token, _with_file, _with_variable])
def test_credentials_come_from_the_environment(
    kfp_server: Any,
    request_: SubmissionRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[..., Server],
) -> None:
    kfp_server.token = SECRET
    assert submit(request_, connect(way(kfp_server.url, tmp_path, monkeypatch, SECRET))).is_new


def test_wrong_credentials_are_one_line_without_them(
    kfp_server: Any, request_: SubmissionRequest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    kfp_server.token = "another"
    monkeypatch.setenv("L2C_KFP_TOKEN", SECRET)
    with pytest.raises(ConfigError, match=r"refuses our credentials \(401: Request not authenticated\)") as refused:
        submit(request_, connect(Server(kfp_server.url, timeouts=PATIENT)))
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value) + "".join(capfd.readouterr())


def test_a_login_page_is_no_answer(kfp_server: Any) -> None:
    kfp_server.login_page = True
    with pytest.raises(ConfigError, match="the answer is of type text/html, not JSON"):
        submit(SubmissionRequest("a", ""), connect(Server(kfp_server.url, timeouts=PATIENT)))


@pytest.mark.parametrize("endpoint", ["http://me:pass@host", "file:///etc/passwd", "host:8888", "http://a b"])
def test_an_endpoint_is_a_url_without_credentials(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="--endpoint: found no such URL") as refused:
        connect(Server(endpoint))
    assert "pass@" not in str(refused.value)


def test_a_missing_token_file_is_one_line(kfp_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="KF_PIPELINES_SA_TOKEN_PATH: found"):
        connect(Server(kfp_server.url))


def test_without_any_endpoint_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="--endpoint: found none"):
        connect(Server())
