"""The past that drills of error budgets begin with: healthy days, and latency that was just good.

One rule: only the two recorded series are made, from which all windows are averaged; whatever is
judged is evaluated by Prometheus from them and from live samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from stack import promql
from stack.backfill import PastSeries
from stack.recorded import constant_of
from stack.rules import RuleSet

BAD, TOTAL = "softfactory:slo_bad:rate", "softfactory:slo_total:rate"
BUDGET = "threshold:slo_error_budget:ratio"

LENGTH = timedelta(days=3)
"""As long as the longest window that an alert asks for."""

SPENT: Mapping[str, float] = {"availability": 0.0, "latency": 0.9, "success": 0.0}
"""Which share of its budget each objective has used all the time. Latency's is the largest budget:
from nothing, a fault would have to last for a twentieth of three days to be more than it allows."""


def healthy_past(rules: RuleSet, requests_per_second: Mapping[str, float]) -> Iterator[PastSeries]:
    """Yield the recorded series of each service, which maps to its load.

    Raises:
        KeyError: the rules record no error budget of one of the objectives.
    """
    budgets = {
        rule.labels["slo"]: constant_of(promql.parse(rule.expr)) or 0.0
        for rule in rules.recordings
        if rule.name == BUDGET
    }
    for service, rate in requests_per_second.items():
        for slo, spent in SPENT.items():
            total = 1.0 if slo == "availability" else rate
            labels = {"service": service, "slo": slo}
            yield PastSeries(name=TOTAL, labels=labels, value=total)
            yield PastSeries(name=BAD, labels=labels, value=spent * budgets[slo] * total)
