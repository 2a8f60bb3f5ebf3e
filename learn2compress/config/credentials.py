"""Finds what lets anyone in who reads an address: lineage, reports, logs and packages show addresses to many.

Signed addresses of S3, of Google's and of Azure's stores are known by the names of their parameters. Other servers call
them as they like, so an `http` or `https` address has only parameters that are known to hold none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

# They are compared in small letters and digits alone: `api-key`, `api_key` and `apiKey` are one.
_CREDENTIAL = re.compile(
    r"x(amz|goog).*|aws.*|googleaccessid|keypairid|policy|sig|sv|sas|signature|sharedaccesssignature"
    r"|(access|api|auth|id|private|refresh|sas|session)?token|(access|api|auth|private|secret|secretaccess)?key"
    r"|auth|authorization|bearer|jwt|credentials?|pass|passwd|password|pwd|pw|(client)?secret|hmac|session"
)
_HARMLESS = ("alt", "dl", "download", "format", "generation", "raw", "ref", "rev", "revision", "version", "versionid")
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9._-]{0,128}")
_USER = re.compile(r":[^/@]+@")
_MOST_DECODED = 3
_LONGEST_NAME = 60


def credential_in(uri: str) -> str | None:
    """Returns what in a URI is or may be a credential, in words that do not repeat it; `None` for nothing.

    Example:
      >>> from learn2compress.config.credentials import credential_in
      >>> credential_in("https://host/teacher.keras?download=1&sig=abc")
      "the credential 'sig'"
      >>> credential_in("s3://bucket/teacher.keras")

    Args:
      uri: A path, an fsspec URL, or several that are chained by `::`.
    """
    for text in (uri, _decoded(uri)):
        if any("@" in part.partition("/")[0] for part in text.split("://")[1:]) or _USER.search(text):
            return "credentials"
    for part in uri.split("::"):
        # fsspec gives options of one part to another, and servers are asked for what a browser would keep.
        is_strict = re.match(r"\s*(https?|ftp)://", part, re.IGNORECASE) is not None
        for name, value, is_named in _parameters(part):
            if _CREDENTIAL.fullmatch("".join(letter for letter in name.lower() if letter.isalnum())):
                return f"the credential {name[:_LONGEST_NAME]!r}"
            if is_strict and not (name.lower() in _HARMLESS and _HARMLESS_VALUE.fullmatch(value)):
                which = f"the parameter {name[:_LONGEST_NAME]!r}" if is_named else "a parameter"
                return f"{which}, which may be a credential (others than {', '.join(_HARMLESS)} may),"
    return None


def masked(text: str) -> str:
    """Returns text with the parts of addresses in it left out that may be credentials.

    Args:
      text: Any, such as a value that is not accepted.
    """
    if ":/" not in text:
        return text
    without_users = re.sub(r":/+[^/@\s\"']*@", "://...@", text)
    return re.sub(r"(?<=[?#;])[^\s\"']+", "...", without_users)


def _decoded(text: str) -> str:
    for _ in range(_MOST_DECODED):
        text = unquote(text)
    return text


def _parameters(part: str) -> Iterator[tuple[str, str, bool]]:
    """Yields name, value and whether there is a name, of what stands behind the path of an address."""
    marks = r"[?#;]" if "://" in part else r"[?]"
    behind = re.split(marks, part, maxsplit=1)[1:]
    for parameter in re.split(r"[#;?&]", behind[0]) if behind else ():
        if parameter:
            name, equals, value = _decoded(parameter).partition("=")
            yield name, value, bool(equals)
