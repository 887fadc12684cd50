"""Whether the error budgets still allow a deploy.

One rule: what Prometheus recorded is believed; a budget without a number is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scenarios.deployment.rules import listed
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict
from stack.clients.prometheus import Sample
from stack.rules import RuleSet, load_rules

RECORDED = "slo_budget_remaining:ratio"
"""How the name of the recorded series ends: of the whole budget, what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What is left, of each objective of each service."""

    series: str
    samples: tuple[Sample, ...]


def recorded_budget(rules: RuleSet) -> str | None:
    """Return the name of the series that says how much of the budgets is left."""
    return next((one.name for one in rules.recordings if one.name.endswith(RECORDED)), None)


def budgets(visit: Visit) -> Budgets:
    """See how much of the error budgets is left."""
    file = visit.target.files.rules
    series = recorded_budget(load_rules(file.read_text(encoding="utf-8"), file.name))
    if series is None:
        raise NotSeen(f"{file.name} records no {RECORDED}")
    return Budgets(series=series, samples=tuple(visit.prometheus().query(series)))


def judge_budgets(seen: Budgets | Missing, *, service: str, minimum: float) -> Verdict:
    """Judge that more than `minimum` (0 to 1) of each budget is left."""
    claim, expected = "error budget is left", f"more than {minimum:.0%} of each objective's"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    ours = [one for one in seen.samples if service in ("", one.labels.get("service"))]
    known = [one for one in ours if not math.isnan(one.value)]
    spent = tuple(f"{_of(one)}: {one.value:.0%} is left" for one in known if one.value <= minimum)
    if not spent and len(known) < max(1, len(ours)):
        unknown = ", ".join(_of(one) for one in ours if math.isnan(one.value))
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"{seen.series} has no number" + (f" for {unknown}" if unknown else ""),
            look="no request yet, or a Prometheus that is less than two minutes old",
        )
    least = min(known, key=lambda one: one.value, default=None)
    observed = f"{least.value:.0%} or more, {_of(least)} the least" if least else ""
    return of(claim, expected, observed, listed(spent), "docs/MONITORING-SETUP.md, Error budgets")


def _of(one: Sample) -> str:
    return f"{one.labels.get('slo', '?')} of {one.labels.get('service', '?')}"
