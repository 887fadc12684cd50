"""Whether the machine can bear one more drill, whatever else it is doing.

One rule: a drill that waits costs a few seconds; one that starves its neighbours of their scrapes
costs the run. Nothing here knows what the drills are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

STAT = Path("/proc/stat")
SAMPLE_SECONDS = 0.25
SAMPLES = 4

LEAST_IDLE_RATIO = 0.25
"""Scrapes have 250 ms at time scale 60, and one that comes at a bad moment waits for a processor.
Seen with ``pytest checks`` on two cores, with 0.2: of seven runs three repeated one to four drills,
which had lost scrapes."""

CONTAINED_IDLE_RATIO = 0.2
"""The same where what is scraped is in containers, which weigh more than all else
(``stack.launch.containers.group``): with it ten runs in a row repeated none."""

STARVED_IDLE_RATIO = 0.03
"""With less than this idle over a second, whoever wakes waits for a processor: a start that takes a
third of a second takes several, and what the run sees is the machine."""

FEW_PER_CORE = 3
"""So many are let in for each core on a busy machine too, or a run beside steady work would never
end."""

MOST_PER_CORE = 20
"""More are never inside: each instance has some 60 MB of its own, and where the idle time of a
machine says little of what this run may use of it, nothing else would stop them."""

UNSEEN_SECONDS = 3.0
"""How long what an instance takes is not in the figures yet: it comes up and is loaded within a
second or two, and the figures are of the last one."""

LATER_SECONDS = 7.0
"""The same where it is the fault that takes most: it comes once the instance was discovered, which
takes five seconds at most, and its clients were served for one."""


def busy_and_idle(stat: str, cores: Collection[int]) -> tuple[int, int]:
    """Return the ticks that these processors together were busy and idle, of /proc/stat's text.

    What yields (proc(5), ``nice``) is busy all the same: it yields to those of its own session or
    group, and whose it is, is not told. What is known to yield to this run is told apart.
    """
    busy = idle = 0
    wanted = {f"cpu{core}" for core in cores}
    for line in stat.splitlines():
        name, _, rest = line.partition(" ")
        if name in wanted:
            fields = [int(value) for value in rest.split()[:8]]
            waiting = fields[3] + fields[4]  # for work, and for a disk
            idle += waiting
            busy += sum(fields) - waiting
    return busy, idle


class _Promise(NamedTuple):
    at: float
    cores: float
    unseen_seconds: float

    def unseen_cores(self, now: float, began: float) -> float:
        """Return how much of it the figures don't show yet: less and less, as it comes up."""
        age = now - max(self.at, began)
        if 0.0 <= age < self.unseen_seconds:
            return self.cores * (1.0 - age / self.unseen_seconds)
        return self.cores if age < 0.0 else 0.0


class Headroom:
    """How idle the machine's processors are, less what was promised. A context manager."""

    def __init__(
        self,
        cores: Collection[int],
        read: Callable[[], str] = STAT.read_text,
        *,
        yielded: Callable[[], int] = lambda: 0,
        least_idle_ratio: float = LEAST_IDLE_RATIO,
        few_per_core: int = FEW_PER_CORE,
        most_per_core: int = MOST_PER_CORE,
    ) -> None:
        """Watch these processors, by number: those that this run may use.

        ``least_idle_ratio`` is how much of them stays idle, 0 to 1.
        ``yielded`` returns the ticks that went, so far, to processes that yield to this run: it
        could have had them.
        """
        self._cores = frozenset(cores)
        self._few = few_per_core * len(self._cores)
        self._most = most_per_core * len(self._cores)
        self._read = read
        self._yielded = yielded
        self._least_idle_ratio = least_idle_ratio
        self._changed = threading.Condition()
        self._samples = [self._sample()]
        self._promised: list[_Promise] = []
        self._began = float("inf")
        self._inside = 0
        self._starved: list[float] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="headroom", daemon=True)

    def __enter__(self) -> Headroom:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    @property
    def idle_ratio(self) -> float:
        """The idle share of the processors over the last second, 0 to 1."""
        (busy_then, idle_then), (busy, idle) = self._samples[0], self._samples[-1]
        ticks = busy - busy_then + idle - idle_then
        return (idle - idle_then) / ticks if ticks > 0 else 1.0

    @property
    def starved(self) -> tuple[float, ...]:
        """When, in seconds since the epoch, the processors had nothing left for a second."""
        with self._changed:
            return tuple(self._starved)

    def begin(self) -> None:
        """Tell that what was let in so far is scraped and watched only from now on."""
        with self._changed:
            self._began = time.monotonic()

    @contextmanager
    def room(
        self, needed: float, *, timeout_seconds: float, unseen_seconds: float = UNSEEN_SECONDS
    ) -> Iterator[None]:
        """Wait until ``needed`` cores more can be borne, and be inside until the context ends.

        Whoever was let in counts with what it needs, and with less and less of it, until all
        shows in the figures after ``unseen_seconds``. Where only few are inside, the next one need
        not wait. After ``timeout_seconds`` the drill begins all the same; its evidence shows
        whether it was borne.
        """
        with self._changed:
            deadline = time.monotonic() + timeout_seconds
            while not self._has_room(needed) and time.monotonic() < deadline:
                self._changed.wait(SAMPLE_SECONDS)
            self._promised.append(_Promise(time.monotonic(), needed, unseen_seconds))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def _has_room(self, needed: float) -> bool:
        if self._inside < self._few:
            return True
        if self._inside >= self._most:
            return False
        now = time.monotonic()
        self._promised = [one for one in self._promised if one.unseen_cores(now, self._began) > 0]
        promised = needed + sum(one.unseen_cores(now, self._began) for one in self._promised)
        return self.idle_ratio - promised / len(self._cores) >= self._least_idle_ratio

    def _sample(self) -> tuple[int, int]:
        busy, idle = busy_and_idle(self._read(), self._cores)
        yielded = self._yielded()
        return busy - yielded, idle + yielded

    def _watch(self) -> None:
        while not self._closed.wait(SAMPLE_SECONDS):
            with self._changed:
                self._samples = [*self._samples, self._sample()][-SAMPLES:]
                if len(self._samples) == SAMPLES and self.idle_ratio < STARVED_IDLE_RATIO:
                    self._starved.append(time.time())
                self._changed.notify_all()
