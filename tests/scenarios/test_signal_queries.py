"""What a rule measured is asked for at the moments at which the rule was evaluated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.history import PRECONDITION, Event, History, Kind
from scenarios.signal_queries import (
    MOST_CURVES,
    MOST_MOMENTS,
    Moments,
    closest,
    moments_of,
    questions_of,
    read_signals,
)
from scenarios.signals import Curve
from stack.clients.prometheus import PrometheusError, Series
from stack.derive import Derived, RunAddresses, derive
from stack.production import production_files
from tests.scenarios.test_claims import ALERT, SERVICE, WANT, event, history

EVERY = timedelta(seconds=0.25)


@pytest.fixture(scope="module")
def derived() -> Derived:
    place = "127.0.0.1:1"
    return derive(
        production_files(),
        time_scale=60.0,
        run=RunAddresses(
            prometheus_targets_glob=Path("/run/targets/*.yml"),
            prometheus=place,
            alertmanager=place,
            pagerduty_url=f"http://{place}",
            smtp_smarthost=place,
            smtp_ca_file=Path("/run/ca.pem"),
            secrets_directory=Path("/run/secrets"),
        ),
        groups=None,
    )


@dataclass
class Answering:
    """A Prometheus that knows what it was asked."""

    answer: Sequence[Series] | PrometheusError
    asked: list[tuple[str, float, float, float]] = field(default_factory=list)

    def query_range(
        self, promql: str, *, start: float, end: float, step_seconds: float
    ) -> Sequence[Series]:
        self.asked.append((promql, start, end, step_seconds))
        if isinstance(self.answer, PrometheusError):
            raise self.answer
        return self.answer


def ask(prometheus: Answering, derived: Derived, seen: History | None = None) -> Any:
    return read_signals(cast(Any, prometheus), derived, WANT, seen or history())


def test_moments_fall_on_the_evaluations_of_the_rule() -> None:
    moments = moments_of(history(), ALERT, EVERY)
    assert moments is not None
    pending = history().first(Kind.PENDING, ALERT)
    assert pending is not None
    evaluations = (pending.at - moments.start) / EVERY.total_seconds()
    assert evaluations == pytest.approx(round(evaluations))
    assert moments.step_seconds == 0.25
    assert moments.end <= history().events[-1].at


def test_a_drill_after_another_alert_is_shown_from_that_ones_fault_on() -> None:
    first = Event(at=3.0, kind=Kind.PHASE, text=f"{PRECONDITION}errors")
    steady = Event(at=1.0, kind=Kind.PHASE, text="steady state")
    moments = moments_of(history(steady, first), ALERT, EVERY)
    assert moments is not None
    assert 3.0 <= moments.start < 3.25


def test_a_long_drill_is_asked_for_fewer_moments() -> None:
    long = history(event(10_000.0, Kind.ENDED))
    moments = moments_of(long, ALERT, EVERY)
    assert moments is not None
    assert moments.count <= MOST_MOMENTS + 1
    assert moments.step_seconds / EVERY.total_seconds() == pytest.approx(
        round(moments.step_seconds / EVERY.total_seconds())
    )


def test_a_drill_without_an_injection_has_no_moments_and_is_not_asked_for(
    derived: Derived,
) -> None:
    prometheus = Answering([])
    seen = ask(prometheus, derived, History.of(SERVICE, [event(1.0, Kind.ENDED)]))
    assert seen.problem
    assert prometheus.asked == []


@given(st.floats(0.0, 100.0), st.floats(0.5, 5000.0), st.sampled_from([0.25, 0.4, 15.0]))
def test_moments_lie_within_the_drill(quiet: float, lasts: float, every: float) -> None:
    seen = History.of(
        SERVICE,
        [
            event(1000.0, Kind.PHASE),
            event(1000.0 + quiet, Kind.INJECTED),
            event(1000.0 + quiet + lasts, Kind.ENDED),
        ],
    )
    moments = moments_of(seen, ALERT, timedelta(seconds=every))
    assert moments is not None
    assert 1000.0 <= moments.start <= 1000.0 + quiet
    assert 2 <= moments.count <= MOST_MOMENTS + 2


def test_values_are_put_at_their_moments_and_what_is_no_number_is_a_gap() -> None:
    moments = Moments(start=100.0, step_seconds=0.25, count=5)
    points = ((100.0, 1.234567), (100.251, 2.0), (100.5, math.nan), (100.75, math.inf))
    assert moments.values_of(Series(labels={}, points=points)) == (1.2346, 2.0, None, None, None)


def test_one_query_a_condition_narrowed_to_the_service(derived: Derived) -> None:
    prometheus = Answering([Series(labels={"service": SERVICE}, points=((10.6, 1500.0),))])
    seen = ask(prometheus, derived)
    ((query, start, end, step),) = prometheus.asked
    assert f'service=~"{SERVICE}"' in query
    assert "[5s]" in query.replace(" ", ""), "the window is the run's, not production's"
    assert (start, step) == (seen.start, seen.step_seconds)
    assert end <= history().events[-1].at
    (condition,) = seen.conditions
    assert (condition.sign, condition.limit, condition.unit) == (">", 1000.0, "milliseconds")
    assert condition.curves[0].labels == {}
    assert 1500.0 in condition.curves[0].values
    assert seen.problem == ""


def test_a_prometheus_that_does_not_answer_is_a_problem_and_no_error(derived: Derived) -> None:
    seen = ask(Answering(PrometheusError("connection refused")), derived)
    assert "connection refused" in seen.problem
    assert seen.conditions == ()
    assert seen.sentence == "A > latency_objective:milliseconds"


def test_a_rule_that_cannot_be_taken_apart_is_a_problem_and_no_error(derived: Derived) -> None:
    rule = replace(derived.rules.alert(ALERT), expr='x{path="a  b"} > 1')
    group = replace(derived.rules.groups[0], name=rule.group, rules=(rule,))
    odd = replace(derived, rules=replace(derived.rules, groups=(group,)))
    assert "could not be read" in ask(Answering([]), odd).problem


def test_series_of_other_services_are_not_shown(derived: Derived) -> None:
    both = [
        Series(labels={"service": name}, points=((10.6, value),))
        for name, value in ((SERVICE, 1.0), ("another", 9.0))
    ]
    (condition,) = ask(Answering(both), derived).conditions
    assert [max(v for v in one.values if v is not None) for one in condition.curves] == [1.0]
    assert condition.left_out == 0


def test_a_prometheus_without_a_sample_says_so(derived: Derived) -> None:
    assert "no sample" in ask(Answering([]), derived).problem


def test_every_rule_can_be_asked_for_and_every_limit_is_a_number(derived: Derived) -> None:
    for rule in derived.rules.alerts:
        _, questions = questions_of(derived, rule, "shop")
        assert questions
        assert sum(one.signal.decides for one in questions) == 1, rule.name
        for one in questions:
            assert "$" not in one.signal.query
            assert one.limit_query == "", f"{rule.name} is held against a series"
            assert (one.signal.limit is None) is (one.signal.sign == "")


def test_what_reads_no_series_is_seen_by_its_alert(derived: Derived) -> None:
    _, (only,) = questions_of(derived, derived.rules.alert("Watchdog"), "monitoring")
    assert only.signal.query == 'ALERTS{alertname="Watchdog",alertstate="firing"}'


def test_a_limit_that_is_a_series_is_asked_for(derived: Derived) -> None:
    rule = replace(
        derived.rules.alert(ALERT), expr='x{job="softfactory"} > on () y{job="softfactory"}'
    )
    _, (only,) = questions_of(derived, rule, "shop")
    assert only.signal.limit is None
    assert only.limit_query == 'y{job="softfactory",service=~"shop"}'


def test_a_limit_of_several_factors_is_one_round_number(derived: Derived) -> None:
    _, questions = questions_of(derived, derived.rules.alert("AvailabilityBudgetBurnFast"), "shop")
    assert [one.signal.limit for one in questions] == [0.0144, 0.0144, 0.006, 0.006, None]


def curves(*values: tuple[float | None, ...]) -> list[Curve]:
    return [Curve(labels={"n": str(at)}, values=one) for at, one in enumerate(values)]


@pytest.mark.parametrize(
    ("sign", "limit", "first"),
    [(">", 5.0, "2"), ("<", 5.0, "0"), ("==", 0.0, "1"), ("!=", 0.0, "0"), ("", None, "0")],
)
def test_the_series_that_came_closest_is_the_first(
    sign: str, limit: float | None, first: str
) -> None:
    some = curves((1.0, -1.0, 1.0), (0.0, 0.0, None), (2.0, 3.0, 7.0))
    if not sign:
        some = curves((1.0, 1.0), (1.0, None))
    assert closest(some, sign, limit)[0].labels["n"] == first


def test_of_many_series_only_the_closest_are_kept(derived: Derived) -> None:
    many = [
        Series(labels={"service": SERVICE, "instance": str(at)}, points=((10.6, float(at)),))
        for at in range(10)
    ]
    (condition,) = ask(Answering(many), derived).conditions
    assert 9.0 in condition.curves[0].values
    assert len(condition.curves) == MOST_CURVES
    assert condition.left_out == 10 - MOST_CURVES
