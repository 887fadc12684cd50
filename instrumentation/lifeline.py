"""A process that must not outlive its parent says so to the kernel, which keeps the promise.

A signal from the kernel reaches stopped processes too, and needs nobody to be alive to send it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def die_with_parent(parent_pid: int) -> None:
    """Have this process killed (SIGKILL) when the thread that started it ends.

    `parent_pid` is the expected parent: when it is gone already, this process ends at once. The
    setting is not inherited by forked children. Raises OSError where the kernel is not Linux.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ended, so that they can be waited for."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(f"prctl is Linux's; this is {sys.platform}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
