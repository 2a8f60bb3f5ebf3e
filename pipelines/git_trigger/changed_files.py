"""Fetches the commit of a push, and finds the compression files that the push changed."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from learn2compress.config.file import MAX_FILE_BYTES
from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.git_program import GitLimits, GitProgram, TryAgainError
from pipelines.git_trigger.push import Push, check_commit, check_path

DEFAULT_FILES = ("**/l2c.yaml", "**/*.l2c.yaml")

_MAX_CHANGED = 50
_PATTERN = re.compile(r"[A-Za-z0-9._*?\[][A-Za-z0-9._/*?+@\[\]!-]{0,255}")
_REGULAR_FILE = ("100644", "100755")
_WHAT_MODES_ARE = {"120000": "a symbolic link", "160000": "a submodule"}
# What a push leads away from may be gone, after a force push.
_GONE = ("not our ref", "no such remote ref", "couldn't find remote ref")
_EMPTY_TREES = {40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
_EMPTY_TREES[64] = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"


@dataclasses.dataclass(frozen=True)
class ChangedFile:
    """A compression file that is new or different.

    Attributes:
      path: In the repository, as Git has it; not checked yet.
      mode: Git's, in octal digits.
      blob: Name of its content.
    """

    path: str
    mode: str
    blob: str


@dataclasses.dataclass(frozen=True)
class FetchedPush:
    """What a push consists of, as far as we look at it.

    Attributes:
      author_time: Of its commit, UTC, ISO 8601.
      changed: Its compression files, by path.
    """

    author_time: str
    changed: tuple[ChangedFile, ...]
    _git: GitProgram

    def read(self, file: ChangedFile) -> bytes:
        """Returns the content of a changed file.

        Raises:
          ConfigError: it is no regular file, is too large, or its path is not accepted.
        """
        check_path(file.path)
        if file.mode not in _REGULAR_FILE:
            what = _WHAT_MODES_ARE.get(file.mode, f"an entry of mode {file.mode}")
            raise ConfigError(f"found {what}, accepted is a regular file")
        num_bytes = int(self._git.run_local("cat-file", "-s", file.blob))
        if num_bytes > MAX_FILE_BYTES:
            raise ConfigError(f"found {num_bytes} bytes, accepted are {MAX_FILE_BYTES} at most")
        return self._git.run_local("cat-file", "blob", file.blob, max_bytes=MAX_FILE_BYTES)


@contextlib.contextmanager
def fetch_push(
    push: Push, patterns: Sequence[str], token: str | None = None, limits: GitLimits | None = None
) -> Iterator[FetchedPush]:
    """Fetches a push into a temporary repository, which is gone after the block.

    Args:
      push: What to fetch.
      patterns: Which files are compression files: globs of paths, `**` for any folders.
      token: For the server.
      limits: Bounds of what is fetched.

    Raises:
      TryAgainError: the server did not give it.
      ConfigError: what it gave is not accepted.
    """
    check_patterns(patterns)
    with tempfile.TemporaryDirectory(prefix="l2c-push-") as folder:
        git = GitProgram(Path(folder), token, limits)
        git.make_repository("sha1" if len(push.commit) == 40 else "sha256")
        _fetch(git, push.repository, push.commit)
        before = _EMPTY_TREES[len(push.commit)]
        if push.since is not None and _fetch_if_there(git, push.repository, push.since):
            before = push.since
        yield FetchedPush(_author_time(git, push.commit), _changed(git, before, push.commit, patterns), git)


def list_branches(repository: str, token: str | None = None, limits: GitLimits | None = None) -> dict[str, str]:
    """Returns the branches of a repository, refs of names that we don't accept among them.

    Args:
      repository: URL to ask.
      token: For the server.
      limits: Bounds of the git process.

    Returns:
      Commit by full name of the ref.

    Raises:
      TryAgainError: the server does not say.
      ConfigError: it says something else.
    """
    with tempfile.TemporaryDirectory(prefix="l2c-heads-") as folder:
        said = GitProgram(Path(folder), token, limits).run_remote("ls-remote", "--heads", "--", repository)
    found = {}
    for line in said.decode("utf-8", "replace").splitlines():
        commit, _, ref = line.partition("\t")
        check_commit(commit, "ls-remote")
        found[ref] = commit
    return found


def check_patterns(patterns: Sequence[str]) -> None:
    """Checks globs of paths.

    Raises:
      ConfigError: one is empty, absolute or has characters of another meaning.
    """
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ConfigError(f"files: found {pattern[:100]!r}, accepted are globs such as compression/**/*.yaml")


def _fetch(git: GitProgram, repository: str, commit: str) -> None:
    git.run_remote("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--", repository, commit)
    git.run_local("cat-file", "-e", f"{commit}^{{commit}}")


def _fetch_if_there(git: GitProgram, repository: str, commit: str) -> bool:
    try:
        _fetch(git, repository, commit)
    except TryAgainError as error:
        if any(gone in str(error) for gone in _GONE):
            return False
        raise
    return True


def _author_time(git: GitProgram, commit: str) -> str:
    # A commit may claim a time that no calendar has.
    text = git.run_local("show", "--no-patch", "--no-show-signature", "--format=%at", commit, "--").decode().strip()
    try:
        return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise ConfigError(f"commit {commit[:12]}: its author time {text[:40]!r} is in no calendar; amend it") from None


def _changed(git: GitProgram, before: str, commit: str, patterns: Sequence[str]) -> tuple[ChangedFile, ...]:
    said = git.run_local(
        "diff-tree", "-r", "-z", "--no-renames", "--diff-filter=AMT", before, f"{commit}^{{tree}}", "--",
        *(f":(top,glob){pattern}" for pattern in patterns),
    )  # fmt: skip
    fields = said.decode("utf-8", "replace").split("\0")
    if len(fields) // 2 > _MAX_CHANGED:
        raise ConfigError(
            f"found {len(fields) // 2} changed compression files, accepted are {_MAX_CHANGED} in one push at most"
        )
    found = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = meta.lstrip(":").split(" ")
        found.append(ChangedFile(path, mode, blob))
    return tuple(found)
