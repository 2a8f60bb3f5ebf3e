"""A token bucket: a burst at once, then as many as its rate fills."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """Counts what passes; for one event loop.

    Args:
      per_minute: Rate in the long run.
      burst: What may pass at once.
      clock: Seconds that only grow.
    """

    def __init__(self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_minute / 60.0
        self._burst = float(burst)
        self._clock = clock
        self._left = self._burst
        self._seen = clock()

    def wait_seconds(self) -> float:
        """Takes one and gives 0, or takes none and says how long until there is one."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._per_second
        self._left -= 1.0
        return 0.0
