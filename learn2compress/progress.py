"""Where long work says how far it is, and hears that it is to stop.

Work calls `report`; whoever started it decides who listens. Without a listener
nothing is printed, so that the library stays silent in a notebook.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from learn2compress.stop_signals import raise_unheard


@dataclass(frozen=True)
class Progress:
    """How far one piece of work is.

    Attributes:
      work: What is being done, such as "epoch 3/40".
      done: Units finished, 0..total; those from before a resume count, and tell nothing about how fast this run is.
      total: Units in all, at least 1; another total for the same work says that other units are counted.
      detail: Figures worth showing, such as "loss 0.31"; may be empty.
      is_notice: The detail is a sentence that must stay readable after the work has ended.
      unit: What is counted, such as "steps"; empty for stages of the work.
    """

    work: str
    done: int
    total: int
    detail: str = ""
    is_notice: bool = False
    unit: str = ""


Listener = Callable[[Progress], None]

_listener: ContextVar[Listener | None] = ContextVar("learn2compress_progress", default=None)


def report(work: str, done: int, total: int, detail: str = "", *, unit: str = "") -> None:
    """Tells the listener, if there is one, how far the work is.

    Args:
      work: What is being done, such as "epoch 3/40".
      done: Units finished, 0..total.
      total: Units in all, at least 1.
      detail: Figures worth showing, such as "loss 0.31"; may be empty.
      unit: What is counted, such as "steps"; empty for stages of the work.

    Raises:
      BaseException: a signal to stop came, see `learn2compress.stop_signals`.
    """
    raise_unheard()
    listener = _listener.get()
    if listener is not None:
        listener(Progress(work, done, total, detail, unit=unit))


def notice(work: str, sentence: str) -> None:
    """Tells the listener, if there is one, what a person must read, whatever else goes on.

    Args:
      work: What it is about, such as "prune".
      sentence: One line.
    """
    listener = _listener.get()
    if listener is not None:
        listener(Progress(work, 1, 1, sentence, is_notice=True))


def is_heard() -> bool:
    """Returns whether somebody listens."""
    return _listener.get() is not None


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends every `report` made inside the block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
