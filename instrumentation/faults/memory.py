"""HoldMemory: one holding a process, brought to a level and let go all at once.

The holding is anonymous private memory with every page touched, so that the kernel counts it,
and unmapping gives all of it back. Its size follows from the service's own measurement.

Of several workers each has a holding of its own, towards the level of the whole process tree. One
at a time measures and adjusts, else all would grow by what is missing once; all hold for as long as
any of them is asked to. A worker gives back only what it holds itself, so that growth beside it is
made up for when a request meets a worker that holds.
"""

import contextlib
import ctypes
import math
import mmap
import threading
import time
from collections.abc import Callable
from pathlib import Path

from instrumentation.faults.contract import FaultRejected, HoldMemory
from instrumentation.faults.ending import LOOK_SECONDS, Ended
from instrumentation.faults.lease import Lease
from instrumentation.limits import MemoryLimit
from instrumentation.sampling import MemorySample

BELOW_PERCENT = 0.4
"""The level aimed at lies this far under the one asked for, so that other growth, a few hundred
kilobytes of stacks and arenas, does not carry the service over it."""

TOLERANCE_PERCENT = 1.0
"""A reading this far under the asked level still counts as at level, and costs no measurement."""

_STEP_BYTES = 4 * 1024 * 1024
"""Touched at a time, by a foreign call that lets other threads run: a machine whose memory is
handed out page by page by its host takes seconds for a hundred megabytes."""

HOST_RESERVE_RATIO = 0.05
"""Of the host's memory this much must stay available: a configured limit may promise what the
host's other processes have taken meanwhile."""


