"""The stop conditions: what a game day may cost whom it hits, and when that is passed.

One rule: pure functions of what was seen; whoever looks and whoever ends the faults is elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scenarios.conditions import Load
from scenarios.drill import Plan
from scenarios.faults.error import Error
from scenarios.gameday.options import Options
from scenarios.gameday.programme import announced_share, limitable
from scenarios.history import History, Kind
from scenarios.load_sample import LoadSample
from scenarios.past import BUDGET
from stack.rules import RuleSet

STOP_SECONDS = 1.0
"""A fault must be gone so soon after a stop, delays in flight included."""

WINDOW_SECONDS = 5.0
"""Clients' answers are judged over so long: a shorter time holds too few of a request a second."""

LEAST_ANSWERS = 5
"""Of fewer, one more or less is a fifth of them: nothing can be said."""

ERROR_TOLERANCE_RATIO = 0.25
"""By so much more than was announced may fail before it is more than what was announced."""

LEAST_P95_SECONDS = 2.0
"""No answer of an unfaulted request comes near it, on a busy machine neither."""

DELAY_TOLERANCE = 2.0
"""So many times the announced delay is another delay."""

BUDGET_SECONDS = 30 * 24 * 3600.0
"""The time over which the error budgets of ``alert-rules.yml`` are given."""

SUCCESS = {"slo": "success"}
"""The objective of which clients' errors are the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What ends one drill's fault; ``None`` for no such limit.

    Attributes:
        error_ratio: of the answers of the last seconds; a missing answer is an error.
        p95_seconds: the 95th percentile of the same.
        burn_ratio: the share of 30 days' success budget, at the drill's rate of requests.
    """

    error_ratio: float | None
    p95_seconds: float | None
    burn_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What clients of one drilled service saw lately, and which alerts fire.

    Attributes:
        answers, errors, p95_ms: of the last WINDOW_SECONDS.
        rate_per_second: answers a second over them.
        burnt_ratio: errors since the drill began, as a share of 30 days' success budget.
        firing: the alerts that fire for the service.
        undeclared: those that fired and may not, for this service.
    """

    drill: str
    answers: int
    errors: int
    rate_per_second: float
    p95_ms: float | None
    burnt_ratio: float
    firing: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def error_ratio(self) -> float:
        """Errors as a share of the answers; 0 where there are none."""
        return self.errors / self.answers if self.answers else 0.0


def limits_of(plan: Plan, options: Options) -> Limits:
    """Return what ends this drill: what was asked for, else what follows from its fault.

    A fault that announces errors for all requests can't fail more of them: then there is no such
    limit unless one was asked for.
    """
    fault = plan.drill.fault
    errors: float | None = min(1.0, _announced_errors(plan) + ERROR_TOLERANCE_RATIO)
    if errors == 1.0:
        errors = None
    slow: float | None = None
    if limitable(fault):
        held = fault.effect(plan.drill.load, plan.drill.service).longest_response.total_seconds()
        slow = max(LEAST_P95_SECONDS, DELAY_TOLERANCE * held)
    return Limits(
        error_ratio=errors if options.stop_error_ratio is None else options.stop_error_ratio,
        p95_seconds=slow if options.stop_p95_seconds is None else options.stop_p95_seconds,
        burn_ratio=options.stop_burn_ratio,
    )


def _announced_errors(plan: Plan) -> float:
    fault = plan.drill.fault
    if isinstance(fault, Error) or not limitable(fault):
        return announced_share(fault)
    return 0.0


def why_stop(seen: Seen, limits: Limits) -> str:
    """Return which limit was passed, and by what, or an empty text."""
    if seen.undeclared:
        return f"{', '.join(seen.undeclared)} fired for {seen.drill}, which is not declared"
    if seen.burnt_ratio > limits.burn_ratio:
        return (
            f"{seen.drill} has spent {seen.burnt_ratio:.0%} of 30 days' error budget, more than "
            f"{limits.burn_ratio:.0%}"
        )
    if seen.answers < LEAST_ANSWERS:
        return ""
    if limits.error_ratio is not None and seen.error_ratio > limits.error_ratio:
        return (
            f"{seen.error_ratio:.0%} of {seen.drill}'s answers are errors, more than "
            f"{limits.error_ratio:.0%}"
        )
    slow = limits.p95_seconds
    if slow is not None and seen.p95_ms is not None and seen.p95_ms > slow * 1000:
        return f"p95 of {seen.drill} is {seen.p95_ms / 1000:.1f} s, more than {slow:g} s"
    return ""


def seen_of(
    plan: Plan,
    samples: Sequence[LoadSample],
    history: History,
    *,
    now: float,
    budget_ratio: float,
) -> Seen:
    """Sum up what the clients saw until ``now`` (seconds since the epoch), and which alerts fire.

    ``budget_ratio`` is the share of requests that may fail (:func:`success_budget`).
    """
    lately = [one for one in samples if one.at > now - WINDOW_SECONDS]
    answers = sum(one.count for one in lately)
    firing = firing_in(history)
    return Seen(
        drill=plan.drill.id,
        answers=answers,
        errors=sum(errors_in(one) for one in lately),
        rate_per_second=answers / WINDOW_SECONDS,
        p95_ms=_p95(lately),
        burnt_ratio=sum(errors_in(one) for one in samples)
        / requests_of_budget(plan.drill.load, budget_ratio),
        firing=firing,
        undeclared=undeclared(history, plan.want.declared),
    )


def errors_in(sample: LoadSample) -> int:
    """Return how many answers were server errors, or never came."""
    return sum(
        count
        for status, count in sample.statuses.items()
        if status.startswith("5") or status == "0"
    )


def requests_of_budget(load: Load, budget_ratio: float) -> float:
    """Return how many requests may fail in 30 days at the load's rate."""
    return load.per_second * BUDGET_SECONDS * budget_ratio


def success_budget(rules: RuleSet) -> float:
    """Return the share of requests that may fail, as the rules record it.

    Raises:
        ValueError: they record none.
    """
    for rule in rules.recordings:
        if rule.name == BUDGET and SUCCESS.items() <= rule.labels.items() and rule.constant:
            return rule.constant
    raise ValueError(f"{rules.source} records no {BUDGET} of {SUCCESS}")


def firing_in(history: History) -> tuple[str, ...]:
    """Return the alerts that fire at the end of a history."""
    active: dict[str, None] = {}
    for event in history.events:
        if event.kind is Kind.FIRING:
            active[event.alert] = None
        elif event.kind is Kind.INACTIVE:
            active.pop(event.alert, None)
    return tuple(active)


def undeclared(history: History, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the alerts that fired and may not, in their order."""
    fired = dict.fromkeys(event.alert for event in history.all(Kind.FIRING))
    return tuple(alert for alert in fired if alert not in allowed)


def undeclared_beside(histories: Mapping[str, History], allowed: Collection[str]) -> str:
    """Return why alerts of services that nobody breaks end the game day, or an empty text."""
    for name, history in histories.items():
        if found := undeclared(history, allowed):
            return f"{', '.join(found)} fired for {history.service or name}, which nobody breaks"
    return ""


def _p95(samples: Sequence[LoadSample]) -> float | None:
    """Return the nearest-rank percentile of the samples' own, each weighed by its answers."""
    ordered = sorted((one.p95_ms, one.count) for one in samples if one.p95_ms is not None)
    below = 0
    for value, count in ordered:
        below += count
        if below >= 0.95 * sum(count for _, count in ordered):
            return value
    return None
