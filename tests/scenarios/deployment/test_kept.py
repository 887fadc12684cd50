"""Data is kept for as long as was asked for: no shorter, no longer."""

from __future__ import annotations

from datetime import date

import pytest

from scenarios.deployment.kept import LogsKept, judge_logs, judge_samples
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status
from stack.logs.prune import LogIndex

TODAY = date(2026, 11, 29)


def logs(policy: str | None, *days: str) -> LogsKept:
    indices = tuple(LogIndex(name=f"softfactory-logs-{day}", documents=1, bytes=1) for day in days)
    return LogsKept(policy=policy, indices=indices, today=TODAY)


@pytest.mark.parametrize(
    ("said", "days", "status"),
    [
        ("30d", 30, Status.PASS),
        ("30d or 50GiB", 30, Status.PASS),
        ("1w", 7, Status.PASS),
        ("15d", 30, Status.FAIL),
        ("30d", 7, Status.FAIL),
        ("50GiB", 30, Status.FAIL),
        ("", 30, Status.FAIL),
    ],
)
def test_samples_are_kept_as_long_as_asked(said: str, days: int, status: Status) -> None:
    assert judge_samples(said, days).status is status


def test_a_limit_of_size_beside_it_is_told() -> None:
    assert judge_samples("30d or 50GiB", 30).observed == "30d, and no more than 50GiB"


@pytest.mark.parametrize(
    ("kept", "days", "status"),
    [
        (logs("31d"), 30, Status.PASS),
        (logs("8d"), 7, Status.PASS),
        (logs("8d"), 30, Status.FAIL),
        (logs(""), 30, Status.FAIL),
        (logs(None, "2026.11.29", "2026.10.30"), 30, Status.PASS),
        (logs(None, "2026.11.29", "2026.10.29"), 30, Status.FAIL),
        (logs(None), 30, Status.UNKNOWN),
    ],
)
def test_logs_are_kept_as_long_as_asked(kept: LogsKept, days: int, status: Status) -> None:
    assert judge_logs(kept, days).status is status


def test_what_was_not_seen_is_not_known() -> None:
    assert judge_samples(Missing(why="refused"), 30).status is Status.UNKNOWN
    assert judge_logs(Missing(why="refused"), 30).status is Status.UNKNOWN
