"""Calls the API server with a time limit on every request, and repeats what got no usable answer.

A request is repeated with growing pauses. One that creates something is
repeated only after a look whether the server has done it in spite of its
answer, so that nothing is created twice. What can't be repaired becomes one
line for a person.
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
_MAX_PAUSE_SECONDS = 10.0
_MAX_MESSAGE_LENGTH = 300
_CREDENTIALS_REFUSED = frozenset({401, 403})
_TOO_BUSY = frozenset({408, 425, 429})


class UnavailableError(ConfigError):
    """The server gave no usable answer in the time limit; trying again later is safe."""


class NotFoundError(ConfigError):
    """The server does not have what was asked for."""


class _RetryableError(Exception):
    """The server could not answer this time."""


class _AlreadyExistsError(Exception):
    """The server has an object of this name already."""


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Time limits of requests, and the pauses between repetitions.

    Attributes:
      connect_seconds: For a connection.
      read_seconds: For an answer.
      total_seconds: For a usable answer, of however many requests.
      pause_seconds: Before a request is repeated for the first time; each further pause is twice as long, up to 10 s.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    pause_seconds: float = 1.0

    def __post_init__(self) -> None:
        if min(dataclasses.astuple(self)) <= 0:
            raise ValueError(f"found {self}, accepted are seconds over 0")


class RetryingClient:
    """Calls methods of one server.

    Args:
      server_name: The server, for messages.
      timeouts: Time limits.
    """

    def __init__(self, server_name: str, timeouts: Timeouts):
        self.server_name = server_name
        self.timeouts = timeouts

    def call(self, method: Callable[..., T], **arguments: Any) -> T:
        """Calls a method that may be repeated without harm.

        Args:
          method: Of the SDK's generated services, such as `client.runs.run_service_get_run`.
          **arguments: For it.

        Returns:
          The server's answer.

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
          find: Looks whether it is there; called where an answer was lost, and where the server says that it exists.
          **arguments: For the method.

        Returns:
          What was created or found.

        Raises:
          UnavailableError: no answer came, and it was not there at the last look.
          ConfigError: the server refuses.
        """
        for attempt in self._attempts():
            with attempt:
                if attempt.retry_state.attempt_number > 1 and (found := find()) is not None:
                    return found
                try:
                    return self._send(method, **arguments)
                except _AlreadyExistsError as error:
                    if (found := find()) is not None:
                        return found
                    raise ConfigError(f"{self.server_name}: the name is taken ({error}); choose another") from None
        raise AssertionError("the attempts end with an error")

    def list_all(self, method: Callable[..., Any], items: str, **arguments: Any) -> Iterator[Any]:
        """Yields all items of a list, page by page.

        Args:
          method: Of the SDK's generated services; lists.
          items: The field of its answer that has them.
          **arguments: For it.
        """
        token = ""
        while True:
            answer = self.call(method, page_size=_PAGE_SIZE, page_token=token, **arguments)
            yield from getattr(answer, items) or ()
            token = answer.next_page_token
            if not token:
                return

    def _attempts(self) -> Iterator[Any]:
        import tenacity

        pause = self.timeouts.pause_seconds
        return iter(
            tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(_RetryableError),
                wait=tenacity.wait_exponential_jitter(pause, max=_MAX_PAUSE_SECONDS, jitter=pause),
                stop=tenacity.stop_before_delay(self.timeouts.total_seconds),
                retry_error_callback=self._raise_unavailable,
            )
        )

    def _raise_unavailable(self, state: Any) -> None:
        raise UnavailableError(
            f"{self.server_name}: no usable answer in {self.timeouts.total_seconds:.0f} s"
            f" ({state.outcome.exception()}); check that the API server of Kubeflow Pipelines is up and can be"
            " reached from here, then try again"
        )

    def _send(self, method: Callable[..., T], **arguments: Any) -> T:
        import kfp_server_api
        import urllib3

        timeout = (self.timeouts.connect_seconds, self.timeouts.read_seconds)
        try:
            return method(_request_timeout=timeout, **arguments)
        except ConfigError:
            raise
        except kfp_server_api.ApiException as error:
            raise self._error_of(error) from None
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, urllib3.exceptions.SSLError):
                raise self._certificate_error(reason) from None
            raise _RetryableError(_one_line(type(reason).__name__)) from None
        except OSError as error:
            raise ConfigError(
                f"{self.server_name}: the file of credentials {error.filename} can't be read: {error.strerror}"
            ) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The SDK tries to make objects of whatever comes.
            raise ConfigError(
                f"{self.server_name}: the answer is not of the Kubeflow Pipelines API ({type(error).__name__});"
                " check that this is the URL of its API server"
            ) from None

    def _error_of(self, error: Any) -> Exception:
        reason = f"{error.status}: {_message_of(error)}"
        if not error.status:
            return self._certificate_error(error.reason)
        if error.status in _CREDENTIALS_REFUSED:
            return ConfigError(
                f"{self.server_name}: the server refuses our credentials ({reason}); put a token of somebody who may"
                f" do this into {TOKEN_VARIABLE}, or into the file that KF_PIPELINES_SA_TOKEN_PATH names"
            )
        if error.status == 404:
            return NotFoundError(f"{self.server_name}: the server does not have it ({reason})")
        if error.status == 409:
            return _AlreadyExistsError(reason)
        if error.status >= 500 or error.status in _TOO_BUSY:
            return _RetryableError(reason)
        return ConfigError(f"{self.server_name}: the server refuses the request ({reason})")

    def _certificate_error(self, reason: object) -> ConfigError:
        return ConfigError(
            f"{self.server_name}: the server's certificate is not trusted ({_one_line(str(reason))});"
            " install the certificate authority that signed it"
        )


def _message_of(error: Any) -> str:
    """Returns what the server says: gRPC's gateway calls it `message`, the upload service `error_message`."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    said = answer.get("message") or answer.get("error_message") if isinstance(answer, dict) else None
    return _one_line(str(said or error.reason or "no reason"))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_MESSAGE_LENGTH else line[: _MAX_MESSAGE_LENGTH - 3] + "..."
