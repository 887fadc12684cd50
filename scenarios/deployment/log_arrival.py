"""Whether what the service logs is found in Elasticsearch, in time.

One rule: one request is made under an id that nobody else has, and its record is looked for until
a bound that is computed; older records prove nothing of today.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import requests

from scenarios.budget import ALLOWANCE, PATIENCE
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict
from stack.logs.find import find, newest
from stack.logs.indices import PATTERN
from stack.logs.query import LogFilter
from stack.waiting import WaitTimeout, wait_until

ASK_EVERY_SECONDS = 0.25

DEFAULT_REFRESH_SECONDS = 1.0
"""How often Elasticsearch makes what was written findable, where nothing says otherwise."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What became of the record of one request.

    Attributes:
        request_id: the request's.
        url: what was asked for.
        took_seconds: from the answer until it was found; None where it was not.
        bound_seconds: how long it may take.
        watched_seconds: how long it was looked for.
        newest_at: where it was not found, the time of the newest record that there is, or "".
    """

    request_id: str
    url: str
    took_seconds: float | None
    bound_seconds: float
    watched_seconds: float
    newest_at: str = ""


def arrival(visit: Visit) -> Arrival:
    """See the record of a request arrive in Elasticsearch."""
    target = visit.target
    client = visit.elasticsearch()
    settings: Any = client.indices.get_settings(
        index=PATTERN, name="index.refresh_interval", flat_settings=True, allow_no_indices=True
    )
    bound = bound_seconds(
        target.log_delay_seconds,
        [one["settings"].get("index.refresh_interval", "") for one in settings.values()],
    )
    request_id = f"{visit.run}-log"
    service = replace(target.services[0], token="")  # that is for its monitoring endpoints
    url = service.url + target.probe_path
    try:
        visit.get(service, target.probe_path, {"X-Request-Id": request_id})
    except requests.RequestException as error:
        raise visit.not_seen(url, error) from error
    asked = time.monotonic()
    wanted = LogFilter(request_id=request_id)
    watched = max(0.0, min(bound * PATIENCE, visit.left_seconds - ASK_EVERY_SECONDS))
    try:
        wait_until(
            lambda: bool(find(client, wanted, limit=1).records),
            what=f"the record of request {request_id}",
            timeout_seconds=watched,
            interval_seconds=ASK_EVERY_SECONDS,
        )
    except WaitTimeout:
        last = newest(client)
        return Arrival(
            request_id=request_id,
            url=url,
            took_seconds=None,
            bound_seconds=bound,
            watched_seconds=watched,
            newest_at=str(last.time) if last else "",
        )
    return Arrival(
        request_id=request_id,
        url=url,
        took_seconds=time.monotonic() - asked,
        bound_seconds=bound,
        watched_seconds=watched,
    )


def bound_seconds(delay_seconds: float, refresh_intervals: list[str]) -> float:
    """Return how long a record may take: gathered, written, refreshed, and asked for. Pure.

    Raises NotSeen where an index is never refreshed by itself.
    """
    refresh = max(map(_seconds, refresh_intervals), default=DEFAULT_REFRESH_SECONDS)
    return delay_seconds + refresh + ASK_EVERY_SECONDS + ALLOWANCE.total_seconds()


def _seconds(text: str) -> float:
    if not text:
        return DEFAULT_REFRESH_SECONDS
    if text.startswith("-"):
        raise NotSeen("an index of logs is never refreshed by itself (index.refresh_interval: -1)")
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        return float(number) * _UNITS[text[len(number) :]]
    except (ValueError, KeyError):
        raise NotSeen(f"index.refresh_interval {text!r} is no duration") from None


def judge_arrival(seen: Arrival | Missing) -> Verdict:
    """Judge that the record was found within its bound."""
    claim = "logs arrive in Elasticsearch"
    if isinstance(seen, Missing):
        return seen.verdict(claim, "the record of one request")
    expected = f"the record of {seen.url} within {seen.bound_seconds:.1f} s"
    if seen.took_seconds is not None:
        took = f"found after {seen.took_seconds:.1f} s"
        late = took if seen.took_seconds > seen.bound_seconds else ""
        return of(claim, expected, took, late, "docs/runbooks/LogShippingStalled.md")
    last = f"; the newest record is of {seen.newest_at}" if seen.newest_at else "; there is none"
    observed = f"not found in {seen.watched_seconds:.1f} s{last}"
    if seen.watched_seconds < seen.bound_seconds:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"{observed}: the deadline came before the bound",
            look="give --deadline more seconds",
        )
    look = f"python -m stack.logs find --request-id {seen.request_id}; --probe-path is logged?"
    return of(claim, expected, "", observed, look)
