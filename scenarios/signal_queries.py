"""Asks Prometheus for what a rule measured while it was drilled, and what that was held against.

One rule: asked once a drill, when its history is complete and its series are still there, at the
moments at which the rule itself was evaluated. It is a picture for people: no judge reads it, and
what could not be read is said in it and disturbs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import promql_parser as ast

from scenarios.expectation import Expectation
from scenarios.history import PRECONDITION, History, Kind
from scenarios.signals import Curve, Signal, Signals
from stack import promql
from stack.clients.prometheus import PrometheusClient, PrometheusError, Series
from stack.derive import Derived
from stack.grafana.chosen_service import for_service
from stack.grafana.conditions import Condition, on_one_line, read_conditions
from stack.recorded import Record, inline
from stack.rules import AlertRule
from stack.selectors import selectors

MOST_MOMENTS = 600
"""So many values a series at most: more than a page has pixels for."""

MOST_CURVES = 4
"""So many series of one condition are kept: those that came closest to meeting it."""

LARGEST = 1e100
"""What is larger, as an infinite quantile is, is no place in a picture."""

DIGITS = 5
"""Significant digits of a value: more than can be told apart in a picture."""

TOLD_ALREADY = frozenset({"__name__", "service", "alertname", "alertstate", "severity", "category"})
"""Labels that tell no two series of one drill apart."""

LEAD = timedelta(seconds=2)
"""How long before the injection the picture begins, where the history does not begin later; where
another alert must have fired before, it begins with that one's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The moments of a picture: ``count`` of them, ``step_seconds`` apart."""

    start: float
    step_seconds: float
    count: int

    @property
    def end(self) -> float:
        """The last moment."""
        return self.start + self.step_seconds * (self.count - 1)

    def values_of(self, series: Series) -> tuple[float | None, ...]:
        """Return a value a moment: what is no number, or endless, can't be drawn."""
        values: list[float | None] = [None] * self.count
        for at, value in series.points:
            place = round((at - self.start) / self.step_seconds)
            if 0 <= place < self.count and abs(value) < LARGEST:  # and so no NaN
                values[place] = float(f"{value:.{DIGITS}g}")
        return tuple(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask of one condition; ``limit_query`` is "" where the limit is known without."""

    signal: Signal
    limit_query: str = ""


@dataclass(slots=True)
class _Answers:
    """What was asked already: conditions may share what they measure."""

    prometheus: PrometheusClient
    moments: Moments
    service: str
    known: dict[str, list[Series]] = field(default_factory=dict)

    def to(self, query: str) -> list[Series]:
        """Return the series of the drilled service, and those that belong to none."""
        if query not in self.known:
            one = self.moments
            found = self.prometheus.query_range(
                query, start=one.start, end=one.end, step_seconds=one.step_seconds
            )
            self.known[query] = [
                each for each in found if each.labels.get("service", self.service) == self.service
            ]
        return self.known[query]


def read_signals(
    prometheus: PrometheusClient, derived: Derived, want: Expectation, history: History
) -> Signals:
    """Ask Prometheus for what the drilled rule measured; a problem is in what is returned."""
    rule = derived.rules.alert(want.alert)
    moments = moments_of(history, want.alert, evaluated_every(derived, rule))
    if moments is None:
        return Signals(problem="the drill did not come to its injection")
    answers = _Answers(prometheus=prometheus, moments=moments, service=want.service)
    found: list[Signal] = []
    sentence = problem = ""
    try:
        sentence, questions = questions_of(derived, rule, want.service)
        found.extend(_answered(one, answers) for one in questions)
    except (PrometheusError, promql.PromQLError) as error:
        problem = f"the series could not be read: {error}"
    if not problem and not any(one.curves for one in found):
        problem = "Prometheus has no sample of what the rule measures"
    return Signals(
        sentence=sentence,
        start=moments.start,
        step_seconds=moments.step_seconds,
        conditions=tuple(found),
        problem=problem,
    )


def evaluated_every(derived: Derived, rule: AlertRule) -> timedelta:
    """Return how often the rule's group is evaluated."""
    own = next(group.interval for group in derived.rules.groups if group.name == rule.group)
    return own or derived.evaluation_interval


def moments_of(history: History, alert: str, every: timedelta) -> Moments | None:
    """Return the moments between a drill's steady state and its end at which ``alert`` was judged.

    They fall on those of the rule's own evaluations, which its first change tells; of a long drill
    it is each so manieth evaluation. ``None`` where nothing was injected.
    """
    injected = history.first(Kind.INJECTED)
    if injected is None:
        return None
    interval = every.total_seconds()
    begun, ended = history.events[0].at, history.events[-1].at
    lead = injected.at - max(LEAD.total_seconds(), 4 * interval)
    before = (one.at for one in history.all(Kind.PHASE) if one.text.startswith(PRECONDITION))
    begun = min(max(begun, min([lead, *before])), injected.at)
    changed = (Kind.PENDING, Kind.FIRING)
    change = next(
        (one for one in history.events if one.alert == alert and one.kind in changed), None
    )
    if change is not None:
        begun = change.at - math.floor((change.at - begun) / interval) * interval
    step = interval * max(1, math.ceil((ended - begun) / interval / MOST_MOMENTS))
    return Moments(
        start=begun, step_seconds=step, count=max(2, math.floor((ended - begun) / step) + 1)
    )


def questions_of(
    derived: Derived, rule: AlertRule, service: str
) -> tuple[str, tuple[Question, ...]]:
    """Return the rule's sentence, and what to ask of each of its conditions for one service.

    A condition that reads no series at all is the same whatever happens, so that the alert's own
    state stands for it.
    """
    reading = read_conditions(promql.parse(rule.expr))
    records = [
        Record(name=one.name, labels=one.labels, expr=one.expr) for one in derived.rules.recordings
    ]
    return reading.sentence, tuple(
        Question(
            signal=Signal(
                letter=one.letter,
                query=_narrowed(one.measured, service)
                if any(selectors(one.measured))
                else f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}',
                sign=one.sign,
                limit=limit,
                limit_name=one.limit_name,
                unit=_unit(one),
                decides=one is reading.deciding,
            ),
            limit_query=""
            if one.limit is None or limit is not None
            else _narrowed(one.limit, service),
        )
        for one in reading.conditions
        for limit in [_number(one.limit, records)]
    )


