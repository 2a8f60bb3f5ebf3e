"""Plays what a step's container runs: Argo's emissary, and Kubeflow's launcher beneath it. Run as a program.

The launcher starts the step in its own process group, and turns every failure into exit code 1
(backend/src/v2/component/launcher_v2.go). On SIGTERM the emissary, which is the container's first process, signals
that group; the launcher dies at once, the emissary with it, and so does everything else in the container, before the
step's handler has got anywhere (argoproj/argo-workflows 4.0.5, cmd/argoexec/commands/emissary.go).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

LAUNCHER = "import subprocess, sys; sys.exit(1 if subprocess.run(sys.argv[1:]).returncode else 0)"


def main(command: list[str]) -> int:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, *command], start_new_session=True)
    told: list[int] = []

    def on_signal(number: int, _: Any) -> None:
        told.append(number)
        os.killpg(launcher.pid, number)

    signal.signal(signal.SIGTERM, on_signal)
    code = launcher.wait()
    if not told:
        return code
    os.killpg(launcher.pid, signal.SIGKILL)  # the kernel does so when the first process of a container ends
    return 128 + told[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
