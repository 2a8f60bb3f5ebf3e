"""Which runs there were, what their steps did, and what came out."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_metadata import MetadataStore

from learn2compress.config.parsing import ConfigError, listed
from learn2compress.results.reports import FAMILY_FILE, PAGE_FILE, FamilyReport, read_json
from pipelines.metadata_store import (
    PIPELINE_CONTEXT,
    Artifact,
    Context,
    Execution,
    open_store,
    outputs_of,
    properties_of,
    runs_by_number,
    state_of,
    step_of,
)
from pipelines.run_root import RunRoot

_FINISHED = frozenset({"complete", "cached"})
_RUNNING, _INTERRUPTED = "running", "interrupted"
_TEACHER = "teacher"


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
      step: Component id.
      state: "complete", "cached", "failed", "running", or "interrupted" where the process of its run is gone; on a
        cluster also "pending", "canceled" or "skipped".
      seconds: Time from start to end; `None` for one that did not run to its end.
      parameters: What it was told.
      outputs: URIs by output key.
    """

    step: str
    state: str
    seconds: float | None
    parameters: dict[str, Any]
    outputs: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a configuration.

    Attributes:
      run_id: Number that `l2c show` and `l2c report` take; on a cluster, the server's id.
      name: The configuration's name.
      started: UTC, ISO 8601.
      state: "complete", "failed", "running", or "interrupted" where it did not come to its end and its process is
        gone; on a cluster also "pending", "canceling" or "canceled".
      steps: In the order in which they ran.
      accuracies: Top-1 accuracy of each student's file, 0..1, by name, as far as it was measured; not known of runs on
        a cluster.
      version: Number of the version that it pushed, 0 where no student was selected; `None` where the Pusher did not
        come to its end, and for runs on a cluster.
    """

    run_id: int | str
    name: str
    started: str
    state: str
    steps: tuple[Step, ...]
    accuracies: dict[str, float] = dataclasses.field(default_factory=dict)
    version: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns plain mappings, for JSON."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a finished run pushed.

    Attributes:
      family: The family's report.
      destination: Where it was pushed; `None` where nothing was selected.
      report_page: The HTML page.
    """

    family: FamilyReport
    destination: str | None
    report_page: Path


def list_runs(root: RunRoot) -> list[Run]:
    """Returns all runs, oldest first."""
    store, since = open_store(root), root.running_since()
    return [_run(store, run_id, context, since) for run_id, context in runs_by_number(store).items()]


def show_run(root: RunRoot, run_id: int) -> Run:
    """Returns one run.

    Args:
      root: Where the runs are.
      run_id: Its number, from 1.

    Raises:
      ConfigError: there is no such run.
    """
    store, since = open_store(root), root.running_since()
    return _run(store, run_id, _context(store, run_id), since)


def outcome_of(root: RunRoot, name: str | None, run_id: int | None) -> Outcome:
    """Returns what a run pushed.

    Args:
      root: Where the runs are.
      name: Look at runs of this configuration alone; `None` for any.
      run_id: The run; `None` for the latest that reached its Pusher.

    Raises:
      ConfigError: there is no such run, or it did not get that far.
    """
    store = open_store(root)
    contexts = list(runs_by_number(store).values()) if run_id is None else [_context(store, run_id)]
    for context in reversed(contexts):
        if name not in (None, _pipeline_name(store, context)):
            continue
        pusher = _finished_pusher(store, context)
        if pusher is not None:
            pushed = dict(outputs_of(store, pusher.id))["pushed"]
            destination = properties_of(pushed).get("destination") or None
            folder = Path(pushed.uri)
            family: FamilyReport = read_json(FamilyReport, folder / FAMILY_FILE)
            return Outcome(family, destination, folder / PAGE_FILE)
    found = (
        f"run {run_id}, which has not reached its Pusher" if run_id is not None else "no run that reached its Pusher"
    )
    raise ConfigError(f"--root {root.folder}: found {found}; accepted is one that `l2c runs` calls complete")


