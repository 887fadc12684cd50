"""Alert states are read from the samples of ALERTS, exactly and without guessing."""

from __future__ import annotations

from datetime import timedelta

from scenarios.alert_states import AlertStates, RuleTimes, Step, times_of
from scenarios.history import Kind
from stack.clients.prometheus import RuleSnapshot, RulesSnapshot, Series

EVALUATION = timedelta(seconds=0.25)
KEY = ("slow", "SlowResponseTime")


def alerts(state: str, *times: float) -> Series:
    labels = {"service": KEY[0], "alertname": KEY[1], "alertstate": state}
    return Series(labels=labels, points=tuple((at, 1.0) for at in times))


def advance(
    states: AlertStates, *series: Series, evaluated_at: float, active_since: float | None = None
) -> list[tuple[Kind, float]]:
    since = {} if active_since is None else {KEY: active_since}
    steps = states.advance(
        list(series),
        active_since=since,
        rules={KEY[1]: RuleTimes(0.25, for_seconds=2.0, evaluated_at=evaluated_at)},
    )
    return [(step.kind, step.at) for step in steps]


def test_a_state_begins_at_its_first_sample_and_ends_at_the_first_evaluation_without_one() -> None:
    states = AlertStates(EVALUATION)
    first = advance(states, alerts("pending", 10.0, 10.25), evaluated_at=10.25, active_since=10.0)
    assert first == [(Kind.PENDING, 10.0)]
    again = advance(
        states,
        alerts("pending", 10.0, 10.25),
        alerts("firing", 10.5, 10.75),
        evaluated_at=10.75,
        active_since=10.0,
    )
    assert again == [(Kind.FIRING, 10.5)]
    gone = advance(states, alerts("firing", 10.5, 10.75), evaluated_at=11.0)
    assert gone == [(Kind.INACTIVE, 11.0)]
    assert advance(states, alerts("firing", 10.5, 10.75), evaluated_at=12.0) == []


def test_an_alert_that_went_and_came_back_between_two_reads_was_gone() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("pending", 10.0), evaluated_at=10.0, active_since=10.0)
    back = advance(states, alerts("pending", 10.0, 10.75), evaluated_at=10.75, active_since=10.75)
    assert back == [(Kind.INACTIVE, 10.25), (Kind.PENDING, 10.75)]


def test_an_alert_was_pending_since_prometheus_says_so_and_not_since_its_first_sample() -> None:
    pending = advance(
        AlertStates(EVALUATION), alerts("pending", 10.0), evaluated_at=10.0, active_since=9.75
    )
    assert pending == [(Kind.PENDING, 9.75)]
    firing = advance(
        AlertStates(EVALUATION), alerts("firing", 10.0), evaluated_at=10.0, active_since=5.0
    )
    assert firing == [(Kind.PENDING, 5.0), (Kind.FIRING, 10.0)]


def test_an_alert_that_fires_at_its_first_evaluation_was_never_pending() -> None:
    at_once = advance(
        AlertStates(EVALUATION), alerts("firing", 10.0), evaluated_at=10.0, active_since=10.0
    )
    assert at_once == [(Kind.FIRING, 10.0)]


def test_an_evaluation_that_prometheus_skipped_is_no_end() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("pending", 10.0), evaluated_at=10.0, active_since=10.0)
    late = advance(states, alerts("pending", 10.0, 10.75), evaluated_at=10.75, active_since=10.0)
    assert late == []


def test_a_skipped_evaluation_that_is_read_after_the_alert_has_ended_is_no_end_either() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("firing", 10.0), evaluated_at=10.0, active_since=7.0)
    ended = advance(states, alerts("firing", 10.0, 10.5), evaluated_at=10.75)
    assert ended == [(Kind.INACTIVE, 10.75)]


def test_an_alert_that_fires_after_a_gap_as_long_as_its_for_was_gone() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("firing", 10.0), evaluated_at=10.0, active_since=7.0)
    back = advance(states, alerts("firing", 10.0, 12.5), evaluated_at=12.75)
    assert back == [(Kind.INACTIVE, 10.25), (Kind.FIRING, 12.5), (Kind.INACTIVE, 12.75)]


def test_a_read_before_the_next_evaluation_ends_nothing() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("firing", 10.0), evaluated_at=10.0, active_since=9.0)
    assert advance(states, alerts("firing", 10.0), evaluated_at=10.0) == []


def test_an_alert_that_prometheus_calls_active_has_not_ended_for_want_of_a_sample() -> None:
    states = AlertStates(EVALUATION)
    advance(states, alerts("firing", 10.0), evaluated_at=10.0, active_since=9.0)
    late = advance(states, alerts("firing", 10.0), evaluated_at=10.25, active_since=9.0)
    assert late == []


def test_steps_carry_whose_alert_it_is() -> None:
    steps = AlertStates(EVALUATION).advance([alerts("firing", 10.0)], active_since={}, rules={})
    assert list(steps) == [Step(service=KEY[0], alert=KEY[1], kind=Kind.FIRING, at=10.0)]


def test_an_alert_ends_by_the_interval_of_its_own_group_where_another_is_evaluated_less_often() -> (
    None
):
    states = AlertStates(timedelta(seconds=0.4))
    advance(states, alerts("firing", 10.0), evaluated_at=10.0, active_since=9.0)
    gone = advance(states, alerts("firing", 10.0), evaluated_at=10.4)
    assert gone == [(Kind.INACTIVE, 10.25)]


def test_a_gap_is_one_by_the_interval_of_its_own_group() -> None:
    states = AlertStates(timedelta(seconds=2.0))
    advance(states, alerts("pending", 10.0), evaluated_at=10.0, active_since=10.0)
    back = advance(states, alerts("pending", 10.0, 10.75), evaluated_at=10.75, active_since=10.75)
    assert back == [(Kind.INACTIVE, 10.25), (Kind.PENDING, 10.75)]


def rule(name: str, *, every: float, for_seconds: float, evaluated_at: float) -> RuleSnapshot:
    return RuleSnapshot(
        group="g",
        name=name,
        health="ok",
        every_seconds=every,
        for_seconds=for_seconds,
        last_error="",
        last_evaluation=evaluated_at,
        evaluation_seconds=0.001,
        alerts=(),
    )


def test_alerts_have_the_times_of_their_rules_and_of_two_rules_the_slower_ones() -> None:
    snapshot = RulesSnapshot(
        rules=(
            rule("A", every=0.25, for_seconds=2.0, evaluated_at=10.0),
            rule("B", every=0.4, for_seconds=3.0, evaluated_at=11.0),
            rule("B", every=0.25, for_seconds=5.0, evaluated_at=12.0),
        )
    )
    assert times_of(snapshot) == {"A": RuleTimes(0.25, 2.0, 10.0), "B": RuleTimes(0.4, 3.0, 11.0)}
