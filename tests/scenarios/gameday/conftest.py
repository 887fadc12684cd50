"""Plans as a game day makes them, and samples and histories written by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scenarios.catalogue import drills
from scenarios.drill import Plan
from scenarios.gameday.programme import planned
from scenarios.history import Event, History, Kind
from scenarios.load_sample import FaultedAnswers, LoadSample
from scenarios.settings import Settings

CATALOGUE = {drill.id: drill for drill in drills()}
PLANNED = ("SlowResponseTime", "HighErrorRate", "SoftFactoryDown-killed", "HighErrorRate-below")


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    return planned(Settings(hold_seconds=30.0), [CATALOGUE[name] for name in PLANNED])


@pytest.fixture(scope="session")
def slow(plans: dict[str, Plan]) -> Plan:
    return plans["SlowResponseTime"]


def a_sample(
    at: float, count: int = 1, *, errors: int = 0, faulted: int = 0, p95_ms: float | None = 20.0
) -> LoadSample:
    statuses = {"200": count - errors, "500": errors}
    return LoadSample(
        target="SlowResponseTime",
        at=at,
        count=count,
        missed=0,
        statuses={status: number for status, number in statuses.items() if number},
        p50_ms=p95_ms,
        p95_ms=p95_ms,
        max_ms=p95_ms,
        faulted=FaultedAnswers(
            count=faulted,
            first_at=at if faulted else None,
            statuses={},
            min_ms=None,
            max_ms=None,
            results={},
        ),
    )


@pytest.fixture
def sample() -> Callable[..., LoadSample]:
    return a_sample


@pytest.fixture
def told() -> Callable[..., Event]:
    def make(at: float, headline: str, alert: str = "SlowResponseTime") -> Event:
        detail = {"receiver": "slack #alerts", "status": "firing", "headline": headline}
        return Event(at=at, kind=Kind.DELIVERED, alert=alert, detail=detail)

    return make


@pytest.fixture
def went() -> Callable[..., History]:
    """A history of (time, kind) or (time, kind, alert), and of whole events."""

    def make(*events: Event | tuple) -> History:
        made = []
        for one in events:
            if isinstance(one, Event):
                made.append(one)
            else:
                at, kind, alert = (*one, "")[:3]
                made.append(
                    Event(at=at, kind=kind, alert=alert, text="why" if kind is Kind.STOPPED else "")
                )
        return History.of("SlowResponseTime", made)

    return make
