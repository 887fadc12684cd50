"""A rule is noisy, near, far or quiet by its past, and without one it is never quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stack.baseline.judging import stand
from stack.baseline.past import Past
from stack.baseline.question import question_about
from stack.baseline.standing import Aim, Standing, Verdict, written
from stack.rules import RuleSet
from tests.stack.baseline.building import DAY, past_of, rules_of

AIM = Aim(most_a_month=4, least=timedelta(days=1), tighten=False)
ABOVE = rules_of("a > scalar(threshold:x:ratio)")
BELOW = rules_of("a < scalar(threshold:x:ratio)")
STATE = rules_of("a == 0", for_="2m")


def judged(past: Past, rules: RuleSet = ABOVE, aim: Aim = AIM) -> Standing:
    rule = rules.alert("A")
    return stand(rule, question_about(rule, rules), past, aim)


def crossing(times: int, value: float, *, days: int = 3, minutes: int = 10) -> list[float | None]:
    values: list[float | None] = [0.02] * (days * DAY)
    for number in range(times):
        at = 100 + number * 100
        values[at : at + minutes] = [value] * minutes
    return values


def test_a_rule_that_fires_more_often_than_it_may_is_noisy_and_the_next_quiet_one_is_proposed():
    found = judged(past_of(crossing(7, 0.07), limit=0.05))
    assert (found.verdict, found.firings, found.a_month) == (Verdict.NOISY, 7, pytest.approx(70))
    assert found.proposed is not None
    assert (found.proposed.limit, found.proposed.firings) == (0.08, 0)
    assert found.longer_for == ((2, 0.0), (4, 0.0)), "ten moments are nine minutes"


def test_once_is_not_noisy_however_short_the_past():
    found = judged(past_of(crossing(1, 0.07), limit=0.05))
    assert (found.verdict, found.firings, found.proposed) == (Verdict.NEAR, 1, None)


def test_a_condition_that_held_for_less_than_for_is_near():
    found = judged(past_of(crossing(20, 0.07, minutes=4), limit=0.05))
    assert (found.verdict, found.firings) == (Verdict.NEAR, 0)
    assert found.longest == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.045, Verdict.NEAR), (0.03, Verdict.QUIET), (0.02, Verdict.FAR)],
)
def test_how_near_normal_came_decides_where_nothing_held(value: float, verdict: Verdict):
    found = judged(past_of(crossing(1, value), limit=0.05))
    assert found.verdict is verdict
    assert found.margin is not None
    assert found.margin.reached_ratio == pytest.approx(value / 0.05)
    assert found.firings == 0


def test_a_far_rule_is_tightened_only_when_asked():
    past = past_of(crossing(1, 0.021), limit=0.05)
    assert judged(past).proposed is None
    tightened = judged(past, aim=replace(AIM, tighten=True)).proposed
    assert tightened is not None
    assert tightened.limit == 0.03, "a quarter above the highest, and a number people choose"


def test_a_rule_that_waits_for_too_little_is_judged_downwards():
    values: list[float | None] = [0.2] * (3 * DAY)
    for number in range(5):
        values[100 + number * 100 : 110 + number * 100] = [0.04] * 10
    found = judged(past_of(values, limit=0.05, above=False), BELOW)
    assert (found.verdict, found.firings) == (Verdict.NOISY, 5)
    assert found.proposed is not None
    assert found.proposed.limit == 0.04, "0.04 < 0.04 does not hold"


def test_a_state_has_no_number_and_is_judged_by_how_long_it_held():
    values: list[float | None] = [1.0] * (3 * DAY)
    quiet = judged(past_of(values, limit=-1, above=False), STATE)
    assert (quiet.verdict, quiet.firings, quiet.limit) == (Verdict.QUIET, 0, None)
    values[100:102] = [0.0, 0.0]
    near = judged(past_of(values, limit=0.5, above=False), STATE)
    assert (near.verdict, near.longest) == (Verdict.NEAR, timedelta(minutes=1))


def test_a_rule_that_fires_all_the_time_is_noisy_and_a_heartbeat_is_not():
    always: list[float | None] = [1.0] * (3 * DAY)
    assert judged(past_of(always, limit=0.05)).reason.startswith("it would have fired all the time")
    heartbeat = judged(past_of(always, limit=0.05), rules_of("vector(1)", for_="0s"))
    assert heartbeat.verdict is Verdict.QUIET


@pytest.mark.parametrize(
    ("unknown", "missing", "verdict", "reason"),
    [
        (("a",), ("a",), Verdict.DEAD, "no such metric: a"),
        ((), ('a{status="500"}',), Verdict.UNKNOWN, "the metric is there, but no series like"),
        ((), (), Verdict.UNKNOWN, "nothing that it measures had a value"),
    ],
)
def test_without_data_nothing_is_said_to_be_zero(unknown, missing, verdict, reason):
    past = past_of([None] * (3 * DAY), limit=0.05)
    found = judged(replace(past, unknown=unknown, missing=missing))
    assert found.verdict is verdict
    assert reason in found.reason
    assert (found.firings, found.a_month, found.longest, found.margin) == (None,) * 4


def test_too_short_a_past_is_unknown_and_says_what_it_takes():
    found = judged(past_of(crossing(0, 0.0, days=3)[:600], limit=0.05))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("it saw 10 h of the past")
    assert found.firings is None


def test_other_conditions_that_never_held_are_said_and_what_was_measured_too():
    found = judged(past_of(crossing(3, 0.5), limit=0.05, gated=False))
    assert (found.verdict, found.guarded) == (Verdict.QUIET, True)
    assert found.margin is not None
    assert found.margin.nearest == 0.5


def test_parts_that_do_not_fire_as_the_rule_does_propose_nothing():
    past = past_of(crossing(7, 0.07), limit=0.05)
    less = past_of(crossing(6, 0.07), limit=0.05)
    found = judged(replace(past, gated=less.gated))
    assert (found.verdict, found.proposed, found.trials) == (Verdict.NOISY, None, ())
    assert "do not fire as the rule itself does" in found.reason


def test_a_limit_without_a_name_is_judged_and_not_proposed():
    found = judged(past_of(crossing(7, 0.07), limit=0.05), rules_of("a > 0.05"))
    assert (found.verdict, found.proposed) == (Verdict.NOISY, None)
    assert "without a name" in found.reason
    assert found.trials


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (90, "90 s"), (3600, "1 h"), (172_800, "2 d")],
)
def test_durations_are_written_in_one_unit(seconds: int, text: str):
    assert written(timedelta(seconds=seconds)) == text
