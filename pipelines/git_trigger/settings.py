"""What the webhook receiver is told: which repositories and branches, and where their runs go. No secrets."""

from __future__ import annotations

import dataclasses
import fnmatch
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT
from learn2compress.config.kubernetes import Image
from learn2compress.config.parsing import ConfigError, about, parse
from learn2compress.config.strict_yaml import read_yaml
from pipelines.git_trigger.changed_files import DEFAULT_FILES, check_patterns
from pipelines.git_trigger.policy import Prefix, PushPolicy
from pipelines.git_trigger.push import BRANCH_PREFIX, Push, check_remote
from pipelines.git_trigger.submitter import SubmissionTarget

Line = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f]+$")]


class Provider(StrEnum):
    """Who tells of pushes."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


@dataclass(frozen=True, config=STRICT)
class RepositorySettings:
    """A repository whose pushes are worked; of others, every delivery is ignored."""

    provider: Provider
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", max_length=256)]
    """As the provider says it in a delivery: OWNER/NAME."""
    url: str
    """Where it is fetched from; the URLs in a delivery are never used."""
    refs: Annotated[tuple[Line, ...], Field(min_length=1)] = ("main",)
    """Branches, or globs of them; `*` is any letters, slashes among them."""
    files: Annotated[tuple[Line, ...], Field(min_length=1)] = DEFAULT_FILES
    """Globs of the compression files; `**` is any folders."""
    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    """Name of the secret file with the token to fetch with; none for a public repository."""

    @model_validator(mode="after")
    def _check(self) -> RepositorySettings:
        check_remote(self.url, "url")
        check_patterns(self.files)
        return self

    def has_ref(self, ref: str) -> bool:
        """Returns whether pushes to a branch are worked."""
        branch = ref.removeprefix(BRANCH_PREFIX)
        return ref.startswith(BRANCH_PREFIX) and any(fnmatch.fnmatchcase(branch, pattern) for pattern in self.refs)


@dataclass(frozen=True, config=STRICT)
class RetrySettings:
    """When a push whose runs could not be started is worked again: the pauses double."""

    first_seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = 5.0
    longest_seconds: Annotated[float, Field(gt=0.0, le=86400.0)] = 300.0
    attempts: Annotated[int, Field(ge=1, le=10000)] = 100
    """Then it counts as failed, until the next push to the branch or reconcile."""

    def pause_seconds(self, attempts: int) -> float:
        """Returns how long to wait after so many tries, 1 or more."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, 40))


@dataclass(frozen=True, config=STRICT)
class LimitSettings:
    """Bounds of what is accepted, and of what one push may use."""

    body_bytes: Annotated[int, Field(ge=1024, le=26_214_400)] = 2_097_152
    body_seconds: Annotated[float, Field(gt=0.0, le=60.0)] = 5.0
    """For a delivery to arrive in."""
    in_flight: Annotated[int, Field(ge=1, le=1000)] = 32
    """Deliveries that are read and stored at the same time: it bounds the memory, with `body_bytes`, and their wait."""
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Deliveries with a good signature."""
    burst: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Of these, at once."""
    work_seconds: Annotated[float, Field(gt=0.0, le=86400.0)] = 900.0
    """For fetching, compiling and submitting one push."""
    work_memory_gib: Annotated[float, Field(gt=0.0, le=1024.0)] = 4.0
    """For the same."""


@dataclass(frozen=True, config=STRICT)
class ReceiverSettings:
    """All of it."""

    repositories: Annotated[tuple[RepositorySettings, ...], Field(min_length=1)]
    endpoint: Line | None = None
    """URL of the API server of Kubeflow Pipelines; left out, the SDK's own conventions find it."""
    namespace: Line | None = None
    """Of the runs, in a multi-user Kubeflow."""
    experiment: Line | None = None
    """Of the runs; left out, it is called as the configuration."""
    image: Image | None = None
    """Of the steps, best with its digest; left out, that of the configuration."""
    service_account: Line | None = None
    """Of the runs' pods; left out, the cluster's default."""
    supersede: bool = False
    """A newer push to a branch stands for older ones that wait, and ends the unfinished run of the same file."""
    api_seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = 60.0
    """How long to wait for the API server before the push is put off."""
    allowed_uris: tuple[Prefix, ...] = ()
    """What URIs in pushed configurations must begin with, beside those of the policy."""
    policy: PushPolicy = dataclasses.field(default_factory=PushPolicy)
    """What pushed configurations may name; `--policy` says it in a file of its own."""
    retry: RetrySettings = dataclasses.field(default_factory=RetrySettings)
    limits: LimitSettings = dataclasses.field(default_factory=LimitSettings)

    @model_validator(mode="after")
    def _check(self) -> ReceiverSettings:
        names = [f"{entry.provider}: {entry.name.lower()}" for entry in self.repositories]
        for what, found in (("name", names), ("url", [entry.url for entry in self.repositories])):
            if len(set(found)) != len(found):
                raise ValueError(f"repositories: accepts each {what} once, found {', '.join(found)}")
        return self

    @property
    def target(self) -> SubmissionTarget:
        """Where runs start."""
        return SubmissionTarget(
            endpoint=self.endpoint,
            namespace=self.namespace,
            experiment=self.experiment or "",
            image=self.image,
            service_account=self.service_account or "",
            supersede=self.supersede,
            api_seconds=self.api_seconds,
        )

    @property
    def push_policy(self) -> PushPolicy:
        """What pushed configurations may name, with the allowed URIs."""
        return dataclasses.replace(self.policy, uris=(*self.policy.uris, *self.allowed_uris))

    def repository(self, provider: Provider, name: str) -> RepositorySettings | None:
        """Returns the settings of a repository, or `None` for one that does not count.

        Args:
          provider: Who tells of it.
          name: As a delivery has it; providers take no notice of its case.
        """
        return next(
            (one for one in self.repositories if one.provider is provider and one.name.lower() == name.lower()), None
        )

    def repository_of(self, push: Push) -> RepositorySettings | None:
        """Returns the settings of a queued push's repository; `None` if it was taken off the list."""
        return next((one for one in self.repositories if one.url == push.repository), None)


def load_settings(path: Path) -> ReceiverSettings:
    """Reads the receiver's settings.

    Raises:
      ConfigError: in one line, what is not accepted.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: {reason}; accepted is a readable YAML file") from None
    with about(str(path)):
        return parse(ReceiverSettings, read_yaml(text))