def _answered(asked: Question, answers: _Answers) -> Signal:
    one, moments = asked.signal, answers.moments
    limits = answers.to(asked.limit_query) if asked.limit_query else []
    moving = moments.values_of(limits[0]) if limits else ()
    curves = [
        Curve(
            labels={
                name: value for name, value in series.labels.items() if name not in TOLD_ALREADY
            },
            values=moments.values_of(series),
        )
        for series in answers.to(one.query)
    ]
    drawn = [curve for curve in curves if any(value is not None for value in curve.values)]
    kept = closest(drawn, one.sign, one.limit)
    return replace(one, moving_limit=moving, curves=tuple(kept), left_out=len(drawn) - len(kept))


def closest(curves: Iterable[Curve], sign: str, limit: float | None) -> Sequence[Curve]:
    """Return the curves that came closest to meeting a condition, the closest one first.

    Of a condition that is an equality, or has no limit, those that met it most often.
    """

    def far(curve: Curve) -> float:
        values = [value for value in curve.values if value is not None]
        if sign.startswith(">"):
            return -max(values)
        if sign.startswith("<"):
            return min(values)
        return -sum(limit is None or (value == limit) is (sign == "==") for value in values)

    return sorted(curves, key=far)[:MOST_CURVES]


def _narrowed(expr: ast.Expr, service: str) -> str:
    return on_one_line(for_service(promql.unwrap(expr))).replace("$service", service)


def _number(limit: ast.Expr | None, records: Sequence[Record]) -> float | None:
    number = None if limit is None else promql.constant(inline(limit, records))
    # 14.4 * 0.001 is 0.0144 to a person, and not 0.014400000000000001.
    return None if number is None else float(f"{number:.12g}")


def _unit(condition: Condition) -> str:
    """Return the unit of what is measured: that of the threshold; a factor leaves the other's."""
    return next(_units(condition.thresholds), "")


def _units(thresholds: Iterable[str]) -> Iterator[str]:
    for name in thresholds:
        unit = name.rpartition(":")[2]
        if unit != "factor":
            yield unit
