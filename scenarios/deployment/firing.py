"""Whether nothing fires that should not, and what should always fire does, and gets through.

One rule: an alert that always fires is the only proof that others could.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scenarios.deployment.rules import listed
from scenarios.deployment.seen import Missing, of
from scenarios.deployment.targets import concerned
from scenarios.deployment.visit import Visit
from scenarios.verdict import Verdict
from stack.clients.alertmanager import AmAlert
from stack.clients.prometheus import ActiveAlert
from stack.rules import RuleSet

HEARTBEAT_SEVERITY = "NONE"
"""What the alert has that always fires (`stack/alert-rules.yml`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What gets from Prometheus to Alertmanager."""

    alertmanagers: int
    firing: tuple[ActiveAlert, ...]
    held: tuple[AmAlert, ...]


def active(visit: Visit) -> tuple[ActiveAlert, ...]:
    """See the alerts that are pending or firing."""
    return visit.prometheus().active_alerts()


def passed_on(visit: Visit) -> Passed:
    """See whether Alertmanager holds what fires in Prometheus."""
    prometheus = visit.prometheus()
    return Passed(
        alertmanagers=prometheus.active_alertmanagers(),
        firing=tuple(one for one in prometheus.active_alerts() if one.state == "firing"),
        held=visit.alertmanager().alerts(),
    )


def heartbeats(rules: RuleSet) -> frozenset[str]:
    """Return the names of the alerts that always fire."""
    return frozenset(
        one.name for one in rules.alerts if one.labels.get("severity") == HEARTBEAT_SEVERITY
    )


def judge_quiet(
    seen: tuple[ActiveAlert, ...] | Missing,
    *,
    always: Collection[str],
    allowed: Collection[str],
    service: str,
) -> Verdict:
    """Judge that of this service and of what watches only allowed alerts fire, and `always` do."""
    claim = "no alert fires that must not"
    expected = f"{_names(always)} alone" if always else "none"
    if allowed:
        expected += f"; allowed: {_names(allowed)}"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    ours = [one for one in seen if concerned(one.labels.get("service", ""), service)]
    firing = [one for one in ours if one.state == "firing"]
    wrong = [one for one in firing if one.labels.get("alertname") not in {*always, *allowed}]
    silent = set(always) - {one.labels.get("alertname") for one in seen if one.state == "firing"}
    problems = [f"{_alert(one)} fires" for one in wrong]
    problems += [
        f"{name} does not fire: so nothing is known of the others" for name in sorted(silent)
    ]
    pending = _names({_alert(one) for one in ours if one.state == "pending"})
    observed = f"{_names(_alert(one) for one in firing) or 'none'} fires"
    if pending:
        observed += f"; pending: {pending}"
    look = "docs/runbooks/, or --allow-alert NAME for one that is known"
    return of(claim, expected, observed, listed(tuple(problems)), look)


def judge_passed(seen: Passed | Missing, always: Collection[str]) -> Verdict:
    """Judge that Prometheus tells an Alertmanager, and that it holds what always fires."""
    claim = "alerts get from Prometheus to Alertmanager"
    expected = f"Alertmanager holds {_names(always)}"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not seen.alertmanagers:
        return of(claim, expected, "", "Prometheus knows no Alertmanager", "alerting: in its file")
    if not always:
        return Missing(why="no rule always fires, by which it could be seen").verdict(
            claim, expected
        )
    held = {one.labels.get("alertname") for one in seen.held}
    fires = {one.labels.get("alertname") for one in seen.firing}
    gone = sorted(name for name in always if name in fires and name not in held)
    if not set(always) & fires:
        return Missing(why=f"{_names(always)} does not fire").verdict(claim, expected)
    problems = f"{', '.join(gone)} fires, and Alertmanager does not hold it" if gone else ""
    look = "/api/v1/alertmanagers of Prometheus; is it this Alertmanager?"
    return of(claim, expected, f"it holds {_names(set(always) & held)}", problems, look)


def _alert(one: ActiveAlert) -> str:
    name, service = one.labels.get("alertname", "?"), one.labels.get("service", "")
    return f"{name} of {service}" if service else name


def _names(several: Iterable[object]) -> str:
    return ", ".join(sorted(str(one) for one in several if one))
