"""Compares the branches of the repositories with the queue, and adds the pushes that nobody told us of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.changed_files import list_branches
from pipelines.git_trigger.git_program import TryAgainError
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.push_queue import PushQueue
from pipelines.git_trigger.secret_files import SecretFiles
from pipelines.git_trigger.settings import ReceiverSettings, RepositorySettings

_TELLER = "reconcile"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was found about a branch, or a repository that could not be asked.

    Attributes:
      repository: URL.
      ref: Full name of the branch; "" for the whole repository.
      text: What was found and done.
      is_failure: Whether to look again later.
    """

    repository: str
    ref: str
    text: str
    is_failure: bool = False

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.repository} {self.ref}".strip() + f": {self.text}"


def reconcile(
    settings: ReceiverSettings, queue: PushQueue, secrets: SecretFiles, *, baseline: bool = False
) -> Iterator[Finding]:
    """Looks at every branch that counts.

    A repository that the queue knows nothing of is only noted as it is: nobody wants
    everything in it run at once.

    Args:
      settings: The repositories.
      queue: Where missed pushes go.
      secrets: Tokens.
      baseline: Only note where all branches are.

    Yields:
      What is not as it was.
    """
    for repository in settings.repositories:
        try:
            token = secrets.require(repository.token) if repository.token is not None else None
            found = list_branches(repository.url, token)
        except (TryAgainError, ConfigError) as error:
            yield Finding(repository.url, "", str(error), is_failure=True)
            continue
        known = queue.branches(repository.url)
        for push in _pushes(repository, found, known):
            if baseline or not known:
                queue.add_baseline(push)
                yield Finding(push.repository, push.ref, f"noted at {push.commit[:12]}, nothing started")
            elif known.get(push.ref) == push.commit:
                if queue.retry_failed(push):
                    yield Finding(push.repository, push.ref, f"{push.commit[:12]} had failed, is tried again")
            elif queue.add(push, _TELLER, f"{push.source} {push.ref} {push.commit}", supersede=settings.supersede):
                yield Finding(push.repository, push.ref, f"{push.commit[:12]} was missed, is in the queue")


def _pushes(repository: RepositorySettings, found: dict[str, str], known: dict[str, str]) -> Iterator[Push]:
    for ref, commit in found.items():
        if repository.has_ref(ref):
            try:
                yield Push(repository.url, ref, commit, known.get(ref))
            except ConfigError:
                continue  # a name that the receiver does not accept either
