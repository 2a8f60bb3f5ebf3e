"""What surrounds the work of a call: progress for who sits before it, and random numbers left as they were."""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Iterator

import numpy as np

from learn2compress import progress
from learn2compress.progress_display import display_on, plain_console

# They warn of how networks are traced and converted, which nobody who calls can change.
_NOISY = ("tensorflow", "absl")


@contextlib.contextmanager
def working() -> Iterator[None]:
    """Shows progress on standard error, unless somebody listens already, without the warnings of libraries between it.

    Trainings set the seeds of the whole process: the random state of Python and NumPy is restored afterwards.
    """
    states = random.getstate(), np.random.get_state()
    levels = {logger: logger.level for logger in map(logging.getLogger, _NOISY)}
    try:
        for logger in levels:
            logger.setLevel(logging.ERROR)
        if progress.is_heard():
            yield
        else:
            console = plain_console(stderr=True, soft_wrap=True)
            with display_on(console) as display, progress.listening(display.show):
                yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
        random.setstate(states[0])
        np.random.set_state(states[1])
