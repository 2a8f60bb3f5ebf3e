"""Runs the git program on a bare repository of our own, so that nothing of a pushed repository is ever executed.

There is no work tree, so there are no attributes, filters (LFS) or submodules to act
on; no configuration but ours is read; hooks, helpers, prompts and redirects are off;
objects are checked as they arrive; size, memory and time are bounded.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import on_one_line

_MIB = 1024**2

# What reaches git of our own environment: how to get to a server, and nothing else.
_KEPT = ("PATH", "https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.version": "2",
}
# Objects that git checks and refuses, told apart from a network that fails.
_REFUSALS = (
    "fsck error",
    "file too large",
    "File too large",
    f"died of signal {int(signal.SIGXFSZ)}",
    "write error",
    "out of memory",
    "invalid index-pack",
)


class TryAgainError(Exception):
    """Something failed that may work later; the message is one line."""


@dataclasses.dataclass(frozen=True)
class GitLimits:
    """Bounds of one git process.

    Attributes:
      fetch_seconds: For a request to the server.
      local_seconds: For looking at what was fetched.
      file_bytes: Of any file that it writes, the objects of a fetch among them.
      memory_bytes: Of its address space.
    """

    fetch_seconds: float = 120.0
    local_seconds: float = 30.0
    file_bytes: int = 512 * _MIB
    memory_bytes: int = 2048 * _MIB


class GitProgram:
    """The git program in one bare repository.

    Args:
      folder: An empty folder to make the repository in.
      token: For the server: a token, or "user:token". It is passed on by environment, never by argument.
      limits: Bounds of each process.
    """

    def __init__(self, folder: Path, token: str | None = None, limits: GitLimits | None = None):
        self._folder = folder
        self._limits = limits or GitLimits()
        self._environment = _environment(folder, token)

    def make_repository(self, object_format: str) -> None:
        """Makes the empty repository, whose objects are named by "sha1" or "sha256"."""
        self.run_local("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", ".")

    def run_remote(self, *arguments: str) -> bytes:
        """Runs a command that talks to the server.

        Raises:
          TryAgainError: it failed or took too long.
          ConfigError: what came is refused.
        """
        try:
            return self._run(arguments, self._limits.fetch_seconds)
        except subprocess.TimeoutExpired:
            raise TryAgainError(f"git: it did not end in {self._limits.fetch_seconds:g} s") from None
        except _FailedError as error:
            if any(refusal in str(error) for refusal in _REFUSALS):
                raise ConfigError(f"repository: git refused what it was sent: {error}") from None
            raise TryAgainError(f"git: {error}") from None

    def run_local(self, *arguments: str, max_bytes: int = 4 * _MIB) -> bytes:
        """Runs a command on what is here.

        Raises:
          ConfigError: it failed, took too long or said more than `max_bytes`.
        """
        try:
            found = self._run(arguments, self._limits.local_seconds, max_bytes)
        except subprocess.TimeoutExpired:
            raise ConfigError(
                f"repository: git {arguments[0]} did not end in {self._limits.local_seconds:g} s; its tree is too large"
            ) from None
        except _FailedError as error:
            raise ConfigError(f"repository: git {arguments[0]}: {error}") from None
        if len(found) > max_bytes:
            raise ConfigError(
                f"repository: the answer of git {arguments[0]} is over {max_bytes} bytes; it is too large"
            )
        return found

    def _run(self, arguments: Sequence[str], seconds: float, max_bytes: int = 4 * _MIB) -> bytes:
        with tempfile.TemporaryFile(dir=self._folder) as output, tempfile.TemporaryFile(dir=self._folder) as errors:
            code = subprocess.run(
                ["git", *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=seconds,
                check=False,
                # The children that git starts are bounded with it.
                preexec_fn=self._bound,
            ).returncode
            if code:
                errors.seek(0)
                raise _FailedError(_last_line(errors.read(64 * 1024)) or f"exit code {code}")
            output.seek(0)
            return output.read(max_bytes + 1)

    def _bound(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limits.file_bytes, self._limits.file_bytes))
        resource.setrlimit(resource.RLIMIT_AS, (self._limits.memory_bytes, self._limits.memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _FailedError(Exception):
    """What git said last."""


def _environment(folder: Path, token: str | None) -> dict[str, str]:
    settings = dict(_SETTINGS)
    if token:
        # Servers that know people by their token take any user's name with it.
        pair = token if ":" in token else f"x-access-token:{token}"
        settings["http.extraHeader"] = f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": "https:http:file",
        **_as_variables(settings),
    }


def _as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (name, value) in enumerate(settings.items()):
        variables[f"GIT_CONFIG_KEY_{index}"], variables[f"GIT_CONFIG_VALUE_{index}"] = name, value
    return variables


def _last_line(said: bytes) -> str:
    lines = [line for line in said.decode("ascii", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return on_one_line("; ".join(fatal))[:500]
