"""What the stand-in remembers: experiments, pipelines, versions, runs, recurring runs, as decoded JSON."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

_LATE_ANSWERS = 3
_ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


class RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class State:
    """The server's memory, by kind and id."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._late: dict[str, tuple[int, Json | None]] = {}
        self.kinds: dict[str, dict[str, Json]] = {
            kind: {} for kind in ("experiments", "pipelines", "pipeline_versions", "runs", "recurringRuns")
        }

    @property
    def runs(self) -> list[Json]:
        """All runs, oldest first."""
        return list(self.kinds["runs"].values())

    @property
    def schedules(self) -> list[Json]:
        """All recurring runs, oldest first."""
        return list(self.kinds["recurringRuns"].values())

    def add(self, kind: str, id_field: str, item: Json) -> Json:
        """Remembers something under a new id."""
        with self.lock:
            item[id_field] = str(uuid.uuid4())
            item.setdefault("created_at", at(time.time()))
            self.kinds[kind][item[id_field]] = item
        return item

    def one(self, kind: str, key: str) -> Json:
        """What has this id."""
        if key not in self.kinds[kind]:
            raise RefusalError(404, f"{kind} {key} not found")
        return self.kinds[kind][key]

    def run_as_answered(self, run_id: str) -> Json:
        """A run; the first answers after it has succeeded do not have the end of its last tasks."""
        run = self.one("runs", run_id)
        left, details = self._late.pop(run_id, (0, None))
        if not left:
            return run
        self._late[run_id] = (left - 1, details)
        return {name: value for name, value in run.items() if name != "run_details"} | (
            {"run_details": details} if details else {}
        )

    def add_run(self, display_name: str, **fields: Any) -> Json:
        """A run that is pending."""
        plain = {
            "display_name": display_name,
            "state": "PENDING",
            "storage_state": "AVAILABLE",
            "scheduled_at": at(time.time()),
            "finished_at": at(0),
        }
        return self.add("runs", "run_id", plain | fields)

    def start_scheduled(self, recurring_run_id: str) -> Json:
        """Starts a run of a schedule, as the controller does (2.17, scheduledworkflow/controller.go).

        In one of a pipeline version, as all here are, parameters stay as they are: it replaces no [[ScheduledTime]].
        """
        of = self.one("recurringRuns", recurring_run_id)
        taken = ("pipeline_version_reference", "runtime_config", "experiment_id", "service_account")
        fields = {name: of[name] for name in taken if name in of}
        return self.add_run(of["display_name"], recurring_run_id=recurring_run_id, **fields)

    def move_run(self, run_id: str, state: str, *, error: str = "", **tasks: tuple[str, int, int]) -> None:
        """Moves a run on.

        Args:
          run_id: The run.
          state: Its new state.
          error: What went wrong.
          **tasks: State of each task, and seconds from the run's beginning to its own and to its end;
            a name's underscores become hyphens.
        """
        run = self.one("runs", run_id)
        begin = datetime.fromisoformat(run["created_at"]).timestamp()
        details = [
            {
                "run_id": run_id,
                "task_id": str(uuid.uuid4()),
                "display_name": name.replace("_", "-"),
                "create_time": run["created_at"],
                "start_time": at(begin + start),
                "end_time": at(begin + end if how in _ENDED else 0),
                "state": how,
                "execution_id": "0",
            }
            for name, (how, start, end) in tasks.items()
        ]
        details += [row for done in details if done["state"] == "SUCCEEDED" for row in _cache_rows(done)]
        if state == "SUCCEEDED":  # is known before the end of the last tasks
            self._late[run_id] = (_LATE_ANSWERS, run.get("run_details"))
        run.update(state=state, run_details={"task_details": details})
        if state in _ENDED:
            run["finished_at"] = at(begin + max((end for _, _, end in tasks.values()), default=0))
        if error:
            run["error"] = {"code": 13, "message": error, "details": []}


def _cache_rows(done: Json) -> list[Json]:
    """Rows of the cache entry that the launcher writes for what is done (toModelTask of a v1 task): they have no name.

    Some have times and the number of an execution, some nothing but an id.
    """
    bare = {"run_id": done["run_id"], "task_id": str(uuid.uuid4())}
    times = {name: done[name] for name in ("create_time", "start_time", "end_time")}
    return [bare, {**bare, "task_id": str(uuid.uuid4()), **times, "execution_id": "7"}]


def at(seconds: float) -> str:
    """A time as the server writes it: whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
