"""What may be over in a minute is tried again, and nothing else; with the errors that the stores' clients raise."""

from __future__ import annotations

import errno
from collections.abc import Callable

import botocore.exceptions
import pytest
import urllib3.exceptions

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.container.transient import is_transient, with_patience


def answer_of(status: int) -> Exception:
    return botocore.exceptions.ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


def caused_by(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except type(cause) as error:
            raise ConfigError(f"data.uri can't be read: {error}") from None
    except ConfigError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        OSError(errno.EBUSY, "slow down"),
        answer_of(503),
        botocore.exceptions.EndpointConnectionError(endpoint_url="https://store"),
        urllib3.exceptions.IncompleteRead(3, 4),
        caused_by(ConnectionRefusedError()),
    ],
)
def test_what_may_be_over_soon_is_known(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("epochs: found 0"),
        RuntimeError("out of memory"),
        FileNotFoundError(errno.ENOENT, "no such file"),
        PermissionError(errno.EACCES, "no"),
        OSError(errno.ENOSPC, "no space"),
        answer_of(403),
        answer_of(404),
        caused_by(FileNotFoundError()),
    ],
)
def test_what_another_attempt_would_not_mend_is_known(error: Exception) -> None:
    assert not is_transient(error)


def failing(*errors: Exception) -> tuple[Callable[[], str], list[Exception]]:
    left = list(errors)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work, left


def test_work_is_tried_again_until_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    work, _ = failing(ConnectionResetError("gone"), TimeoutError("late"))
    cleaned: list[int] = []
    assert with_patience(work, lambda: cleaned.append(1), (0.0, 0.0, 0.0)) == "done"
    assert len(cleaned) == 2
    assert capsys.readouterr().err.splitlines()[0] == "step: ConnectionResetError: gone; trying again in 0 s"


def test_the_last_failure_and_one_for_good_are_raised() -> None:
    work, left = failing(ConnectionResetError("1"), ConnectionResetError("2"), ConnectionResetError("3"))
    with pytest.raises(ConnectionResetError, match="2"):
        with_patience(work, lambda: None, (0.0,))
    assert len(left) == 1
    work, left = failing(ConfigError("for good"), ConfigError("not asked"))
    with pytest.raises(ConfigError, match="for good"):
        with_patience(work, lambda: None, (0.0, 0.0))
    assert len(left) == 1
