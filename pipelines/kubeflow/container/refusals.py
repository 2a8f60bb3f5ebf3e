"""Input that was refused is refused at once when Kubeflow tries the step again, with the reason of the first time.

The launcher makes exit code 1 of every other, so that whoever tries again can't know that it is in vain. What is known
is kept beside the checkpoints: a retry has the same input to the letter, and another run has not, since the places of
its outputs are others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from fsspec.core import url_to_fs

from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError
from learn2compress.report.plain_text import on_one_line
from learn2compress.store_files import put_file
from pipelines.kubeflow.container.executor_input import ExecutorInput
from pipelines.kubeflow.container.transient import chain_of, is_transient
from pipelines.kubeflow.contract.step_contract import REFUSALS_VARIABLE, StepContract
from pipelines.store_connection import StoreUnreachableError

# Kubeflow sets it: the number of automatic retries before this one.
_ATTEMPT_VARIABLE, _FIRST_ATTEMPT = "KFP_RETRY_INDEX", "0"
_ROOT_PARAMETER = "checkpoint_root"
_FOLDER = "refused"
_MAX_BYTES = 4096


def is_for_good(error: BaseException) -> bool:
    """Returns whether the same input would be refused again.

    Args:
      error: What a step failed with.
    """
    passing = any(isinstance(each, RecordsLostError | StoreUnreachableError) for each in chain_of(error))
    return isinstance(error, ConfigError) and not passing and not is_transient(error)


@contextlib.contextmanager
def refusing_again(contract: StepContract, executor_input: ExecutorInput) -> Iterator[None]:
    """Does not enter the block where it was refused for good before, and keeps the reason where it is now.

    Args:
      contract: Of the step.
      executor_input: Of the step.

    Raises:
      ConfigError: the input was refused in an attempt before this one, or the block raised it.
    """
    place = _place(contract, executor_input)
    if place is not None and os.environ.get(_ATTEMPT_VARIABLE) == _FIRST_ATTEMPT:
        _forget(place)  # a person has mended it, and lets Kubeflow retry the run
    before = None if place is None else _read(place)
    if before is not None:
        raise ConfigError(
            f"{before} (refused before in this run, and not tried again; mend it, then start or retry the run)"
        )
    try:
        yield
    except ConfigError as error:
        if place is not None and is_for_good(error):
            _write(place, on_one_line(str(error)))
        raise


def _place(contract: StepContract, executor_input: ExecutorInput) -> str | None:
    """Returns the file or the URL that says why this input was refused.

    Args:
      contract: Names the outputs that are ours: the backend keeps a log for each attempt.
      executor_input: Of the step.

    Returns:
      `None` for a step that has no place for it, or no output that tells its run from another.
    """
    root = executor_input.parameters.get(_ROOT_PARAMETER) or os.environ.get(REFUSALS_VARIABLE)
    uris = [executor_input.outputs[name].uri for name in sorted(contract.outputs) if name in executor_input.outputs]
    if not root or not uris:
        return None
    return f"{str(root).rstrip('/')}/{_FOLDER}/{hashlib.sha256(chr(0).join(uris).encode()).hexdigest()}"


def _read(place: str) -> str | None:
    """Returns why the input was refused; `None` where it was not, or where nobody can tell.

    Args:
      place: Of `_place`.
    """
    try:
        filesystem, path = url_to_fs(place)
        content: Any = filesystem.cat_file(path)
    except Exception:  # whatever a store's own client raises: the step will find out itself
        return None
    return bytes(content[:_MAX_BYTES]).decode(errors="replace") or None


def _forget(place: str) -> None:
    with contextlib.suppress(Exception):  # whatever a store's own client raises; mostly there is none
        filesystem, path = url_to_fs(place)
        filesystem.rm_file(path)


def _write(place: str, reason: str) -> None:
    """Keeps why the input was refused; where it can't be kept, a retry finds out itself.

    Args:
      place: Of `_place`.
      reason: One line.
    """
    try:
        filesystem, path = url_to_fs(place)
        put_file(filesystem, path, reason.encode()[:_MAX_BYTES])
    except Exception as error:  # whatever a store's own client raises
        print(f"step: {place} can't be written: {on_one_line(str(error))}", file=sys.stderr, flush=True)
