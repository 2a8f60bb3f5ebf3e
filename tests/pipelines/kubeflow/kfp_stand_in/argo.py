"""What Argo does with a step that fails (4.0.5, workflow/controller/operator.go, processNodeRetries)."""

from __future__ import annotations

from collections.abc import Iterable

from .state import Json


def attempts_of(retry: Json, policy: str, attempts: Iterable[tuple[str, float]]) -> list[str]:
    """How each attempt ends, up to the last one.

    Kubeflow's compiler passes on the pauses and the limits of a task, and no policy: that is the administrator's.

    Args:
      retry: Retry policy of the task in the package.
      policy: "OnFailure", which is Argo's own; "OnError", as Kubeflow 2.17 sets it; or "Always".
      attempts: Of each, how it ends by itself ("Failed": the container exits with an error; "Error": the pod is
        deleted) and after how many seconds.
    """
    retried = {"OnFailure": {"Failed"}, "OnError": {"Error"}, "Always": {"Failed", "Error"}}[policy]
    seconds = {name: float(retry[name].removesuffix("s")) for name in ("backoffDuration", "backoffMaxDuration")}
    now, ends = 0.0, list[str]()
    for number, (end, duration) in enumerate(attempts):
        # Every attempt but the first has the deadline for an active deadline, too.
        if number and now + duration > seconds["backoffMaxDuration"]:
            return [*ends, "killed at the deadline"]
        now += duration
        ends.append(end)
        if end not in retried or number >= retry["maxRetryCount"]:
            return ends
        factor = int(str(retry["backoffFactor"]).removesuffix(".0"))  # it takes whole numbers alone
        now += seconds["backoffDuration"] * factor**number
        if now > seconds["backoffMaxDuration"]:
            return ends
    return ends
