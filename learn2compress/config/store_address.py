"""Address of an ML Metadata store, as a configuration has it."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum

from learn2compress.config.credentials import credential_in, masked

_MYSQL = re.compile(
    r"mysql://(?P<user>[A-Za-z0-9._-]{1,80})@(?P<host>[A-Za-z0-9.-]{1,253})(:(?P<port>[0-9]{1,5}))?"
    r"/(?P<database>[A-Za-z0-9_-]{1,64})"
)
_GRPC = re.compile(r"grpc://(?P<host>[A-Za-z0-9.-]{1,253}):(?P<port>[0-9]{1,5})")
_MYSQL_PORT = 3306
_ACCEPTED = "mysql://USER@HOST[:PORT]/DATABASE, grpc://HOST:PORT and the path of an SQLite file"


class StoreKind(StrEnum):
    """What keeps the metadata."""

    MYSQL = "mysql"
    GRPC = "grpc"
    SQLITE = "sqlite"


@dataclasses.dataclass(frozen=True)
class StoreAddress:
    """A store's place, without the password that it may ask for.

    Attributes:
      kind: MySQL or MariaDB, a gRPC server of ML Metadata, or a file.
      host: Of a server.
      port: Of a server.
      user: Of a database.
      database: Its name.
      path: Of a file.
    """

    kind: StoreKind
    host: str = ""
    port: int = 0
    user: str = ""
    database: str = ""
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> StoreAddress:
        """Reads an address.

        Args:
          text: `mysql://USER@HOST[:PORT]/DATABASE`, `grpc://HOST:PORT` or the path of an SQLite file.

        Returns:
          The address; of MySQL with port 3306 unless another is named.

        Raises:
          ValueError: it is none of these, or has a password in it; the message does not repeat the password.
        """
        if found := _MYSQL.fullmatch(text):
            port = int(found["port"] or _MYSQL_PORT)
            return cls(StoreKind.MYSQL, found["host"], port, found["user"], found["database"])
        if found := _GRPC.fullmatch(text):
            return cls(StoreKind.GRPC, found["host"], int(found["port"]))
        found_credential = credential_in(text)
        if text and "://" not in text and text.isprintable() and found_credential is None:
            return cls(StoreKind.SQLITE, path=text)
        if ":" in text.partition("://")[2].rpartition("@")[0]:
            raise ValueError(f"found a password in it, accepted are {_ACCEPTED}; the password goes into a variable")
        if found_credential is not None:
            raise ValueError(f"found {found_credential} in it, accepted are {_ACCEPTED}, without")
        raise ValueError(f"found {masked(text)!r}, accepted are {_ACCEPTED}")
