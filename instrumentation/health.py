"""Liveness touches nothing; readiness asks each registered check, in time or not at all.

Bodies follow the IETF draft "Health Check Response Format for HTTP APIs" (health+json): `status`
is pass, warn or fail, and `checks` holds one list of results for each check. A check has one
thread at most, however long it hangs and however many ask.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Flask

from instrumentation.correlation import CURRENT
from instrumentation.draining import is_draining

CONTENT_TYPE = "application/health+json"

BELIEVED_SECONDS = 1.0
"""How long an answer is believed, good or bad: probes from every side must not storm a dependency,
and a second is less than the shortest period that Kubernetes knows to probe with."""

DRAINING = "draining: the server is about to stop accepting requests"

_LONGEST_OUTPUT = 300

CheckFunction = Callable[[], object]
Redact = Callable[[str], str]


class CheckResult(NamedTuple):
    """Outcome of one check; `error` is None where it passed. `time` is UTC, ISO 8601."""

    name: str
    critical: bool
    error: str | None
    duration_ms: float
    time: str
    component_type: str = "component"
    component_id: str | None = None

    @property
    def status(self) -> str:
        """One of pass, warn (a check that is not critical failed) and fail."""
        if self.error is None:
            return "pass"
        return "fail" if self.critical else "warn"


class _Outcome(NamedTuple):
    """How a run ended, and when (monotonic)."""

    error: str | None
    ended: float


class _Run:
    """One run of a check, which several askers may wait for; `outcome` is None until it ends."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.started_at = timestamp(time.time())
        self.pid = os.getpid()
        self.done = threading.Event()
        self.outcome: _Outcome | None = None


class _Check(NamedTuple):
    """What a team registers; see `Readiness.add`."""

    name: str
    function: CheckFunction
    timeout_seconds: float
    critical: bool
    component_type: str
    component_id: str | None


class _Runner:
    """Runs one check: never again before the run before has ended."""

    def __init__(self, app: Flask, check: _Check, redact: Redact) -> None:
        self._app = app
        self._redact = redact
        self._check = check
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._before: _Run | None = None

    def begin(self) -> _Run:
        """Return the run to wait for: the one under way, a recent one, or a new one."""
        with self._lock:
            run = self._run
            if run is not None and run.pid == os.getpid():  # no thread survives a fork
                outcome = run.outcome
                if outcome is None or time.monotonic() - outcome.ended < BELIEVED_SECONDS:
                    return run
                self._before = run
            run = self._run = _Run()
            thread = threading.Thread(
                target=self._execute, args=(run,), name=f"ready-{self._check.name}", daemon=True
            )
            request = CURRENT.set(None)  # it belongs to no request, whoever asks first
            try:
                thread.start()
            except RuntimeError as error:  # the process may start no more threads
                self._end(run, f"the check could not be started: {error}")
            finally:
                CURRENT.reset(request)
        return run

    def wait(self, run: _Run) -> CheckResult:
        """Return how the run ended, or that it is out of time."""
        run.done.wait(max(0.0, run.started + self._check.timeout_seconds - time.monotonic()))
        return self._result(run)

    def known(self) -> CheckResult | None:
        """Return the latest result, or None before the first; runs nothing."""
        run = self._run
        if run is not None and run.outcome is None:
            in_time = time.monotonic() - run.started < self._check.timeout_seconds
            run = self._before if in_time else run
        return self._result(run) if run is not None and run.pid == os.getpid() else None

    def _result(self, run: _Run) -> CheckResult:
        check, outcome = self._check, run.outcome
        took_seconds = (time.monotonic() if outcome is None else outcome.ended) - run.started
        if outcome is None:
            error: str | None = (
                f"no answer within {check.timeout_seconds:g} s; still running since "
                f"{run.started_at}"
            )
        elif outcome.error is None and took_seconds > check.timeout_seconds:
            error = f"took {took_seconds:.3g} s, longer than {check.timeout_seconds:g} s"
        else:
            error = outcome.error
        return CheckResult(
            name=check.name,
            critical=check.critical,
            error=error,
            duration_ms=took_seconds * 1000.0,
            time=run.started_at,
            component_type=check.component_type,
            component_id=check.component_id,
        )

    def _execute(self, run: _Run) -> None:
        error: str | None = "the check ended its thread"
        try:
            with self._app.app_context():
                self._check.function()
            error = None
        except Exception as raised:  # noqa: BLE001  # whatever a check raises means "not ready"
            error = _described(raised, self._redact)
        finally:
            self._end(run, error)

    @staticmethod
    def _end(run: _Run, error: str | None) -> None:
        run.outcome = _Outcome(error=error, ended=time.monotonic())
        run.done.set()


