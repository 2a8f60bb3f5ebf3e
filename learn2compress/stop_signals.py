"""Signals that end work, kept until the work has heard them.

Python raises in whatever the main thread runs. Where C++ called it, as TensorFlow does, the exception may be cleared,
and the work would go on as if nobody had asked it to stop: the next report of progress raises it again.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_unheard: list[type[BaseException]] = []


@contextlib.contextmanager
def raising(error: type[BaseException], number: signal.Signals, *, is_once: bool = False) -> Iterator[None]:
    """Raises `error` in the main thread when a signal arrives, at the latest when the work reports how far it is.

    A signal that the process was started to ignore stays ignored.

    Args:
      error: What is raised.
      number: The signal.
      is_once: Ignore further ones, so that they do not interrupt the clean-up.
    """

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if is_once:
            signal.signal(number, signal.SIG_IGN)
        _unheard.append(error)
        raise error

    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(number, on_signal)
    try:
        yield
    finally:
        _unheard.clear()
        signal.signal(number, before)


def raise_unheard() -> None:
    """Raises what a signal raised and nobody has heard yet; in the main thread alone, as the signal did."""
    if _unheard and threading.current_thread() is threading.main_thread():
        error = _unheard[-1]
        _unheard.clear()
        raise error
