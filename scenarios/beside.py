"""Work that runs beside the drills and asks for room at the same gate.

One rule: it is done once, whoever comes first, and keeps what it raises for who asks how it went.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from scenarios.gate import Work

T = TypeVar("T")


class Once(Generic[T]):
    """Work that whoever needs it does, once. Thread-safe."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Prepare ``work``."""
        self._work = work
        self._lock = threading.Lock()
        self._begun = False
        self._outcome: Future[T] = Future()

    def run(self) -> None:
        """Do the work, unless somebody has begun it."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        try:
            self._outcome.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is wanted
            self._outcome.set_exception(error)

    def outcome(self) -> T:
        """Wait until it is done, and return what it came to; raise what it raised."""
        return self._outcome.result()

    def done(self) -> T:
        """Do the work, or wait for who does it, and return or raise as :meth:`outcome`."""
        self.run()
        return self.outcome()

    @property
    def came_to_something(self) -> bool:
        """Whether it is done, and raised nothing."""
        return self._outcome.done() and self._outcome.exception() is None


class Beside(Once[T]):
    """One piece of such work that asks for room."""

    def __init__(self, work: Callable[[], T], *, seconds: float, weight: float) -> None:
        """Prepare ``work``, which takes about ``seconds`` and ``weight`` places.

        Of all that waits for room, what takes longest is let in first (``scenarios.gate``).
        """
        super().__init__(work)
        self.seconds = seconds
        self.weight = weight

    def work(self) -> Work:
        """Return it as what the gate lets in."""
        return Work(run=self.run, seconds=self.seconds, weight=self.weight)
