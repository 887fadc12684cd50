"""A server that is about to stop says so first, so that nobody sends it a request it won't take.

SIGTERM to gunicorn's master first turns `ready` to 503 in every worker, by one byte of memory that
they share; the signal itself is handed on a little later, when load balancers have noticed.
"""

import mmap
import os
import signal
from types import FrameType
from typing import Any

_flag: mmap.mmap | None = None


def prepare() -> None:
    """Make the flag, unset, for this process and those that it forks from now on."""
    global _flag  # one fact about this service, which all its applications share
    _flag = mmap.mmap(-1, 1)


def begin() -> None:
    """Say that this service is about to stop; all processes forked since `prepare` see it."""
    if _flag is None:
        prepare()
    assert _flag is not None
    _flag[0] = 1


def is_draining() -> bool:
    """Tell whether this service is about to stop."""
    return _flag is not None and _flag[0] != 0


def hold_back_sigterm(server: Any, drain_seconds: float) -> None:
    """Have SIGTERM begin draining, and reach gunicorn's own handler `drain_seconds` later.

    For gunicorn's `when_ready(server)` hook, in the master, where no worker is forked yet. A
    second SIGTERM is handed on at once; SIGINT and SIGQUIT are left alone. While two masters share
    the address (SIGUSR2) the one that is told to go does so at once, and says nothing: the service
    goes on.
    """
    master_pid = os.getpid()
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):
        raise RuntimeError("SIGTERM has no handler: call this from gunicorn's when_ready hook")
    prepare()

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        # A worker that was forked a moment ago still has this handler, until it sets its own.
        if os.getpid() != master_pid or server.reexec_pid or server.master_pid:
            stop(number, frame)
            return
        again = is_draining()
        begin()
        if again or drain_seconds <= 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            stop(number, frame)
            return
        # Nobody waits in a thread or in the handler: the master goes on looking after its workers.
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, drain_seconds)

    def on_alarm(number: int, frame: FrameType | None) -> None:
        if os.getpid() == master_pid:
            stop(signal.SIGTERM, frame)
            return
        # A worker forked meanwhile has this handler but not the timer; its alarms are its own.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_sigterm)
