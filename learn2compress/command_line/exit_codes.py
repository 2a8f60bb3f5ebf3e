"""What the exit code of `l2c` says: the one place that numbers them; `l2c --help` shows it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Why the command ended. Scripts may rely on these numbers."""

    DONE = 0
    """Done; of a run: it pushed something."""
    FAILED = 1
    """A step failed, or a server did not answer: trying again may help."""
    REFUSED = 2
    """The configuration, an input or an option is not accepted: it must be mended first."""
    NOTHING_PUSHED = 3
    """The run went to its end, and no student satisfies the constraints."""
    INTERRUPTED = 130
    """Ctrl-C."""


HELP = "\n".join(
    (
        "\b",
        "Exit codes:",
        "  0    done; of a run: something was pushed",
        "  1    a step failed, or a server did not answer: trying again may help",
        "  2    the configuration, an input or an option is not accepted",
        "  3    the run went to its end, and no student satisfies the constraints",
        "  130  interrupted",
    )
)
