"""Whether Prometheus scrapes everything that it should.

One rule: a target that was not scraped yet is not known; none at all is a failure.
"""

from __future__ import annotations

from collections.abc import Iterable

from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Visit
from scenarios.model import JOB, WATCHERS
from scenarios.verdict import Status, Verdict
from stack.clients.prometheus import Target


def scraped(visit: Visit) -> tuple[Target, ...]:
    """See the targets of Prometheus."""
    return visit.prometheus().targets()


def concerned(service: str, wanted: str) -> bool:
    """Tell whether something of this service is looked at; `wanted` is "" for all."""
    return not wanted or service == wanted or service in WATCHERS


def judge_targets(seen: tuple[Target, ...] | Missing, service: str) -> Verdict:
    """Judge that every target is UP, of this service and of what watches; "" is any service."""
    claim, expected = "all targets are UP", "every target UP, and one of the service among them"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    ours = [one for one in seen if concerned(one.labels.get("service", ""), service)]
    of_service = [
        one
        for one in ours
        if one.labels.get("job") == JOB and service in ("", one.labels.get("service"))
    ]
    down = [one for one in ours if one.health == "down"]
    problems = [f"{_name(one)} is DOWN: {one.last_error or 'no reason given'}" for one in down]
    if not of_service:
        others = ", ".join(sorted({one.labels.get("service", "") for one in seen})) or "nothing"
        problems.append(f"Prometheus scrapes no {service or JOB} at all; it scrapes {others}")
    waiting = _names(one for one in ours if one.health not in ("up", "down"))
    if waiting and not problems:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"not scraped yet: {waiting}",
            look="look again after one scrape interval",
        )
    up = sum(one.health == "up" for one in ours)
    look = "lastError in /api/v1/targets of Prometheus; docs/runbooks/InstanceDown.md"
    return of(claim, expected, f"{up} of {len(ours)} UP", "\n".join(problems), look)


def _name(one: Target) -> str:
    return f"{one.labels.get('job')} {one.labels.get('instance')}"


def _names(several: Iterable[Target]) -> str:
    return ", ".join(sorted(_name(one) for one in several))
