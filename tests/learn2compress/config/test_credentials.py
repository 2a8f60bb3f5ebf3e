"""What in an address lets anyone in: found wherever it stands, and never repeated."""

from __future__ import annotations

import pytest

from learn2compress.config.credentials import credential_in, masked

SECRET = "hunter2"


@pytest.mark.parametrize(
    "uri",
    [
        "https://h/t.keras?sig=hunter2", "https://h/t.keras#sig=hunter2", "https://h/t.keras;sig=hunter2",
        "https://h/t?download=1&hmac=hunter2", "https://h/t?code=hunter2", "https://h/t?hunter2", "https://h/hunter?a",
        "https://h/t?download=https%3A%2F%2Fk%3Fsig%3Dhunter2", "https://h/t?download=1%26sig=hunter2",
        "https://h/t?%73ig=hunter2", "https://h/t?%2573ig=hunter2", "https://h/t?q[sig]=hunter2",
        "HTTPS://h/t?hdnts=hunter2", "https://u%3Ahunter2%40h/t", "https:/u:hunter2@h/t", "//u:hunter2@h/t",
        "simplecache::https://h/t?sig=hunter2", "zip://a.keras::https://h/t.zip?X-Amz-Signature=hunter2",
        "zip://a.keras::https://h/t.zip?other=hunter2", "zip://a.keras::s3://k:hunter2@b/t",
        "simplecache::s3://b/t?aws_secret_access_key=hunter2", "s3://b/t#X-Amz-Signature=hunter2",
        "az://c/t?sv=2022-11-02&sig=hunter2", "teacher.keras?sig=hunter2",
    ],
)  # fmt: skip
def test_a_credential_is_found_wherever_it_stands(uri: str) -> None:
    found = credential_in(uri)
    assert found is not None
    assert SECRET not in found


@pytest.mark.parametrize(
    "uri",
    [
        "teacher.keras", "data/what?/keys=3.png", "/data/#1/a;b.png", "s3://bucket/a@b", "https://h/a@b?download=1",
        "https://h/t.keras?versionId=3.L4kqtJ_x&alt=media", "s3://bucket/img?.png", "zip://a.keras::s3://bucket/t.zip",
        "https://h/t.keras?",
    ],
)  # fmt: skip
def test_other_addresses_are_left_alone(uri: str) -> None:
    assert credential_in(uri) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('["https://h/t?sig=hunter2", 3]', '["https://h/t?...", 3]'),
        ('"s3://k:hunter2@b/t"', '"s3://...@b/t"'),
        ('"a.zip::https://h/t#hunter2"', '"a.zip::https://h/t#..."'),
        ('"what? = 3"', '"what? = 3"'),
    ],
)
def test_what_is_shown_of_an_address_has_none(text: str, shown: str) -> None:
    assert masked(text) == shown