class MemoryHolding:
    """Memory that requests ask the service to hold.

    `measure` takes a fresh sample, `latest` is the last one that anybody took; `clock` is
    monotonic; `tell` is given the held bytes whenever they change; `directory` is shared by the
    service's workers, where there are several. Thread-safe: concurrent requests share the holding.
    """

    def __init__(
        self,
        *,
        limit: MemoryLimit,
        measure: Callable[[], MemorySample],
        latest: Callable[[], MemorySample],
        directory: Path | None = None,
        tell: Callable[[int], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._measure = measure
        self._latest = latest
        self._tell = tell
        self._condition = threading.Condition()
        self._blocks: list[mmap.mmap] = []
        self._held_bytes = 0
        self._percent = 0.0
        self._adjusted_at = -math.inf
        self._lease = Lease(directory=directory, clock=clock)
        self._ended: Ended = threading.Event()
        self._releaser: threading.Thread | None = None
        self._adjusting = False

    @property
    def held_bytes(self) -> int:
        """How much is held now."""
        return self._held_bytes

    def hold(self, fault: HoldMemory, *, ended: Ended | None = None) -> None:
        """Bring the service's memory to the fault's level and renew the lease.

        What is held is let go when the lease runs out, or before that when `ended` is set. Raises
        FaultRejected where no limit but the host's own memory is in force, for filling the host
        would not stay with this service, and where the host cannot spare the memory.
        """
        if self._limit.source == "host":
            raise FaultRejected(
                "refused",
                "memory is held only against a configured or control group limit; "
                "set INSTRUMENT_MEMORY_LIMIT_BYTES",
            )
        with self._condition:
            self._lease.renew(fault.seconds)
            self._ended = ended or threading.Event()
            if self._releaser is None:
                self._releaser = self._start_releaser()
            if self._adjusting or self._at_level(fault.percent):
                return
            self._adjusting = True
        # Outside the lock: the kernel may take seconds to hand out the pages, and requests that
        # waited meanwhile would fill every thread, the scrapes' as well.
        try:
            with self._lease.sole() as sole:
                if sole:  # else another worker is at it, for the same tree
                    self._adjust(fault.percent)
        finally:
            with self._condition:
                self._adjusting = False
                self._condition.notify_all()

    def release(self) -> None:
        """Let everything go now."""
        with self._condition:
            self._lease.end()
            self._condition.notify_all()
            self._condition.wait_for(lambda: not self._adjusting)
            self._drop()

    def _at_level(self, percent: float) -> bool:
        if percent != self._percent:
            return False
        reading = self._latest()
        if reading.taken_at <= self._adjusted_at:
            return True  # nobody has looked since it was adjusted
        return percent - TOLERANCE_PERCENT <= reading.percent <= percent

    def _adjust(self, percent: float) -> None:
        limit = self._limit.limit_bytes
        for _ in range(3):  # the second pass corrects what others did meanwhile
            wanted = limit * (percent - BELOW_PERCENT) / 100.0
            missing = int(wanted - self._measure().used_bytes)
            if abs(missing) <= limit * BELOW_PERCENT / 200.0:
                break
            if missing > 0:
                self._refuse_what_the_host_lacks(missing)
                self._grow(missing)
            elif not self._shrink(-missing):
                break  # nothing is held: the service itself is above the level
        self._percent = percent
        self._adjusted_at = self._latest().taken_at

    def _refuse_what_the_host_lacks(self, size: int) -> None:
        import psutil  # here: what is only armed should not cost a start

        host = psutil.virtual_memory()
        spare = host.available - int(host.total * HOST_RESERVE_RATIO)
        if size > spare:
            raise FaultRejected("refused", f"{size} bytes are missing, the host can spare {spare}")

    def _grow(self, size: int) -> None:
        size -= size % mmap.PAGESIZE
        if size == 0:
            return
        try:
            block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:  # an address space limit, or a host that promises no more
            raise FaultRejected("refused", f"the kernel gives no {size} bytes: {error}") from error
        with contextlib.suppress(OSError):  # a kernel without huge pages is as good
            block.madvise(mmap.MADV_NOHUGEPAGE)  # they would overshoot by up to 2 MiB
        whole = (ctypes.c_char * size).from_buffer(block)
        touched = 0
        while touched < size and self._remaining_seconds() > 0:
            step = min(_STEP_BYTES, size - touched)
            ctypes.memset(ctypes.addressof(whole) + touched, 0, step)
            touched += step
        del whole  # else the block could not be closed
        self._blocks.append(block)
        self._note_held(self._held_bytes + size)

    def _shrink(self, size: int) -> bool:
        """Give back at least `size` bytes, if they are held; tell whether anything was."""
        size += -size % mmap.PAGESIZE
        gave_back = False
        while size > 0 and self._blocks:
            block = self._blocks[-1]
            part = min(size, len(block))
            if part == len(block):
                self._blocks.pop().close()
            else:
                block.resize(len(block) - part)
            self._note_held(self._held_bytes - part)
            size -= part
            gave_back = True
        return gave_back

    def _note_held(self, size: int) -> None:
        self._held_bytes = size
        self._tell(size)

    def _remaining_seconds(self) -> float:
        return 0.0 if self._ended.is_set() else self._lease.remaining_seconds()

    def _start_releaser(self) -> threading.Thread:
        releaser = threading.Thread(
            target=self._release_at_lease_end, name="fault-memory-lease", daemon=True
        )
        try:
            releaser.start()
        except RuntimeError as error:  # nothing is held that nobody would release
            raise FaultRejected("refused", f"no thread for the lease: {error}") from error
        return releaser

    def _release_at_lease_end(self) -> None:
        with self._condition:
            try:
                while (remaining := self._remaining_seconds()) > 0 or self._adjusting:
                    # None while another thread adjusts, which tells when it is done.
                    self._condition.wait(min(max(remaining, 0.0), LOOK_SECONDS) or None)
            finally:  # whatever failed, this lease ends, and the next one will
                self._releaser = None
                self._drop()

    def _drop(self) -> None:
        if not self._blocks:
            return
        blocks, self._blocks = self._blocks, []
        for block in blocks:
            block.close()
        self._note_held(0)
        self._percent = 0.0
        self._measure()  # so that the gauges show it without waiting for the sampler