def last_two_runs(root: RunRoot) -> tuple[int, int]:
    """Returns the numbers of the last two runs that reached their Pusher, the older one first.

    Args:
      root: Where the runs are.

    Raises:
      ConfigError: there are fewer.
    """
    store = open_store(root)
    latest: list[int] = []
    for number, context in reversed(runs_by_number(store).items()):
        if _finished_pusher(store, context) is not None:
            latest.insert(0, number)
        if len(latest) == 2:
            return latest[0], latest[1]
    raise ConfigError(f"--root {root.folder}: found {len(latest)} finished, accepted are two runs or more to compare")


def _finished_pusher(store: MetadataStore, run: Context) -> Execution | None:
    for execution in store.get_executions_by_context(run.id):
        if step_of(store, execution) == "Pusher" and state_of(execution) in _FINISHED:
            return execution
    return None


def _run(store: MetadataStore, run_id: int, context: Context, running_since: float | None) -> Run:
    """Reads one run.

    Args:
      store: The store.
      run_id: Its number.
      context: Of the run.
      running_since: When the run began that goes on now, in seconds since 1970; `None` where none does.
    """
    began = context.create_time_since_epoch / 1000
    is_running = running_since is not None and began >= running_since
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    outputs = {execution.id: outputs_of(store, execution.id) for execution in executions}
    steps = tuple(_step(store, execution, outputs[execution.id], is_running) for execution in executions)
    started = datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    state = _state_of_run(steps, is_running)
    finished = [execution for execution in executions if state_of(execution) in _FINISHED]
    accuracies, version = _figures([found for execution in finished for _, found in outputs[execution.id]])
    return Run(run_id, _pipeline_name(store, context), started, state, steps, accuracies, version)


def _state_of_run(steps: tuple[Step, ...], is_running: bool) -> str:
    if any(step.step == "Pusher" and step.state in _FINISHED for step in steps):
        reached_end = "complete"
    else:
        reached_end = _RUNNING if is_running else _INTERRUPTED
    return "failed" if any(step.state == "failed" for step in steps) else reached_end


def _figures(outputs: list[Artifact]) -> tuple[dict[str, float], int | None]:
    """Returns the accuracy of each student, and the version that was pushed."""
    accuracies, version = {}, None
    for artifact in outputs:
        known = properties_of(artifact)
        if artifact.type == "L2CEvaluation" and known.get("student") != _TEACHER and "accuracy" in known:
            accuracies[str(known["student"])] = float(known["accuracy"])
        elif artifact.type == "L2CPushedVersion":
            version = int(known.get("version") or 0)
    return accuracies, version


def _step(store: MetadataStore, execution: Execution, made: list[tuple[str, Artifact]], is_running: bool) -> Step:
    state = state_of(execution)
    if state == _RUNNING and not is_running:
        state = _INTERRUPTED
    milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    seconds = milliseconds / 1000 if state == "complete" else None
    outputs = {key: artifact.uri for key, artifact in made}
    return Step(step_of(store, execution), state, seconds, properties_of(execution), outputs)


def _context(store: MetadataStore, run_id: int) -> Context:
    contexts = runs_by_number(store)
    if run_id not in contexts:
        known = f"accepted are {listed([*map(str, contexts)])}" if contexts else "but there is no run yet"
        raise ConfigError(f"RUN_ID: found {run_id}, {known}")
    return contexts[run_id]


def _pipeline_name(store: MetadataStore, run: Context) -> str:
    parents = store.get_parent_contexts_by_context(run.id)
    named = [context.name for context in parents if context.type == PIPELINE_CONTEXT]
    if named:
        return str(named[0])
    for execution in store.get_executions_by_context(run.id):
        for context in store.get_contexts_by_execution(execution.id):
            if context.type == PIPELINE_CONTEXT:
                return str(context.name)
    return ""
