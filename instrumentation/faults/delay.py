"""Delay: the request waits on an event, so that ending the service's faults frees it at once."""

from instrumentation.faults.contract import Delay
from instrumentation.faults.ending import Ended


def delay(fault: Delay, *, ended: Ended) -> None:
    """Wait `fault.seconds`, or until `ended` is set."""
    ended.wait(fault.seconds)
