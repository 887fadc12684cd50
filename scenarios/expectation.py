"""What a drill promises, gathered before it runs: the judge's yardstick beside the history.

One rule: the receivers come from the promise by severity below, never from the routing under test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from scenarios.budget import Bounds, bounds, rule_named, scraped_every, timing_of
from scenarios.heartbeat import Heartbeat, bounds_of, heartbeat_of
from scenarios.model import Drill
from stack.derive import Derived
from stack.grafana.addresses import panel_path
from stack.receivers import DEAD_MANS_SWITCH
from stack.rules import AlertRule

RECEIVERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "CRITICAL": frozenset({"pagerduty", "slack #incidents"}),
        "HIGH": frozenset({"slack #alerts", "email on-call"}),
        "MEDIUM": frozenset({"slack #alerts", "discord #ops"}),
        "LOW": frozenset({"email digest", "webhook ticket"}),
        "NONE": frozenset({"webhook heartbeat"}),
    }
)
"""Who is told of an alert, by its severity. NONE is the Watchdog's, the heartbeat."""


def severities_in_order(severities: Iterable[str]) -> tuple[str, ...]:
    """Return severities, each once: the toolkit's own, the worst first, then a team's by name."""
    found = set(severities)
    return (*(one for one in RECEIVERS if one in found), *sorted(found - RECEIVERS.keys()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be observed of one alert of one drill.

    Attributes:
        service: the ``service`` label of the drilled instance.
        receivers: exactly those that must be told; of a heartbeat's absence, the switch's own page.
        summary: a pattern that the rendered summary matches.
        action: the same of what to do first; "" where the rule does not say.
        route: which route the alert takes in the configuration, for the reader of a failure.
        downtime: whether failing scrapes are the fault itself rather than a disturbance.
        declared: every alert that may fire for this service.
        scrape: how often what the alert is made of is scraped.
        bounds: when.
        beside: every alert that may fire for the control, where the drill is about the watchers of
            its own service.
        excused: what a notification need not say, as a rule that is not the toolkit's has none.
        heartbeat: what the dead man's switch is set to, where the alert is the heartbeat.
    """

    alert: str
    service: str
    severity: str
    receivers: frozenset[str]
    runbook_url: str
    panel: str
    summary: str
    route: str
    downtime: bool
    declared: frozenset[str]
    scrape: timedelta
    bounds: Bounds
    action: str = ""
    beside: frozenset[str] = frozenset()
    heartbeat: Heartbeat | None = None
    excused: frozenset[str] = frozenset()


def expect(
    derived: Derived,
    drill: Drill,
    *,
    probe: timedelta,
    alert: str = "",
    promised: Mapping[str, frozenset[str]] | None = None,
    foreign: bool = False,
) -> Expectation:
    """Return what must be observed of ``alert``, by default the drilled one.

    ``promised`` says who is told, by severity; None for the toolkit's own promise. Of a synthetic
    drill it is whom the routing names. A ``foreign`` rule, which is not the toolkit's, need not
    have a runbook, a panel or a summary.

    Raises:
        UnknownAlert: no rule defines the alert.
        ValueError: the alert's severity promises no receiver.
    """
    alert = alert or drill.alert
    rule = rule_named(derived, alert)
    severity = rule.labels.get("severity", "")
    promised = promised or RECEIVERS
    if severity not in promised and not drill.synthetic:
        known = ", ".join(promised)
        raise ValueError(f"{alert} has severity {severity!r}; receivers are promised for {known}")
    matched = derived.route_tree.route_for(
        {**rule.labels, "alertname": alert, "service": drill.label}
    )
    route = "; ".join(
        f"alertmanager-config.yml:{one.line} names receiver {one.receiver!r}" for one in matched
    )
    routed = frozenset(
        channel for one in matched for channel in derived.route_tree.channels[one.receiver]
    )
    heart = heartbeat_of(derived, alert) if drill.heartbeat and alert == drill.alert else None
    return Expectation(
        alert=alert,
        service=drill.label,
        severity=severity,
        receivers=frozenset({DEAD_MANS_SWITCH})
        if heart
        else routed
        if drill.synthetic
        else promised[severity],
        excused=_excused(rule) if foreign else frozenset(),
        runbook_url=rule.annotations.get("runbook_url", ""),
        panel=panel_path(rule.name).rpartition("?")[2],
        summary=pattern_of(rule.annotations.get("summary", "")),
        action=pattern_of(rule.annotations.get("action", "")),
        route=route,
        downtime=drill.fault.downtime,
        declared=drill.declared,
        beside=frozenset(drill.may_fire) if drill.subject else frozenset(),
        scrape=scraped_every(derived, drill),
        bounds=bounds_of(derived, alert, heart)
        if heart
        else bounds(timing_of(derived, drill, alert=alert, probe=probe)),
        heartbeat=heart,
    )


def _excused(rule: AlertRule) -> frozenset[str]:
    """Return what the rule does not have; the panel is one of the toolkit's own dashboards."""
    there = {
        "severity": rule.labels.get("severity"),
        "runbook": rule.annotations.get("runbook_url"),
        "summary": rule.annotations.get("summary"),
    }
    return frozenset({"panel", *(name for name, value in there.items() if not value)})


_SILENT = re.compile(r"\{\{\s*(?:/\*|\$\w*\s*:?=)")
"""An action that renders nothing: a comment, or what gives a variable its value."""


def pattern_of(template: str) -> str:
    """Return a regular expression that a rendered annotation matches.

    Each action is a wildcard, and of a conditional one branch is there.
    """
    trimmed = re.sub(r"\s*\{\{-", "{{", re.sub(r"-\}\}\s*", "}}", template))
    pattern, closing = "", []
    for part in re.split(r"(\{\{.*?\}\})", trimmed, flags=re.DOTALL):
        word = part.strip("{} ").split(" ", 1)[0] if part.startswith("{{") else ""
        if not word:
            pattern += re.escape(part)
        elif word in ("if", "with", "range"):
            pattern += "(?:"
            closing.append("|)")  # without an else, it may be empty
        elif word == "else":
            pattern += "|"
            if part.strip("{} ") == "else":  # and not `else if`, after which there may be nothing
                closing[-1] = ")"
        elif word == "end":
            pattern += closing.pop()
        elif not _SILENT.match(part):
            pattern += ".+"
    return pattern
