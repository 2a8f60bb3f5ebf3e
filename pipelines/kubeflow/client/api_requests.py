"""How we ask a server: every request has a time limit, and none that creates something has its effect twice.

A request that got no usable answer is repeated with growing pauses. One that
creates something is repeated only after a look whether the server has done it
in spite of its answer. What can't be repaired becomes one line for a person.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from learn2compress.config.parsing import ConfigError

T = TypeVar("T")

TOKEN_VARIABLE = "L2C_KFP_TOKEN"  # noqa: S105 - the name of the variable

_PAGE_SIZE = 100
_LONGEST_PAUSE_SECONDS = 10.0
_MESSAGE_LENGTH = 300
_REFUSED_CREDENTIALS = frozenset({401, 403})
_TOO_BUSY = frozenset({408, 425, 429})


class UnavailableError(ConfigError):
    """The server gave no usable answer for as long as we were to wait; trying again later is safe."""


class NotFoundError(ConfigError):
    """The server does not know it."""


class _NoAnswerError(Exception):
    """The server could not answer this time."""


class _ExistsError(Exception):
    """The server has it already."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to wait.

    Attributes:
      connect_seconds: For a connection.
      read_seconds: For an answer.
      total_seconds: For a usable answer, of however many requests.
      lease_seconds: For the run of somebody else who is about to start the same one.
      pause_seconds: Before a request is repeated for the first time, and for what an earlier one may still
        bring about; each further pause is twice as long, up to 10 s.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    lease_seconds: float = 120.0
    pause_seconds: float = 1.0

    def __post_init__(self) -> None:
        if min(dataclasses.astuple(self)) <= 0:
            raise ValueError(f"found {self}, accepted are seconds over 0")


class Asker:
    """Asks one server.

    Args:
      named: The server, for messages.
      patience: How long to wait.
    """

    def __init__(self, named: str, patience: Patience):
        self.named = named
        self.patience = patience

    def read(self, method: Callable[..., T], **arguments: Any) -> T:
        """Asks for something that can be asked for again.

        Args:
          method: Of the SDK's generated services, such as `client.runs.run_service_get_run`.
          **arguments: For it.

        Raises:
          NotFoundError: it is not there.
          UnavailableError: no answer came.
          ConfigError: the server refuses.
        """
        return self.create(method, lambda: None, **arguments)

    def create(self, method: Callable[..., T], find: Callable[[], T | None], **arguments: Any) -> T:
        """Creates something once.

        Args:
          method: Of the SDK's generated services.
          find: Looks whether it is there; asked where an answer was lost, and where the server says that it exists.
          **arguments: For the method.

        Returns:
          What was created or found.

        Raises:
          UnavailableError: no answer came, and it was not there when we last looked.
          ConfigError: the server refuses.
        """
        for attempt in self._attempts():
            with attempt:
                if attempt.retry_state.attempt_number > 1 and (found := find()) is not None:
                    return found
                try:
                    return self._once(method, **arguments)
                except _ExistsError as error:
                    if (found := find()) is not None:
                        return found
                    raise ConfigError(f"{self.named}: {error}; accepted is a name that is free") from None
        raise AssertionError("the attempts end with an error")

    def pages(self, method: Callable[..., Any], items: str, **arguments: Any) -> Iterator[Any]:
        """All items of a list, page by page.

        Args:
          method: Of the SDK's generated services; lists.
          items: The field of its answer that has them.
          **arguments: For it.
        """
        token = ""
        while True:
            answer = self.read(method, page_size=_PAGE_SIZE, page_token=token, **arguments)
            yield from getattr(answer, items) or ()
            token = answer.next_page_token
            if not token:
                return

    def _attempts(self) -> Iterator[Any]:
        import tenacity

        pause = self.patience.pause_seconds
        return iter(
            tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(_NoAnswerError),
                wait=tenacity.wait_exponential_jitter(pause, max=_LONGEST_PAUSE_SECONDS, jitter=pause),
                stop=tenacity.stop_before_delay(self.patience.total_seconds),
                retry_error_callback=self._give_up,
            )
        )

    def _give_up(self, state: Any) -> None:
        raise UnavailableError(
            f"{self.named}: found no usable answer in {self.patience.total_seconds:.0f} s"
            f" ({state.outcome.exception()}), accepted is an API server of Kubeflow Pipelines that can be reached"
        )

    def _once(self, method: Callable[..., T], **arguments: Any) -> T:
        import kfp_server_api
        import urllib3

        timeout = (self.patience.connect_seconds, self.patience.read_seconds)
        try:
            return method(_request_timeout=timeout, **arguments)
        except ConfigError:
            raise
        except kfp_server_api.ApiException as error:
            raise self._meaning_of(error) from None
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, urllib3.exceptions.SSLError):
                raise self._untrusted(reason) from None
            raise _NoAnswerError(_one_line(type(reason).__name__)) from None
        except OSError as error:  # a file of credentials that can't be read
            raise ConfigError(f"{self.named}: found {error.strerror}: {error.filename}, accepted is a file") from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The SDK tries to make objects of whatever comes.
            raise ConfigError(
                f"{self.named}: found an answer that is not of the Kubeflow Pipelines API ({type(error).__name__}),"
                " accepted is the URL of its API server"
            ) from None

    def _meaning_of(self, error: Any) -> Exception:
        found = f"{error.status}: {_message_of(error)}"
        if not error.status:
            return self._untrusted(error.reason)
        if error.status in _REFUSED_CREDENTIALS:
            return ConfigError(
                f"{self.named}: found that the server refuses our credentials ({found}), accepted is a token in"
                f" {TOKEN_VARIABLE}, or in the file that KF_PIPELINES_SA_TOKEN_PATH names, of somebody who may do this"
            )
        if error.status == 404:
            return NotFoundError(f"{self.named}: found nothing ({found}), accepted is what the server has")
        if error.status == 409:
            return _ExistsError(found)
        if error.status >= 500 or error.status in _TOO_BUSY:
            return _NoAnswerError(found)
        return ConfigError(f"{self.named}: found that the server refuses ({found}), accepted is what it says")

    def _untrusted(self, reason: object) -> ConfigError:
        return ConfigError(f"{self.named}: found {_one_line(str(reason))}, accepted is a certificate that we trust")


def _message_of(error: Any) -> str:
    """What the server says: gRPC's gateway calls it `message`, the upload service `error_message`."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    said = answer.get("message") or answer.get("error_message") if isinstance(answer, dict) else None
    return _one_line(str(said or error.reason or "no reason"))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MESSAGE_LENGTH else line[: _MESSAGE_LENGTH - 3] + "..."
