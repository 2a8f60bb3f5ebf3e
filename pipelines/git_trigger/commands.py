"""The verbs of the Git trigger: `l2c trigger`, `l2c serve-webhook`, `l2c reconcile`."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from learn2compress.command_line.streams import quiet_libraries
from learn2compress.config.parsing import ConfigError, parse, to_dict
from pipelines.command_options import (
    DEFAULT_RETRY_SECONDS,
    EndpointOption,
    NamespaceOption,
    RetrySecondsOption,
)

TOKEN_VARIABLE = "L2C_GIT_TOKEN"  # noqa: S105 - the name of the variable

_GROUP = "Git push"
_AGAIN = 1
_REFUSED = 2

SettingsArgument = Annotated[Path, typer.Argument(help="The receiver's settings (YAML).", show_default=False)]
QueueOption = Annotated[Path, typer.Option("--queue", help="The queue, a SQLite file on a local volume.")]
DEFAULT_QUEUE = Path("queue.sqlite")
# Typer knows no `X | None`.
OptionalText = Optional[str]  # noqa: UP045
PolicyOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--policy",
        envvar="L2C_POLICY",
        help="What pushed files may name (YAML): URIs, images, secrets, volumes, ... [default: nothing]",
        show_default=False,
    ),
]


def trigger(
    repo: Annotated[str, typer.Option("--repo", help="URL of the repository, without credentials; or a local path.")],
    ref: Annotated[str, typer.Option("--ref", help="Full name of the branch: refs/heads/...")],
    sha: Annotated[str, typer.Option("--sha", help="The commit that was pushed.")],
    changed_since: Annotated[
        OptionalText,
        typer.Option(
            "--changed-since",
            help="The commit before the push; without it, or all zeros, every compression file counts.",
            show_default=False,
        ),
    ] = None,
    files: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--files",
            metavar="GLOB",
            help="Of compression files; again for more. [default: **/l2c.yaml, **/*.l2c.yaml]",
        ),
    ] = None,
    allow_uri: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--allow-uri",
            metavar="PREFIX",
            help="What URIs in the files must begin with, beside those of the policy; again for more.",
        ),
    ] = None,
    policy: PolicyOption = None,
    endpoint: EndpointOption = None,
    namespace: NamespaceOption = None,
    experiment: Annotated[str, typer.Option("--experiment", help="Of the runs. [default: as the pipeline]")] = "",
    service_account: Annotated[str, typer.Option("--service-account", help="Of the runs' pods.")] = "",
    image: Annotated[OptionalText, typer.Option("--image", help="Of the steps, best with its digest.")] = None,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End the unfinished run of the same file and branch.")
    ] = False,
    retry_seconds: RetrySecondsOption = DEFAULT_RETRY_SECONDS,
    check: Annotated[bool, typer.Option("--check", help="Only say what would run.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="With --check: print a comment.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a run of each compression file that a push changed.

    The same push again is the same run.

    L2C_GIT_TOKEN is the token to fetch with. Exit code 1: something was away, try again; 2: a file is refused.
    """
    from learn2compress.report.plain_text import on_one_line
    from pipelines.git_trigger import submitter
    from pipelines.git_trigger.changed_files import DEFAULT_FILES
    from pipelines.git_trigger.git_program import TryAgainError
    from pipelines.git_trigger.outcome import FileState, markdown_comment
    from pipelines.git_trigger.policy import PushPolicy, load_policy
    from pipelines.git_trigger.push import Push, check_remote

    if Path(repo).is_dir():
        repo = str(Path(repo).resolve())
    else:
        check_remote(repo, "--repo")
    found = load_policy(policy) if policy is not None else PushPolicy()
    found = parse(PushPolicy, to_dict(found) | {"uris": [*found.uris, *(allow_uri or ())]}, "--allow-uri")
    since = changed_since if changed_since and changed_since.strip("0") else None
    request = submitter.TriggerRequest(
        push=Push(repo, ref, sha, since),
        target=submitter.SubmissionTarget(
            endpoint, namespace, experiment, image, service_account, supersede, retry_seconds
        ),
        files=tuple(files or DEFAULT_FILES),
        policy=found,
    )
    quiet_libraries()
    token = os.environ.get(TOKEN_VARIABLE)
    try:
        outcomes = (submitter.check if check else submitter.trigger)(request, token)
    except TryAgainError as error:
        typer.echo(f"l2c: error: {on_one_line(str(error))}; trying again is safe", err=True)
        raise typer.Exit(_AGAIN) from None
    if as_json:
        print(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=2))
    elif markdown:
        print(markdown_comment(outcomes, sha), end="")
    else:
        print("\n".join(outcome.line for outcome in outcomes) or "no compression file changed")
    states = {outcome.state for outcome in outcomes}
    if FileState.WAITING in states:
        raise typer.Exit(_AGAIN)
    if FileState.REFUSED in states:
        raise typer.Exit(_REFUSED)


def serve_webhook(
    settings: SettingsArgument,
    queue: QueueOption = DEFAULT_QUEUE,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8080,
    policy: PolicyOption = None,
) -> None:
    """Receive push webhooks, and start their runs.

    Those of GitHub, GitLab and Gitea are understood. Secrets are files in L2C_SECRETS.
    """
    from pipelines.git_trigger.policy import load_policy
    from pipelines.git_trigger.server import serve
    from pipelines.git_trigger.settings import load_settings

    loaded = load_settings(settings)
    if policy is not None:
        loaded = dataclasses.replace(loaded, policy=load_policy(policy))
    serve(loaded, queue, host, port)


def reconcile(
    settings: SettingsArgument,
    queue: QueueOption = DEFAULT_QUEUE,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Only note where the branches are; start nothing for them.")
    ] = False,
) -> None:
    """Queue the pushes that the receiver was not told of."""
    from pipelines.git_trigger.push_queue import PushQueue
    from pipelines.git_trigger.reconcile import reconcile as reconcile_queue
    from pipelines.git_trigger.secret_files import SecretFiles
    from pipelines.git_trigger.settings import load_settings

    loaded, secrets = load_settings(settings), SecretFiles()
    if not queue.parent.is_dir():
        raise ConfigError(f"--queue {queue}: found no such folder, accepted is the one of the receiver's queue")
    findings = list(reconcile_queue(loaded, PushQueue(queue), secrets, baseline=baseline))
    print("\n".join(finding.line for finding in findings) or "nothing was missed")
    if any(finding.is_failure for finding in findings):
        raise typer.Exit(_AGAIN)


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command."""
    app.command(rich_help_panel=_GROUP)(trigger)
    app.command("serve-webhook", rich_help_panel=_GROUP)(serve_webhook)
    app.command(rich_help_panel=_GROUP)(reconcile)
