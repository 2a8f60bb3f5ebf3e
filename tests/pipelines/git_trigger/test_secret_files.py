"""Secrets are files that may change at any time."""

from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.secret_files import SecretFiles


def test_secrets_are_read_when_they_are_needed(secrets_folder: Path) -> None:
    secrets = SecretFiles(secrets_folder)
    assert secrets.of_webhook("github") == ("a secret of the webhook",)
    (secrets_folder / "webhook-github-previous").write_text("older")
    assert secrets.of_webhook("github") == ("a secret of the webhook", "older")
    (secrets_folder / "webhook-github").write_text("\n")  # an empty secret would let everybody in
    assert secrets.of_webhook("github") == ("older",)
    with pytest.raises(ValueError, match="secret name"):
        secrets.get("../x")
    with pytest.raises(ConfigError, match="there is no secret 'git-token'"):
        secrets.require("git-token")


def test_without_secrets_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("L2C_SECRETS", raising=False)
    with pytest.raises(ConfigError, match=r"^L2C_SECRETS: found nothing"):
        SecretFiles()
