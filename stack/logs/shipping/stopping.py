"""The wish to end, as a signal's handler may express it.

Design rule: the first wish is a flag that every wait heeds at once, and the work is finished; the
second, or the end of the grace, is an exception that ends any wait, a hanging request included.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

__all__ = ["Abandoned", "Stop", "stopped_by_signals"]


class Abandoned(BaseException):
    """The work is left as it is: nothing is lost, as the checkpoint says where to go on.

    Not an Exception, so that nothing which handles failures takes it for one.
    """


class Stop:
    """Whether to end. `request` may be called from a signal's handler and from any thread."""

    def __init__(self) -> None:
        # Not an Event: its lock is not reentrant, and a handler runs in the thread that waits.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether the end is wished for."""
        return self._requested

    def request(self) -> None:
        """Wish for the end; a wait that is going on, or else the next one, ends at once."""
        self._requested = True
        self._wakes.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the end is newly wished for; tell whether it was."""
        try:
            self._wakes.get(timeout=max(seconds, 0.0))
        except Empty:
            return False
        return True


@contextmanager
def stopped_by_signals(stop: Stop, grace_seconds: float) -> Iterator[None]:
    """Have SIGTERM and SIGINT wish for the end, and raise Abandoned where it does not come.

    That is at a second signal, or `grace_seconds` after the first. For the main thread.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            raise Abandoned("told to end at once")
        stop.request()
        signal.setitimer(signal.ITIMER_REAL, max(grace_seconds, 1e-6))

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Abandoned(f"not everything was shipped within {grace_seconds:g} s")

    handlers = {signal.SIGTERM: handle, signal.SIGINT: handle, signal.SIGALRM: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
