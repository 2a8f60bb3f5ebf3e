from __future__ import annotations

import pytest

from learn2compress.config import PushConfig
from learn2compress.config.licensing import is_license_expression
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    "text",
    [
        "Apache-2.0",
        "MIT OR Apache-2.0",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "(MIT OR BSD-3-Clause) AND CC-BY-4.0",
        "LicenseRef-Proprietary",
        "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
        "GPL-2.0+",
    ],
)
def test_licence_expressions(text: str) -> None:
    assert is_license_expression(text)
    assert PushConfig(license=text).license == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Apache License, Version 2.0",
        "Apache 2.0",
        "MIT or Apache-2.0",
        "MIT OR",
        "OR MIT",
        "(MIT",
        "MIT)",
        "()",
        "MIT WITH (Classpath-exception-2.0)",
        "https://example.org/licence",
        "MIT;rm",
    ],
)
def test_what_has_not_the_form_of_a_licence_expression(text: str) -> None:
    assert not is_license_expression(text)


def test_a_licence_in_prose_is_told_what_is_accepted() -> None:
    with pytest.raises(ConfigError, match=r"push\.license.*found 'Apache 2'.*SPDX.*'Apache-2.0'") as error:
        parse(PushConfig, {"license": "Apache 2"}, "push")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("contact", ["vision@example.org", "Équipe Vision <vision@example.org>", "https://example.org"])
def test_a_contact_is_a_line(contact: str) -> None:
    assert PushConfig(contact=contact).contact == contact


@pytest.mark.parametrize("contact", ["two\nlines", " ", "\N{RIGHT-TO-LEFT OVERRIDE}gro", "\N{GRINNING FACE}" * 41])
def test_what_is_no_contact(contact: str) -> None:
    with pytest.raises(ConfigError, match=r"push\.contact"):
        parse(PushConfig, {"contact": contact}, "push")
