"""Whether the service can use its database, asked in the background.

One rule: silence is bad news, and whoever waits is never the one who asks. The check runs in a
thread of its own and the background task waits for it until the deadline, so that a check that
hangs for ever still turns the gauge to 0, in time. A gauge that is *set* says so in every worker
process, and the service's answer is the worst of theirs.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask
from prometheus_client import Gauge

from instrumentation.correlation import CURRENT
from instrumentation.per_registry import PerRegistry

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation

IDLE_SECONDS = 60.0
"""How long the thread that runs the check is kept when nobody asks: longer than most paces."""

READY_SECONDS = 1.0
"""How long the readiness check may take, which only reads the last answer."""


class DatabaseProbeFailed(Exception):
    """The database can't be used, or not in time; the message is one line."""


def watch_database(
    instrumentation: "Instrumentation",
    check: Callable[[], object],
    *,
    every_seconds: float = 5.0,
    timeout_seconds: float = 3.0,
    name: str = "default",
) -> "DatabaseProbe":
    """Probe a database: `<prefix>_database_up{database}` and a critical readiness check say how.

    `check` returns when the database can be used and raises when it can't: it reads a real table
    and writes in a transaction that it rolls back. It runs in the application's context, at once
    and then every `every_seconds` seconds, never twice at a time. It is waited for here the first
    time, so that the gauge is right from the first scrape on. A database that breaks or hangs
    just after a good probe counts as down at most `every_seconds + timeout_seconds` later.

    Raises ValueError for a name in use or for times that are not above zero.
    """
    if every_seconds <= 0 or timeout_seconds <= 0:
        raise ValueError("watch_database: expected every_seconds and timeout_seconds above zero")
    suffix = "" if name == "default" else f"-{name}"
    gauge = _GAUGES.of(instrumentation)
    probe = DatabaseProbe(
        instrumentation.app,
        check,
        timeout_seconds=timeout_seconds,
        # The child is made with its first value: a new one's 0 would be the worst of all workers'.
        tell=lambda up: gauge.labels(name).set(up),
    )

    @instrumentation.ready_check(f"database{suffix}", READY_SECONDS)
    def database_is_up() -> None:
        if probe.problem is not None:
            raise DatabaseProbeFailed(probe.problem)

    with contextlib.suppress(DatabaseProbeFailed):  # the gauge says so
        probe.run()
    instrumentation.state_in_each_process(lambda: gauge.labels(name).set(probe.problem is None))
    instrumentation.background(f"database-probe{suffix}", probe.run, every_seconds)
    return probe


class DatabaseProbe:
    """Runs `check` with a deadline, remembers how it ended, and tells `tell` after each time.

    `run` is called by one thread at a time. `problem` says why the database counts as down, and
    is None while it is up.
    """

    def __init__(
        self,
        app: Flask,
        check: Callable[[], object],
        *,
        timeout_seconds: float,
        tell: Callable[[bool], None],
    ) -> None:
        self._app = app
        self._check = check
        self._timeout_seconds = timeout_seconds
        self._tell = tell
        self._attempt: _Attempt | None = None
        self._asker: _Asker | None = None
        self.problem: str | None = "no probe has ended yet"

    def run(self) -> None:
        """Probe once, or find that the last probe still hangs. Raises DatabaseProbeFailed."""
        problem: str | None = "the probe could not be made"
        try:
            problem = self._find_problem()
        finally:
            self.problem = problem
            self._tell(problem is None)
        if problem is not None:
            raise DatabaseProbeFailed(problem)

    def _find_problem(self) -> str | None:
        attempt = self._attempt
        # A fork leaves a child the attempt, but not its thread, which would never end there.
        asker = self._asker if self._asker is not None and self._asker.is_alive() else None
        if attempt is None or attempt.ended.is_set() or asker is None:
            attempt = self._attempt = _Attempt()
            if asker is None or not asker.take(attempt):
                self._asker = _Asker(self._app, self._check, attempt)
                self._start(self._asker)
        deadline = attempt.began + self._timeout_seconds
        if attempt.ended.wait(max(0.0, deadline - time.monotonic())):
            return attempt.problem
        waited_seconds = time.monotonic() - attempt.began
        return f"no answer for {waited_seconds:.1f} s, expected within {self._timeout_seconds:g} s"

    @staticmethod
    def _start(asker: "_Asker") -> None:
        request = CURRENT.set(None)  # the thread outlives the request, if it is one that asks
        try:
            asker.start()
        finally:
            CURRENT.reset(request)


class _Attempt:
    """One run of the check; it may outlive its deadline, and then nobody believes it."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.ended = threading.Event()
        self.problem: str | None = "the check ended its thread"


class _Asker(threading.Thread):
    """The thread that runs the check, one attempt after the other.

    It ends when nobody has asked for a while, as when the application was told to stop.
    """

    def __init__(self, app: Flask, check: Callable[[], object], first: _Attempt) -> None:
        super().__init__(name="database-check", daemon=True)
        self._app = app
        self._check = check
        self._next: _Attempt | None = first
        self._asked = threading.Condition()
        self._gone = False

    def take(self, attempt: _Attempt) -> bool:
        """Have an attempt made next; false where the thread is about to end."""
        with self._asked:
            if self._gone:
                return False
            self._next = attempt
            self._asked.notify()
            return True

    def run(self) -> None:
        """Make attempts until nobody asks any more, or the check ends its thread."""
        while (attempt := self._await_next()) is not None:
            self._make(attempt)

    def _await_next(self) -> _Attempt | None:
        with self._asked:
            if not self._asked.wait_for(lambda: self._next is not None, IDLE_SECONDS):
                self._gone = True
            attempt, self._next = self._next, None
            return attempt

    def _make(self, attempt: _Attempt) -> None:
        try:
            with self._app.app_context():
                self._check()
            attempt.problem = None
        except Exception as error:  # noqa: BLE001 - whatever a check raises means "down"
            first_line = (str(error).splitlines() or [""])[0]
            attempt.problem = f"{type(error).__name__}: {first_line}"
        except BaseException:
            self._gone = True  # said before the attempt has ended, so that nobody asks it again
            raise
        finally:
            attempt.ended.set()


def _make_gauge(instrumentation: "Instrumentation") -> Gauge:
    return Gauge(
        f"{instrumentation.prefix}_database_up",
        "1 while the database can be read and written; a probe that hangs makes it 0.",
        ["database"],
        registry=instrumentation.registry,
        multiprocess_mode="livemin",
    )


_GAUGES = PerRegistry(_make_gauge)
