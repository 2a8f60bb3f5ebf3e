"""Opens an ML Metadata store wherever it is: a file, MySQL or MariaDB, or a server of ML Metadata."""

from __future__ import annotations

import time

import absl.logging
from ml_metadata import MetadataStore
from ml_metadata.errors import StatusError
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress, StoreKind

# The variable from which commands take the password of a database.
PASSWORD_VARIABLE = "L2C_METADATA_PASSWORD"  # noqa: S105 - a name

_PAUSE_SECONDS = 0.2
_LONGEST_CALL_SECONDS = 60.0


class StoreUnreachableError(ConfigError):
    """A store can't be opened, now at least."""


def open_address(
    address: StoreAddress, *, password: str = "", timeout_seconds: float = 3.0, create: bool = False
) -> MetadataStore:
    """Opens a store.

    Connections that find an empty database make its tables, and disturb each
    other when they do so at the same time: opening is tried again until the time is over.

    Args:
      address: Where it is.
      password: Of the database's user.
      timeout_seconds: How long to try.
      create: Make a file that is not there.

    Returns:
      The open store.

    Raises:
      StoreUnreachableError: it did not open in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return _open(address, password, create)
        except (RuntimeError, StatusError) as error:
            if time.monotonic() + _PAUSE_SECONDS > deadline:
                raise StoreUnreachableError(_explain(address, error)) from None
            time.sleep(_PAUSE_SECONDS)


def _open(address: StoreAddress, password: str, create: bool) -> MetadataStore:
    if address.kind is StoreKind.GRPC:
        client = mlmd.MetadataStoreClientConfig(
            host=address.host, port=address.port, client_timeout_sec=_LONGEST_CALL_SECONDS
        )
        store = MetadataStore(client)
        store.get_context_types()  # opening sends nothing: a server that is not there is noticed here
        return store
    config = mlmd.ConnectionConfig()
    if address.kind is StoreKind.SQLITE:
        modes = mlmd.SqliteMetadataSourceConfig
        config.sqlite.filename_uri = address.path
        config.sqlite.connection_mode = modes.READWRITE_OPENCREATE if create else modes.READWRITE
    else:
        config.mysql.host, config.mysql.port = address.host, address.port
        config.mysql.user, config.mysql.password = address.user, password
        config.mysql.database, config.mysql.skip_db_creation = address.database, True
    return _without_debug_messages(config)


def _without_debug_messages(config: mlmd.ConnectionConfig) -> MetadataStore:
    # ML Metadata logs its connection, password included, at that level.
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(min(verbosity, absl.logging.INFO))
    try:
        return MetadataStore(config)
    finally:
        absl.logging.set_verbosity(verbosity)


def _explain(address: StoreAddress, error: Exception) -> str:
    reason = " ".join(str(error).partition(" query")[0].split())
    if address.kind is StoreKind.SQLITE:
        return f"{address.path} can't be opened as a store of ML Metadata: {reason}"
    where = f"{address.kind.value}://{address.host}:{address.port}"
    if address.kind is StoreKind.GRPC:
        return f"{where} can't be reached: {reason}; see that a server of ML Metadata runs there"
    # The client library leaves out why a connection was refused.
    return (
        f"{where}/{address.database} can't be opened: {reason}; see that the server runs, that the database is there, "
        "and that the user may change it and logs in by mysql_native_password"
    )
