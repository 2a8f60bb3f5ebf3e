"""The name of a secret stands in a configuration, its value never."""

from __future__ import annotations

import pytest

from learn2compress.config import SecretVariableConfig
from learn2compress.config.parsing import ConfigError, parse

GOOD = {"secret": "team-mysql", "key": "password.txt", "variable": "MYSQL_PASSWORD"}


def test_names_of_kubernetes_and_of_the_environment_are_accepted() -> None:
    assert parse(SecretVariableConfig, GOOD) == SecretVariableConfig(**GOOD)


@pytest.mark.parametrize(
    ("field", "value"),
    [("secret", "Team"), ("secret", "-a"), ("key", "a/b"), ("variable", "1A"), ("variable", "A=B")],
)
def test_other_names_are_refused(field: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f'^{field}: found "{value}"'):
        parse(SecretVariableConfig, GOOD | {field: value})
