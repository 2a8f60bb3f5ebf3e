"""Addresses of ML Metadata stores."""

from __future__ import annotations

import pytest

from learn2compress.config.store_address import StoreAddress, StoreKind


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mysql://me@db.team/lineage", StoreAddress(StoreKind.MYSQL, "db.team", 3306, "me", "lineage")),
        ("mysql://me@db:3307/lineage", StoreAddress(StoreKind.MYSQL, "db", 3307, "me", "lineage")),
        ("grpc://metadata:8080", StoreAddress(StoreKind.GRPC, "metadata", 8080)),
        ("runs/metadata.sqlite", StoreAddress(StoreKind.SQLITE, path="runs/metadata.sqlite")),
        ("/with a blank.db", StoreAddress(StoreKind.SQLITE, path="/with a blank.db")),
    ],
)
def test_each_kind_of_address_is_read(text: str, address: StoreAddress) -> None:
    assert StoreAddress.parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "grpc://metadata", "mysql://db/lineage", "mysql://me@db", "http://host:1", "mysql://me@db/a?ssl=0", "a\nb"],
)
def test_anything_else_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"accepted are mysql://USER@HOST\[:PORT\]/DATABASE, grpc://HOST:PORT"):
        StoreAddress.parse(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    for text in ("mysql://me:hunter2@db/lineage", "mysql://me:hunter2@db", "grpc://me:hunter2@host:1"):
        with pytest.raises(ValueError, match="found a password in it") as caught:
            StoreAddress.parse(text)
        assert "hunter2" not in str(caught.value)
