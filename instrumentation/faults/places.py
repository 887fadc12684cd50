"""Faults occupy a bounded number of threads, so that they cannot take a scrape's last one.

Who finds no place is refused and goes on unharmed: nobody waits for a place. The numbers are those
of one process, as serving threads are.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from instrumentation.faults.contract import FaultRejected

SPARE_THREADS = 4
"""Threads that no fault may occupy, for scrapes and probes; drills are sized by the same number."""

TOO_FEW_THREADS = f"no thread can be spared; serve with at least {SPARE_THREADS + 1} threads"

OCCUPIED_AT_ONCE = 30
"""Requests that may be delayed or burning at once where nobody told how many threads serve. It is
what the shipped gunicorn settings leave: 34 threads less the spare ones, and as many as 20 requests
a second of 1.5 s occupy. A server of fewer threads tells its number (`FaultSwitch.served_by`)."""

BURNING_AT_ONCE = 8
"""Requests that may burn CPU at once. The drills keep one busy; more threads than cores only take
turns, and each would make a scrape wait for its turn too."""


class Places:
    """A number of places that can be changed while some are taken. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit  # 0 where the spare threads are all that there are
        self._taken = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self, what: str) -> Iterator[None]:
        """Hold a place until the context ends. Raises FaultRejected when none is free."""
        with self._lock:
            if self._taken >= self.limit:
                raise FaultRejected(
                    "refused",
                    f"{what}: all {self.limit} places are taken"
                    if self.limit
                    else f"{what}: {TOO_FEW_THREADS}",
                )
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1
