"""One further student of a finished run: its configuration with another list of students, run in the same folder."""

from __future__ import annotations

import dataclasses
import math

from learn2compress.config import BudgetConfig, CompressionConfig, StudentConfig
from learn2compress.config.byte_sizes import parse_bytes
from learn2compress.config.parsing import ConfigError, parse
from pipelines.run_history import outcome_of
from pipelines.run_root import RunRoot


def config_to_pick(root: RunRoot, run_id: int | None, name: str, budget: BudgetConfig | None) -> CompressionConfig:
    """Returns the configuration of a run that picks one further student from the family of another.

    The trained family, and all before it, are found in the cache: nothing that they depend on is changed.

    Args:
      root: Where the runs are.
      run_id: A run with a family, which reached its Pusher; `None` for the latest.
      name: The further student's.
      budget: What it may cost; `None` for the most accurate.

    Raises:
      ConfigError: there is no such run, it has no family, or a student of this name.
    """
    config = parse(CompressionConfig, outcome_of(root, None, run_id).family.config)
    if config.family is None:
        raise ConfigError(
            f"RUN_ID: found {run_id or 'the latest run'}, which has no search.family, accepted is one that has"
        )
    if name in (known := [student.name for student in config.students]):
        raise ConfigError(f"--name: found {name!r}, accepted is one that no student of the run has: {', '.join(known)}")
    try:
        student = parse(StudentConfig, {"name": name}, "-")
    except ConfigError as error:
        raise ConfigError(str(error).replace("-.name", "--name", 1)) from None
    return dataclasses.replace(config, students=(dataclasses.replace(student, budget=budget),))


def budget_of(max_bytes: str | None, max_latency_ms: float | None, max_macs: int | None) -> BudgetConfig | None:
    """Returns a budget from what a person typed; `None` for no limit.

    Args:
      max_bytes: Such as "60kB".
      max_latency_ms: Milliseconds.
      max_macs: Operations.

    Raises:
      ConfigError: a limit is not accepted.
    """
    if all(limit is None for limit in (max_bytes, max_latency_ms, max_macs)):
        return None
    for option, limit in (("--max-latency-ms", max_latency_ms), ("--max-macs", max_macs)):
        if limit is not None and not 0 < limit < math.inf:
            raise ConfigError(f"{option}: found {limit}, accepted is a number above 0")
    return BudgetConfig(
        max_model_bytes=None if max_bytes is None else parse_bytes(max_bytes, "--max-bytes"),
        max_latency_ms=max_latency_ms,
        max_macs=max_macs,
    )
