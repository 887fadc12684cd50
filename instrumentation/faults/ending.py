"""When faults end before their time: by a signed word, or when nobody renews their lease any more.

One rule: whichever worker is told, every worker of the instance knows within LOOK_SECONDS, for the
worker that is told need not be the one that holds.
"""

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from instrumentation.faults.contract import End, Fault, FaultRejected, Renew
from instrumentation.faults.lease import Lease
from instrumentation.high_water import HighWaterMark

LOOK_SECONDS = 0.1
"""How often whoever waits looks at what the other workers were told; all of them look once."""


class Ended(Protocol):
    """What a fault waits on, like a `threading.Event`: set when the fault must end."""

    def is_set(self) -> bool:
        """Return whether the fault must end."""

    def wait(self, timeout: float) -> bool:
        """Wait for it, at most `timeout` seconds; return whether it is set."""


class Endings:
    """Which faults of one service have ended, and until when leased ones go on. Thread-safe.

    `directory` is shared by the service's workers, where there are several; `clock` is monotonic.
    """

    def __init__(
        self, *, directory: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lease = Lease(directory=directory, clock=clock, name="fault")
        self._mark = HighWaterMark(directory / "fault-end") if directory else None
        self._changed = threading.Condition()
        self._closed = False
        self._ended_until = -math.inf  # epoch seconds: what expires no later has ended
        self._leased_until = -math.inf  # by `clock`
        self._looked_at = -math.inf

    def of(self, fault: Fault, *, expires: float) -> Ended:
        """Return what this fault waits on, after it has ended or renewed what it asks for.

        `expires` is its header's. Raises FaultRejected where that came too late: it has ended.
        """
        match fault:
            case End():
                self.end(expires)
                return _Ended(self, expires=math.inf, leased=False)
            case Renew():
                seconds: float | None = fault.seconds
            case _:
                seconds = getattr(fault, "lease", None)
        with self._changed:
            self._look(fresh=True)
            if expires <= self._ended_until:
                raise FaultRejected("ended", "all faults that were signed before have ended")
            if seconds is not None:
                self._lease.renew(seconds)
                self._leased_until = max(self._leased_until, self._clock() + seconds)
        return _Ended(self, expires=expires, leased=seconds is not None)

    def end(self, expires: float) -> None:
        """End all faults of all workers whose headers expire no later. Raises FaultRejected."""
        with self._changed:
            self._ended_until = max(self._ended_until, expires)
            if self._mark is not None:
                try:
                    self._mark.raise_to(expires)
                except OSError as error:  # its directory is gone: the service ends
                    raise FaultRejected("refused", f"the workers' end: {error}") from error
            self._changed.notify_all()

    def close(self) -> None:
        """End all faults of this process, those to come as well."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def is_over(self, *, expires: float, leased: bool) -> bool:
        """Return whether a fault must end whose header expires so, under the lease or not."""
        with self._changed:
            return self._is_over(expires, leased)

    def wait_over(self, timeout: float, *, expires: float, leased: bool) -> bool:
        """Wait until `is_over`, at most `timeout` seconds; return whether it is."""
        until = self._clock() + timeout
        with self._changed:
            while not self._is_over(expires, leased):
                left = until - self._clock()
                if left <= 0:
                    return False
                self._changed.wait(min(left, self._next_look(leased)))
            return True

    def _next_look(self, leased: bool) -> float:
        """Return how long to wait before what ends a fault may have come from elsewhere."""
        if self._mark is not None:
            return LOOK_SECONDS
        return max(0.0, self._leased_until - self._clock()) if leased else math.inf

    def _is_over(self, expires: float, leased: bool) -> bool:
        self._look()
        if self._closed or expires <= self._ended_until:
            return True
        return leased and self._clock() >= self._leased_until

    def _look(self, *, fresh: bool = False) -> None:
        """Read what the other workers were told, unless somebody did just now."""
        now = self._clock()
        if self._mark is None or (not fresh and now - self._looked_at < LOOK_SECONDS / 2):
            return
        self._looked_at = now
        ended = self._mark.read()
        if ended is not None and ended > self._ended_until:
            self._ended_until = ended
            self._changed.notify_all()
        try:
            self._leased_until = max(self._leased_until, now + self._lease.remaining_seconds())
        except OSError:  # its directory is gone: the service ends, and its faults with it
            self._closed = True


class _Ended:
    """What one fault waits on."""

    def __init__(self, endings: Endings, *, expires: float, leased: bool) -> None:
        self._endings = endings
        self._expires = expires
        self._leased = leased

    def is_set(self) -> bool:
        return self._endings.is_over(expires=self._expires, leased=self._leased)

    def wait(self, timeout: float) -> bool:
        return self._endings.wait_over(timeout, expires=self._expires, leased=self._leased)
