"""BurnCPU: real work, metered by the thread's own CPU clock, that does not hold the interpreter.

Hashing a large block releases the interpreter's lock, so that scrapes are not starved by it.
"""

import hashlib
import time

from instrumentation.faults.contract import BurnCPU

_BLOCK = bytes(64 * 1024)  # about 50 microseconds of work between two looks at the clock


def burn_cpu(fault: BurnCPU) -> None:
    """Use `fault.seconds` of this thread's CPU time."""
    end = time.thread_time() + fault.seconds
    while time.thread_time() < end:
        hashlib.sha256(_BLOCK).digest()
