"""BurnCPU: real work, metered by the thread's own CPU clock, that does not hold the interpreter.

Hashing a large block releases the interpreter's lock, so that scrapes are not starved by it.
"""

import hashlib
import time

from instrumentation.faults.contract import MAX_FAULT_SECONDS, BurnCPU
from instrumentation.faults.ending import Ended

_BLOCK = bytes(64 * 1024)  # about 50 microseconds of work between two looks at the clock


def burn_cpu(fault: BurnCPU, *, ended: Ended) -> None:
    """Use `fault.seconds` of this thread's CPU time, or less when `ended` is set meanwhile.

    On a machine so busy that MAX_FAULT_SECONDS pass first, the thread is freed too.
    """
    end = time.thread_time() + fault.seconds
    latest = time.monotonic() + MAX_FAULT_SECONDS
    while time.thread_time() < end and time.monotonic() < latest and not ended.is_set():
        hashlib.sha256(_BLOCK).digest()
