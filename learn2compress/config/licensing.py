"""The form of what people are told about a file's licence, and whom to ask."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

# Both are in every file, and a student's budget leaves room for them.
MAX_LICENSE_BYTES = 80
MAX_CONTACT_BYTES = 160

# Of a licence or an exception, and of a licence that SPDX does not list.
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\+?")
_REFERENCE = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_WORD = re.compile(r"\s*([()]|[^\s()]+)")
_OPERATORS = ("AND", "OR", "WITH")


def _check_license(text: str) -> str:
    if not is_license_expression(text):
        raise ValueError(
            f"found {text!r}, accepted is an SPDX licence identifier or expression such as 'Apache-2.0', "
            "'MIT OR Apache-2.0' or 'LicenseRef-Proprietary' (https://spdx.org/licenses)"
        )
    return text


def is_license_expression(text: str) -> bool:
    """Returns whether a text has the form of an SPDX licence expression.

    The form alone is checked, not whether SPDX lists the identifier: its list grows.
    Grammar: Annex B of the SPDX specification 3.0, with the operators AND, OR and WITH in upper case.

    Args:
      text: Such as "Apache-2.0" or "(MIT OR Apache-2.0) AND CC-BY-4.0".

    Returns:
      Whether identifiers and operators take turns, and parentheses match.
    """
    depth, expects_license, after_with = 0, True, False
    for word in _WORD.findall(text):
        if word == "(" and expects_license and not after_with:
            depth += 1
        elif word == ")" and not expects_license and depth:
            depth -= 1
        elif word in _OPERATORS and not expects_license:
            expects_license, after_with = True, word == "WITH"
        elif word.upper() not in _OPERATORS and expects_license and _is_identifier(word):
            expects_license, after_with = False, False
        else:
            return False
    return not expects_license and depth == 0


def _is_identifier(word: str) -> bool:
    return bool(_REFERENCE.fullmatch(word) or _IDENTIFIER.fullmatch(word))


def _check_contact(text: str) -> str:
    if len(text.encode()) > MAX_CONTACT_BYTES:
        raise ValueError(f"found {len(text.encode())} bytes of UTF-8, accepted are {MAX_CONTACT_BYTES} at most")
    if not text.strip() or not text.isprintable():
        raise ValueError(f"found {text!r}, accepted is one line of text, such as 'vision@example.org'")
    return text


License = Annotated[str, Field(min_length=1, max_length=MAX_LICENSE_BYTES), AfterValidator(_check_license)]
Contact = Annotated[str, Field(min_length=1, max_length=MAX_CONTACT_BYTES), AfterValidator(_check_contact)]
