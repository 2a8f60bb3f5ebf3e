"""A lock on an open file, which a killed process gives back."""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two processes apart
    fcntl = None  # type: ignore[assignment]


def take_lock(descriptor: int) -> bool:
    """Takes a file's lock for this process alone, and doesn't wait for it.

    Args:
      descriptor: Of the open file; closing it gives the lock back.

    Returns:
      Whether nobody else has it.

    Raises:
      OSError: the file system has no locks.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
