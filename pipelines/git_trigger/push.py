"""A push to a branch, its parts checked: names from outside go no further unless every character is harmless.

Branches and paths are narrower here than Git's own rules: letters, digits and a
few marks that no shell, URL or file system gives a meaning to.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import urlsplit

from learn2compress.config.parsing import ConfigError

BRANCH_PREFIX = "refs/heads/"

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATH = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+@-]*(/[A-Za-z0-9._][A-Za-z0-9._+@-]*)*")
_MAX_PATH_LETTERS = 512
_REMOTE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~+-]+)+/?")


@dataclasses.dataclass(frozen=True)
class Push:
    """What somebody pushed.

    Attributes:
      repository: URL to fetch from, without credentials, or a local path.
      ref: Full name of the branch.
      commit: What the branch points to now.
      since: What it pointed to before; `None` if there was no such branch.

    Raises:
      ConfigError: a part is not accepted.
    """

    repository: str
    ref: str
    commit: str
    since: str | None

    def __post_init__(self) -> None:
        check_ref(self.ref)
        check_commit(self.commit, "sha")
        if self.since is not None:
            check_commit(self.since, "changed-since")

    @property
    def branch(self) -> str:
        """The branch as people call it."""
        return self.ref.removeprefix(BRANCH_PREFIX)

    @property
    def source(self) -> str:
        """The repository's one name, whichever way its URL is written."""
        return self.repository.rstrip("/").removesuffix(".git")

    def run_key(self, path: str) -> str:
        """Returns what identifies the run of one file of this push: the same push again is the same run."""
        return "\n".join(("git-push", self.source, self.ref, self.commit, path))


def check_ref(ref: str) -> None:
    """Checks the full name of a branch.

    Raises:
      ConfigError: it is another ref, or has other characters.
    """
    branch = ref.removeprefix(BRANCH_PREFIX)
    parts = branch.split("/")
    if (
        not ref.startswith(BRANCH_PREFIX)
        or not _BRANCH.fullmatch(branch)
        or ".." in branch
        or any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
    ):
        raise ConfigError(
            f"ref: found {ref[:300]!r}, accepted is refs/heads/ and a branch of letters, digits and . _ / + @ -"
        )


def check_commit(commit: str, field: str) -> None:
    """Checks the full name of a commit.

    Args:
      commit: What somebody wrote.
      field: Where, for the error.

    Raises:
      ConfigError: it is anything else, such as a branch or a short name.
    """
    if not _COMMIT.fullmatch(commit):
        raise ConfigError(f"{field}: found {commit[:100]!r}, accepted is a commit of 40 or 64 hexadecimal digits")


def check_path(path: str) -> None:
    """Checks the path of a file inside a repository.

    Raises:
      ConfigError: it climbs out, hides a folder of Git's, or has other characters.
    """
    if (
        not _PATH.fullmatch(path)
        or len(path) > _MAX_PATH_LETTERS
        or any(part in (".", "..") or part.lower() == ".git" for part in path.split("/"))
    ):
        raise ConfigError(
            f"found path {path[:300]!r}, accepted is one inside the repository of letters, digits and . _ / + @ -, "
            f"up to {_MAX_PATH_LETTERS}"
        )


def check_remote(url: str, field: str) -> None:
    """Checks the URL of a repository on a server.

    Args:
      url: What somebody wrote.
      field: Where, for the error.

    Raises:
      ConfigError: it is no http(s) URL, or has credentials, a query or odd characters in it.
    """
    if not _REMOTE.fullmatch(url) or any(part in (".", "..") for part in urlsplit(url).path.split("/")):
        # Not shown: there may be a password in it.
        raise ConfigError(f"{field}: found something else, accepted is https://HOST/PATH without credentials")
