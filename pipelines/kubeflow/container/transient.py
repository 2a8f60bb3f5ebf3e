"""Which failures may be over in a minute, and a step's patience with them.

Whether Kubeflow tries a failed step again is its administrator's choice (Argo's `retryPolicy`; 2.17 installs it so that
it does not). A network or a store that is away for a moment is therefore tried again here, in the same pod.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from learn2compress.report.plain_text import on_one_line

T = TypeVar("T")

PAUSES_SECONDS = (10.0, 30.0, 90.0)

# What fsspec's stores make of an answer such as "slow down" is an OSError of one of these.
_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.EREMOTEIO,
        errno.ETIMEDOUT,
    }
)
_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
# Of libraries that a step need not have, and whose errors are no OSError.
_NAMES = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "HTTPClientError",
        "HttpError",
        "IncompleteRead",
        "NewConnectionError",
        "ProtocolError",
        "ReadTimeoutError",
        "ResponseParserError",
        "ServerDisconnectedError",
        "ServiceRequestError",
        "ServiceResponseError",
        "TransportError",
        "UnavailableError",
    }
)


def is_transient(error: BaseException) -> bool:
    """Returns whether a failure may be over soon: of the network, or of a server that is too busy or being restarted.

    Args:
      error: It, or whatever it came from, decides.
    """
    return any(_is_transient(each) for each in chain_of(error))


def with_patience(
    work: Callable[[], T], clean_up: Callable[[], object], pauses_seconds: Sequence[float] = PAUSES_SECONDS
) -> T:
    """Does some work, again after each pause while it fails with what may be over soon.

    Args:
      work: What to do.
      clean_up: Removes what an attempt that failed has left behind, before a further one.
      pauses_seconds: Before each further attempt.

    Returns:
      What the work returns.

    Raises:
      Exception: of the first attempt that failed for good, or of the last one.
    """
    for pause in pauses_seconds:
        try:
            return work()
        except Exception as error:
            if not is_transient(error):
                raise
            told = on_one_line(f"{type(error).__name__}: {error}")
            print(f"step: {told}; trying again in {pause:.0f} s", file=sys.stderr, flush=True)
            time.sleep(pause)
            clean_up()
    return work()


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yields a failure, what it came from, and so on, whatever its message leaves out of that."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    status = _status(error)
    if status is not None:
        return status in _STATUSES
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return True
    return any(kind.__name__ in _NAMES for kind in type(error).__mro__)


def _status(error: Any) -> int | None:
    """Returns the HTTP status of a server's answer, as the clients of stores keep it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    found = (
        response,
        getattr(response, "status_code", None),
        *(getattr(error, name, None) for name in ("status", "code")),
    )
    return next((int(text) for text in map(str, found) if text.isdecimal()), None)
