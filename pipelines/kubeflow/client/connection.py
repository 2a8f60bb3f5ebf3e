"""A connection to the API server of Kubeflow Pipelines, with the credentials that the SDK's conventions give."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.retrying_client import (
    TOKEN_VARIABLE,
    NotFoundError,
    RetryingClient,
    Timeouts,
    UnavailableError,
)

if TYPE_CHECKING:
    import kfp.client

__all__ = ["Connection", "NotFoundError", "Timeouts", "Server", "UnavailableError", "connect", "list_filter"]

T = TypeVar("T")

# The SDK's own variables.
_ENDPOINT_VARIABLE = "KF_PIPELINES_ENDPOINT"
_UI_VARIABLE = "KF_PIPELINES_UI_ENDPOINT"

# Credentials in a URL would come up in messages and in process lists.
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~:/-]*)?")


@dataclasses.dataclass(frozen=True)
class Server:
    """Where the API server is.

    Attributes:
      endpoint: Its URL; `None` for what the SDK finds: `KF_PIPELINES_ENDPOINT`, the
        service of the cluster we run in, or the cluster of the kubectl configuration.
      namespace: Where runs go, in multi-user mode.
      timeouts: How long to wait for it.
    """

    endpoint: str | None = None
    namespace: str | None = None
    timeouts: Timeouts = dataclasses.field(default_factory=Timeouts)

    @property
    def url(self) -> str | None:
        """The endpoint, or what the environment says of it.

        Raises:
          ConfigError: it is not the URL of a server.
        """
        url = self.endpoint or os.environ.get(_ENDPOINT_VARIABLE)
        if url is not None and not _ENDPOINT.fullmatch(url):
            field = "--endpoint" if self.endpoint else _ENDPOINT_VARIABLE
            # It may have a password in it.
            raise ConfigError(
                f"{field}: found no such URL, accepted is http(s)://HOST[:PORT][/PATH], without credentials"
            )
        return url.rstrip("/") if url else None


class Connection(RetryingClient):
    """A retrying client with the SDK's client behind it.

    Args:
      server_name: The server, for messages.
      server: Where it is.
      client: The SDK's client.

    Attributes:
      client: The SDK's client. Its methods have no time limit: use the generated services
        (`client.runs`, `client.pipelines`, ...) through `call`, `create` and `list_all`.
      namespace: Where runs go; "" outside multi-user mode.
    """

    def __init__(self, server_name: str, server: Server, client: kfp.client.Client):
        super().__init__(server_name, server.timeouts)
        self.client = client
        self.namespace: str = server.namespace or client.get_user_namespace() or ""
        self._page = os.environ.get(_UI_VARIABLE) or server.url
        self._api = client.healthzs.healthz_service_get_healthz.__self__.api_client

    def run_page(self, run_id: str) -> str:
        """Returns the URL of the run's page in Kubeflow's UI; "" where we do not know the UI's address."""
        return f"{self._page}/#/runs/details/{run_id}" if self._page else ""

    def list_named(self, method: Callable[..., Any], items: str, name: str, **arguments: Any) -> Iterator[Any]:
        """Yields the items of a list that people see under exactly this name.

        Args:
          method: Of the SDK's generated services; lists.
          items: The field of its answer that has them.
          name: As people see it.
          **arguments: What else the method takes.
        """
        # The server's database may not tell upper from lower case.
        listed = self.list_all(method, items, filter=list_filter(("display_name", "EQUALS", name)), **arguments)
        return (item for item in listed if item.display_name == name)

    def _send(self, method: Callable[..., T], **arguments: Any) -> T:
        answer = super()._send(method, **arguments)
        # The SDK makes an empty object of a login page.
        kind = self._api.last_response.getheader("Content-Type") or "nothing"
        if "json" not in kind:
            raise ConfigError(
                f"{self.server_name}: the answer is of type {kind}, not JSON; check that this is the URL of the API"
                " server, and give credentials where a login is in front of it"
            )
        return answer


def connect(server: Server) -> Connection:
    """Connects with the credentials that the environment has.

    These are the text of a token in `L2C_KFP_TOKEN`, or the projected token of a service
    account (`KF_PIPELINES_SA_TOKEN_PATH`, or where Kubeflow mounts it), read anew for every
    request. With neither there are none, as for a forwarded port.

    Args:
      server: Where it is, and how long to wait for it.

    Returns:
      The connection, once the server has answered.

    Raises:
      UnavailableError: no answer came.
      ConfigError: there is no endpoint, or the server refuses.
    """
    import kfp.client
    import urllib3

    class Client(kfp.client.Client):
        """The SDK's client, which waits no longer than we do and writes no file."""

        def _load_config(self, *arguments: Any) -> Any:
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                config = super()._load_config(*arguments)
            if said.getvalue():  # that it found no cluster; it would use an address of its own making
                raise ConfigError(
                    f"--endpoint: found none, nor {_ENDPOINT_VARIABLE}, nor a cluster; accepted is the API server's URL"
                )
            # Requests are repeated by `RetryingClient`.
            config.retries = urllib3.Retry(total=None, connect=0, read=0, redirect=2, status=0, other=0)
            return config

        def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
            timeouts = server.timeouts
            limits = (timeouts.connect_seconds, timeouts.read_seconds)
            return self._healthz_api.healthz_service_get_healthz(_request_timeout=limits)

        def set_user_namespace(self, namespace: str) -> None:
            self._context_setting["namespace"] = namespace

    def make(**_: Any) -> Client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Client(
                host=server.url, existing_token=os.environ.get(TOKEN_VARIABLE), credentials=_projected_token()
            )

    name = f"--endpoint {server.url or '(of this cluster)'}"
    return Connection(name, server, RetryingClient(name, server.timeouts).call(make))


def list_filter(*predicates: tuple[str, str, str]) -> str:
    """Returns a filter of the list services, encoded twice: they decode it once more than other parameters.

    Args:
      *predicates: Field, operation ("EQUALS", "IS_SUBSTRING") and value of each; all must hold.
    """
    found = [{"key": key, "operation": operation, "string_value": value} for key, operation, value in predicates]
    return quote(json.dumps({"predicates": found}))


def _projected_token() -> Any:
    import kfp.client

    named = os.environ.get(kfp.client.KF_PIPELINES_SA_TOKEN_ENV)
    path = Path(named or kfp.client.KF_PIPELINES_SA_TOKEN_PATH)
    if path.is_file():
        return kfp.client.ServiceAccountTokenVolumeCredentials(str(path))
    if named:
        raise ConfigError(f"{kfp.client.KF_PIPELINES_SA_TOKEN_ENV}: found {named}, accepted is a file with a token")
    return None
