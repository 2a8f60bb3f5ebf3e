"""Which runs there were, what their steps did, and what came out."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_metadata import MetadataStore
from rich.table import Table

from learn2compress.config.parsing import ConfigError
from learn2compress.results.reports import FAMILY_FILE, PAGE_FILE, FamilyReport, read_json
from pipelines.metadata_store import (
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    Context,
    Execution,
    open_store,
    outputs_of,
    properties_of,
    state_of,
    step_of,
)
from pipelines.run_root import RunRoot

_FINISHED = frozenset({"complete", "cached"})


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
      step: Component id.
      state: "complete", "cached", "failed", or "running" for one that runs or was killed; on a cluster also
        "pending", "canceled" or "skipped".
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
      state: "complete", "failed", or "incomplete" where a step is missing or was killed; on a cluster also
        "pending", "running", "canceling" or "canceled".
      steps: In the order in which they ran.
    """

    run_id: int | str
    name: str
    started: str
    state: str
    steps: tuple[Step, ...]

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
    store = open_store(root)
    return [_run(store, run_id, context) for run_id, context in _contexts(store).items()]


def show_run(root: RunRoot, run_id: int) -> Run:
    """Returns one run.

    Args:
      root: Where the runs are.
      run_id: Its number, from 1.

    Raises:
      ConfigError: there is no such run.
    """
    store = open_store(root)
    return _run(store, run_id, _context(store, run_id))


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
    contexts = list(_contexts(store).values()) if run_id is None else [_context(store, run_id)]
    for context in reversed(contexts):
        if name not in (None, _pipeline_name(store, context)):
            continue
        for execution in store.get_executions_by_context(context.id):
            if step_of(store, execution) == "Pusher" and state_of(execution) in _FINISHED:
                pushed = dict(outputs_of(store, execution.id))["pushed"]
                destination = properties_of(pushed).get("destination") or None
                folder = Path(pushed.uri)
                family: FamilyReport = read_json(FamilyReport, folder / FAMILY_FILE)
                return Outcome(family, destination, folder / PAGE_FILE)
    found = (
        f"run {run_id}, which has not reached its Pusher" if run_id is not None else "no run that reached its Pusher"
    )
    raise ConfigError(f"--root {root.folder}: found {found}; accepted is one that `l2c runs` calls complete")


def runs_table(runs: list[Run]) -> Table:
    """Returns runs as a table for a terminal."""
    table = Table("run", "name", "started (UTC)", "state", "steps", "executed", "cached", "seconds")
    for run in runs:
        states = [step.state for step in run.steps]
        seconds = sum(step.seconds or 0.0 for step in run.steps)
        counts = (len(states), states.count("complete"), states.count("cached"))
        table.add_row(str(run.run_id), run.name, run.started, run.state, *map(str, counts), f"{seconds:.1f}")
    return table


def steps_table(run: Run) -> Table:
    """Returns a run's steps as a table for a terminal."""
    table = Table("step", "state", "seconds", "outputs", title=f"run {run.run_id}: {run.name}, {run.state}")
    for step in run.steps:
        seconds = "" if step.seconds is None else f"{step.seconds:.1f}"
        table.add_row(step.step, step.state, seconds, "\n".join(f"{key}: {uri}" for key, uri in step.outputs.items()))
    return table


def _run(store: MetadataStore, run_id: int, context: Context) -> Run:
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    steps = tuple(_step(store, execution) for execution in executions)
    states = {step.state for step in steps}
    reached_end = any(step.step == "Pusher" and step.state in _FINISHED for step in steps)
    state = "failed" if "failed" in states else "complete" if reached_end else "incomplete"
    started = datetime.fromtimestamp(context.create_time_since_epoch / 1000, UTC).isoformat(timespec="seconds")
    return Run(run_id, _pipeline_name(store, context), started.removesuffix("+00:00"), state, steps)


def _step(store: MetadataStore, execution: Execution) -> Step:
    state = state_of(execution)
    milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    outputs = {key: artifact.uri for key, artifact in outputs_of(store, execution.id)}
    seconds = milliseconds / 1000 if state == "complete" else None
    return Step(step_of(store, execution), state, seconds, properties_of(execution), outputs)


def _contexts(store: MetadataStore) -> dict[int, Context]:
    """Runs numbered from 1 in the order in which they were started; none is ever deleted."""
    return dict(enumerate(sorted(store.get_contexts_by_type(RUN_CONTEXT), key=lambda context: context.id), start=1))


def _context(store: MetadataStore, run_id: int) -> Context:
    contexts = _contexts(store)
    if run_id not in contexts:
        known = f"accepted are {', '.join(map(str, contexts))}" if contexts else "but there is no run yet"
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
