"""A scrape that failed, or was not made, is noted; one that can't be seen yet is neither."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from scenarios.history import Kind, Recorder
from scenarios.lost_scrapes import scrape_failures
from stack.clients.prometheus import Series

SECOND = timedelta(seconds=1)


def lost(folder: Path, points: dict[float, float], *, hidden: timedelta) -> list[float]:
    """Return how many seconds ago scrapes were lost, of `up` by seconds ago."""
    now = time.time()
    up = tuple((now - ago, value) for ago, value in sorted(points.items(), reverse=True))
    told = SimpleNamespace(query_raw=lambda _: [Series(labels={"service": "a"}, points=up)])
    recorder = Recorder("a", folder / "a.jsonl")
    scrape_failures(
        cast(Any, told), {"a": recorder}, since=now - 60, interval=SECOND, hidden=hidden
    )
    events = recorder.close().events
    return [round(now - event.at) for event in events if event.kind is Kind.SCRAPE_FAILED]


def test_a_failed_scrape_and_a_missing_one_are_noted(tmp_path: Path) -> None:
    assert lost(tmp_path, {5: 1, 4: 0, 2: 1, 1: 1}, hidden=timedelta(0)) == [4, 3]


def test_a_hole_among_the_newest_is_no_loss_where_they_may_be_hidden(tmp_path: Path) -> None:
    assert lost(tmp_path, {9: 1, 8: 1, 3: 1, 1: 1}, hidden=timedelta(seconds=7)) == []


def noted(folder: Path, series: list[Series], *, begun: float) -> list[Kind]:
    """Return what is noted of two services that are drilled since `begun` seconds ago."""
    told = SimpleNamespace(query_raw=lambda _: series)
    services = {name: Recorder(name, folder / f"{name}.jsonl") for name in ("a", "b")}
    since = time.time() - begun
    scrape_failures(cast(Any, told), services, since=since, interval=SECOND)
    assert not services["a"].close().events
    told_of = services["b"].close().events
    assert all("no scrape of b in" in event.text for event in told_of)
    return [event.kind for event in told_of]


def test_a_service_that_was_never_scraped_was_watched_by_nobody(tmp_path: Path) -> None:
    at = time.time() - 2
    seen = Series(labels={"service": "a"}, points=((at, 1.0), (at + 1, 1.0)))
    before = Series(labels={"service": "b"}, points=((at - 100, 1.0),))
    assert noted(tmp_path, [seen], begun=20) == [Kind.DISTURBED]
    assert noted(tmp_path, [seen, before], begun=20) == [Kind.DISTURBED]
    assert noted(tmp_path, [seen], begun=3) == []  # it may yet come
