"""Entry point of every container of a compiled pipeline: `python -m pipelines.kubeflow.container.step`.

Exit codes: 0 done, 1 the executor failed, 2 what it was given is not accepted,
143 it was told to stop. Kubeflow's launcher makes 1 of all but the first, so the
reason is also left where Kubernetes looks for it. Checkpoints stay where they are
unless it was done: a retried pod gets the same parameters and inputs, and finds them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from learn2compress.report.plain_text import on_one_line
from pipelines.kubeflow.container.termination import EXIT_CODE, Terminated, raising_terminated

# Before TensorFlow and gRPC load; an image may still ask for their messages.
# Kubernetes makes the file, and shows its text in the pod's status when the container has ended.
_TERMINATION_LOG = Path("/dev/termination-log")
_MAX_REASON_LENGTH = 2000
_QUIET_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "ABSL_MIN_LOG_LEVEL": "3"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one step.

    Args:
      arguments: Of the command line; by default this process's.

    Returns:
      The exit code.
    """
    options = _parser().parse_args(arguments)
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET_ENVIRONMENT.items()})
    from learn2compress.config.parsing import ConfigError

    try:
        with raising_terminated():
            _run(options.contract, options.executor_input, options.artifact_root)
    except ConfigError as error:
        return _print_error(str(error), 2)
    except Terminated:
        return _print_error("told to stop; what was trained so far is kept", EXIT_CODE)
    except Exception as error:
        traceback.print_exc()
        return _print_error(f"{type(error).__name__}: {error}", 1)
    return 0


def _run(contract_json: str, executor_input_json: str, artifact_root: Path) -> None:
    from learn2compress.progress import listening
    from learn2compress.progress_display import LineDisplay, plain_console
    from pipelines.kubeflow.container.execution import execute
    from pipelines.kubeflow.container.executor_input import ExecutorInput
    from pipelines.kubeflow.container.refusals import refusing_again
    from pipelines.kubeflow.contract.step_contract import StepContract

    contract = StepContract.from_json(contract_json)
    executor_input = ExecutorInput.parse(executor_input_json, artifact_root)
    display = LineDisplay(plain_console(width=140, soft_wrap=True), contract.component)
    with listening(display.show), refusing_again(contract, executor_input):
        execute(contract, executor_input)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.kubeflow.container.step", description=__doc__)
    parser.add_argument("--contract", required=True, help="What the compiler wrote about the step (JSON).")
    parser.add_argument("--executor-input", required=True, help="What Kubeflow puts for {{$}} (JSON).")
    parser.add_argument(
        "--artifact-root", type=Path, default=Path("/"), help="Folder under which the launcher's copies are."
    )
    return parser


def _print_error(message: str, code: int) -> int:
    line = on_one_line(message)
    print(f"step: error: {line}", file=sys.stderr, flush=True)
    if _TERMINATION_LOG.is_file():
        with contextlib.suppress(OSError):
            _TERMINATION_LOG.write_text(line[:_MAX_REASON_LENGTH], encoding="utf-8")
    return code


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    # Not sys.exit: threads of Beam and TensorFlow that still wait for something would keep the pod.
    os._exit(exit_code)
