"""Until when a fault lasts: the workers of a service renew one lease, and adjust one at a time.

A request renews the lease of them all, for the worker that it meets need not be the one that holds.
"""

import contextlib
import fcntl
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from instrumentation.faults.contract import MAX_FAULT_SECONDS, FaultRejected
from instrumentation.high_water import HighWaterMark


class Lease:
    """A lease of one process, or of all workers that share `directory`; `clock` is monotonic.

    `name` tells several leases of one directory apart. `renew` and `end` are this process's; the
    lease has run out when it has for all of them.
    """

    def __init__(
        self, *, directory: Path | None, clock: Callable[[], float], name: str = "fault-memory"
    ) -> None:
        self._clock = clock
        self._ends = -math.inf
        self._directory = directory
        self._name = name
        self._mark = HighWaterMark(directory / f"{name}-lease") if directory else None

    def renew(self, seconds: float) -> None:
        """Let it last for `seconds` from now. Raises FaultRejected if others can't be told."""
        ends = self._clock() + seconds
        if self._mark is not None:
            try:
                self._mark.raise_to(ends)
            except OSError as error:  # its directory is gone: the service ends
                raise FaultRejected("refused", f"the workers' lease: {error}") from error
        self._ends = ends

    def end(self) -> None:
        """Let it run out now in this process, whatever the others do."""
        self._ends = -math.inf

    def remaining_seconds(self) -> float:
        """Return how long it lasts from now: zero, or less, when it has run out."""
        if self._ends == -math.inf:
            return self._ends
        ends = self._ends
        if self._mark is not None:
            ends = self._mark.raise_to(ends)
        return min(ends - self._clock(), MAX_FAULT_SECONDS)

    @contextlib.contextmanager
    def sole(self) -> Iterator[bool]:
        """Tell whether no other worker is in here; nobody waits, and a death lets the next one in.

        Raises OSError when the directory is gone.
        """
        if self._directory is None:
            yield True
            return
        path = self._directory / f"{self._name}-lock"
        # Opened anew each time: workers that inherited one descriptor would share its lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sole = False
            else:
                sole = True
            yield sole
        finally:
            os.close(descriptor)