class Readiness:
    """The checks that decide whether the service should be given traffic.

    `redact` hides what no text of a failed check may show.
    """

    def __init__(self, app: Flask, *, redact: Redact) -> None:
        self._app = app
        self._redact = redact
        self._runners: dict[str, _Runner] = {}
        self._drained = False

    def add(
        self,
        name: str,
        function: CheckFunction,
        *,
        timeout_seconds: float,
        critical: bool,
        component_type: str = "component",
        component_id: str | None = None,
    ) -> None:
        """Register a check, which passes by returning.

        `component_type` is component, datastore, system, or a word of the team's own. Raises
        ValueError for a name in use or a deadline that is not above zero.
        """
        if name in self._runners:
            raise ValueError(f"ready check {name!r} exists: {', '.join(self._runners)}")
        if not timeout_seconds > 0:
            raise ValueError(f"ready check {name!r}: expected timeout_seconds above zero")
        self._runners[name] = _Runner(
            self._app,
            _Check(
                name=name,
                function=function,
                timeout_seconds=timeout_seconds,
                critical=critical,
                component_type=component_type,
                component_id=component_id,
            ),
            self._redact,
        )

    def drain(self) -> None:
        """Say from now on that no traffic should come; for an application that ends itself."""
        self._drained = True

    @property
    def draining(self) -> bool:
        """Whether this application, or the server that it runs in, is about to stop."""
        return self._drained or is_draining()

    def results(self) -> list[CheckResult]:
        """Run all checks side by side and return when each has answered or is out of time."""
        runners = list(self._runners.values())
        runs = [runner.begin() for runner in runners]
        return [runner.wait(run) for runner, run in zip(runners, runs, strict=True)]

    def known(self) -> dict[str, CheckResult | None]:
        """Return what is known of each check in this process, without running any."""
        return {name: runner.known() for name, runner in self._runners.items()}

    def answer(self) -> tuple[dict[str, Any], int]:
        """Return the health+json body and the HTTP status; no check runs while draining."""
        if self.draining:
            return {"status": "fail", "output": DRAINING}, 503
        return ready_body(self.results())


def ready_body(results: list[CheckResult]) -> tuple[dict[str, Any], int]:
    """Return the health+json body and the HTTP status: 200 for pass and warn, 503 for fail."""
    status = worst(results)
    checks = {result.name: [_entry(result)] for result in results}
    return {"status": status, "checks": checks}, 503 if status == "fail" else 200


def worst(results: list[CheckResult]) -> str:
    """Return the status of all checks together."""
    statuses = {result.status for result in results}
    return next((one for one in ("fail", "warn") if one in statuses), "pass")


def _entry(result: CheckResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "componentType": result.component_type,
        "status": result.status,
        "time": result.time,
        "observedValue": round(result.duration_ms, 3),
        "observedUnit": "ms",
    }
    if result.component_id is not None:
        entry["componentId"] = result.component_id
    if result.error is not None:
        entry["output"] = result.error
    return entry


def timestamp(epoch_seconds: float) -> str:
    """Return a moment as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _described(error: Exception, redact: Redact) -> str:
    """Return the exception's class and first line, without the credentials that it may quote.

    Only the first line: database drivers add the statement and its parameters below.
    """
    lines = str(error).strip().splitlines()
    text = redact(lines[0]) if lines else ""
    return f"{type(error).__name__}: {text}"[:_LONGEST_OUTPUT].removesuffix(": ")
