"""How long samples and logs are kept, and whether that is what was asked for.

One rule: what keeps them is asked, not the file that once configured it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict
from stack.durations import DurationError, format_duration, parse_duration
from stack.logs.indices import day_of
from stack.logs.lifecycle import POLICY, has_lifecycle, lifecycle_policy
from stack.logs.prune import LogIndex, log_indices, sort_out

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsKept:
    """How logs are deleted.

    Attributes:
        policy: the age at which the lifecycle policy deletes an index, as Elasticsearch writes it;
            "" where there is no such policy, None where the cluster knows no policies.
        indices: what is there now.
        today: UTC's.
    """

    policy: str | None
    indices: tuple[LogIndex, ...]
    today: date


def samples_kept(visit: Visit) -> str:
    """See how long Prometheus keeps samples."""
    return visit.prometheus().retention()


def logs_kept(visit: Visit) -> LogsKept:
    """See how long Elasticsearch keeps logs."""
    client = visit.elasticsearch()
    policy: str | None = None
    if has_lifecycle(client):
        found: Any = client.options(ignore_status=404).ilm.get_lifecycle(name=POLICY)
        phases = found.get(POLICY, {}).get("policy", {}).get("phases", {})
        policy = str(phases.get("delete", {}).get("min_age", ""))
    return LogsKept(policy=policy, indices=log_indices(client), today=datetime.now(UTC).date())


def judge_samples(seen: str | Missing, days: int) -> Verdict:
    """Judge how long Prometheus keeps samples; a limit of size beside it is the operator's."""
    claim, expected = f"samples are kept for {days} days", f"{days}d"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    time_, _, size = seen.partition(" or ")
    try:
        kept = parse_duration(time_.strip())
    except DurationError:
        observed = f"Prometheus names no time: {seen!r}"
        return of(claim, expected, observed, observed, _look(days))
    problem = "" if kept == days * DAY else f"Prometheus keeps them for {_d(kept)}"
    told = f"{_d(kept)}{f', and no more than {size}' if size else ''}"
    return of(claim, expected, told, problem, _look(days))


def _look(days: int) -> str:
    return f"start Prometheus with --storage.tsdb.retention.time={days}d"


def _d(duration: timedelta) -> str:
    return format_duration(duration)


def judge_logs(seen: LogsKept | Missing, days: int) -> Verdict:
    """Judge how long Elasticsearch keeps logs: by its policy, else by the age of its indices."""
    claim = f"logs are kept for {days} days"
    wanted = str(_phase(days)["min_age"])
    expected = f"policy {POLICY} deletes at {wanted}, or no index is older than {days} days"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if seen.policy is not None:
        problem = "" if seen.policy == wanted else _wrong_policy(seen.policy)
        look = f"python -m stack.logs setup --days {days}"
        return of(claim, expected, f"policy {POLICY} deletes at {wanted}", problem, look)
    old = sort_out(seen.indices, today=seen.today, days=days).old
    dated = sorted(day for one in seen.indices if (day := day_of(one.name)))
    if not dated:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed="the cluster knows no lifecycle policies, and has no log yet",
        )
    oldest = f"the oldest index is of {dated[0]}, and the cluster knows no lifecycle policies"
    problem = f"{len(old)} indices are too old; {oldest}" if old else ""
    look = f"python -m stack.logs prune --days {days} --yes, once a day"
    return of(claim, expected, oldest, problem, look)


def _wrong_policy(age: str) -> str:
    return f"policy {POLICY} deletes at {age}" if age else f"there is no policy {POLICY}"


def _phase(days: int) -> Any:
    phases: Any = lifecycle_policy(days)["phases"]
    return phases["delete"]
