"""Delay: the request waits on an event, so that ending the service's faults frees it at once."""

import threading

from instrumentation.faults.contract import Delay


def delay(fault: Delay, *, ended: threading.Event) -> None:
    """Wait `fault.seconds`, or until `ended` is set."""
    ended.wait(fault.seconds)
