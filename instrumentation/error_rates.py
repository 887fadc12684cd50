"""Error rates over sliding windows, from one pair of counts a second; no request is kept."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOWS_SECONDS = {"1m": 60, "5m": 300, "15m": 900}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRate:
    """Counts over one window; `error_ratio` is None where there was no request."""

    seconds: int
    requests: int
    errors: int

    @property
    def error_ratio(self) -> float | None:
        """Share of the requests that failed, 0 to 1."""
        return self.errors / self.requests if self.requests else None

    @property
    def errors_per_second(self) -> float:
        """Failed requests a second, averaged over the whole window."""
        return self.errors / self.seconds


class ErrorRates:
    """Thread-safe counts of the last 15 minutes; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._size = max(WINDOWS_SECONDS.values())
        self._second = [-1] * self._size
        self._requests = [0] * self._size
        self._errors = [0] * self._size

    def add(self, *, failed: bool) -> None:
        """Count one finished request."""
        with self._lock:
            second = int(self._clock())
            slot = second % self._size
            if self._second[slot] != second:
                self._second[slot] = second
                self._requests[slot] = self._errors[slot] = 0
            self._requests[slot] += 1
            self._errors[slot] += failed

    def over(self, seconds: int) -> ErrorRate:
        """Return the counts of the last `seconds` seconds, the current one included."""
        with self._lock:
            now = int(self._clock())
            slots = [
                slot for slot, second in enumerate(self._second) if now - seconds < second <= now
            ]
            return ErrorRate(
                seconds=seconds,
                requests=sum(self._requests[slot] for slot in slots),
                errors=sum(self._errors[slot] for slot in slots),
            )
