"""Liveness touches nothing; readiness asks each registered check, in time or not at all.

Bodies follow the IETF draft "Health Check Response Format for HTTP APIs" (health+json): `status`
is pass, warn or fail, and `checks` holds one list of results for each check.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask

CONTENT_TYPE = "application/health+json"
FAILURE_CACHE_SECONDS = 0.5
"""How long a failed check is believed: a burst of probes must not storm a broken dependency."""

CheckFunction = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Outcome of one check; `error` is None where it passed. `time` is UTC, ISO 8601."""

    name: str
    critical: bool
    error: str | None
    duration_ms: float
    time: str

    @property
    def status(self) -> str:
        """One of pass, warn (a check that is not critical failed) and fail."""
        if self.error is None:
            return "pass"
        return "fail" if self.critical else "warn"


class _Run:
    """One run of a check, which several askers may wait for."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.started_at = (
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        self.done = threading.Event()
        self.ended: float | None = None
        self.error: str | None = None


class _Check:
    """A registered check: at most one run of it is under way, however many ask."""

    def __init__(
        self, app: Flask, name: str, function: CheckFunction, timeout_seconds: float, critical: bool
    ) -> None:
        self.name = name
        self._app = app
        self._function = function
        self._timeout_seconds = timeout_seconds
        self._critical = critical
        self._lock = threading.Lock()
        self._run: _Run | None = None

    def begin(self) -> _Run:
        with self._lock:
            run = self._run
            if run is not None:
                if run.ended is None:
                    return run
                recent = time.monotonic() - run.ended < FAILURE_CACHE_SECONDS
                if run.error is not None and recent:
                    return run
            run = self._run = _Run()
        threading.Thread(
            target=self._execute, args=(run,), name=f"ready-{self.name}", daemon=True
        ).start()
        return run

    def wait(self, run: _Run) -> CheckResult:
        remaining = run.started + self._timeout_seconds - time.monotonic()
        answered = run.done.wait(max(0.0, remaining))
        ended = run.ended or time.monotonic()
        return CheckResult(
            name=self.name,
            critical=self._critical,
            error=run.error if answered else f"no answer within {self._timeout_seconds:g} s",
            duration_ms=(ended - run.started) * 1000.0,
            time=run.started_at,
        )

    def _execute(self, run: _Run) -> None:
        try:
            with self._app.app_context():
                self._function()
        except Exception as error:  # noqa: BLE001 - whatever a check raises means "not ready"
            run.error = f"{type(error).__name__}: {error}"
        finally:
            run.ended = time.monotonic()
            run.done.set()


class Readiness:
    """The checks that decide whether the service should be given traffic."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._checks: dict[str, _Check] = {}

    def add(
        self, name: str, function: CheckFunction, *, timeout_seconds: float, critical: bool
    ) -> None:
        """Register a check, which passes by returning. Raises ValueError for a name in use."""
        if name in self._checks:
            raise ValueError(f"ready check {name!r} exists: {', '.join(self._checks)}")
        self._checks[name] = _Check(self._app, name, function, timeout_seconds, critical)

    def results(self) -> list[CheckResult]:
        """Run all checks side by side and return when each has answered or is out of time."""
        checks = list(self._checks.values())
        runs = [check.begin() for check in checks]
        return [check.wait(run) for check, run in zip(checks, runs, strict=True)]


def ready_body(results: list[CheckResult]) -> tuple[dict[str, Any], int]:
    """Return the health+json body and the HTTP status: 200 for pass and warn, 503 for fail."""
    statuses = {result.status for result in results}
    status = next((one for one in ("fail", "warn") if one in statuses), "pass")
    checks = {result.name: [_entry(result)] for result in results}
    return {"status": status, "checks": checks}, 503 if status == "fail" else 200


def _entry(result: CheckResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "componentType": "component",
        "status": result.status,
        "time": result.time,
        "observedValue": round(result.duration_ms, 3),
        "observedUnit": "ms",
    }
    if result.error is not None:
        entry["output"] = result.error
    return entry
