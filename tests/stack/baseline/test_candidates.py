"""A threshold is tried by playing the past again with it."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from stack.baseline.candidates import (
    Candidate,
    Trial,
    candidate_limits,
    next_quieter,
    tightest_quiet,
)
from stack.baseline.margin import levels, margin_of, quantile
from tests.stack.baseline.building import SHOP, signal

FIVE = timedelta(minutes=5)
NONE = timedelta(0)
LOW, HIGH, HIGHER = [0.01] * 60, [0.06] * 10, [0.09] * 10
VALUES = LOW + HIGH + LOW + HIGHER + LOW + HIGH + LOW


def trial(sign: str = ">", values: list[float] = VALUES, rest: list[float | None] | None = None):
    return Trial(
        gated={SHOP: signal(values)},
        rest={SHOP: signal(rest)} if rest else {},
        sign=sign,
        step_seconds=60,
        observed=timedelta(days=3),
    )


@pytest.mark.parametrize(("limit", "firings"), [(0.05, 3), (0.06, 1), (0.08, 1), (0.09, 0)])
def test_each_candidate_fires_as_often_as_the_past_crossed_it(limit: float, firings: int) -> None:
    found = trial().of(limit, for_=FIVE, keep_firing_for=NONE)
    assert found == Candidate(limit=limit, firings=firings, a_month=firings * 10)


def test_a_crossing_shorter_than_for_is_none() -> None:
    assert trial().of(0.05, for_=timedelta(minutes=10), keep_firing_for=NONE).firings == 0


def test_the_rules_other_ways_to_hold_count_whatever_the_threshold() -> None:
    rest: list[float | None] = [None] * len(VALUES)
    rest[20:40] = [0.0] * 20
    assert trial(rest=rest).of(0.5, for_=FIVE, keep_firing_for=NONE).firings == 1


def test_a_rule_that_waits_for_too_little_is_tried_downwards() -> None:
    found = trial("<", [1 - one for one in VALUES]).of(0.92, for_=FIVE, keep_firing_for=NONE)
    assert found.firings == 1


def test_candidates_are_numbers_that_people_choose_and_the_present_one() -> None:
    ordered = sorted(VALUES)
    found = candidate_limits(ordered, sign=">", limit=0.055, edges=(), cap=1.0)
    assert {0.055, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2} <= set(found)
    assert list(found) == sorted(found)
    assert max(found) < 1.0


def test_near_its_end_a_share_is_tried_in_twentieths_and_never_at_its_end() -> None:
    found = candidate_limits([60.0] * 100 + [87.0], sign=">", limit=80.0, edges=(), cap=100.0)
    assert {80.0, 85.0, 90.0, 95.0} <= set(found)
    assert 100.0 not in found


def test_a_quantile_is_tried_at_the_edges_of_its_buckets_alone() -> None:
    edges = (100.0, 500.0, 1000.0, 2500.0)
    ordered = [300.0] * 100 + [1800.0]
    found = candidate_limits(ordered, sign=">", limit=1000.0, edges=edges, cap=math.inf)
    assert found == (500.0, 1000.0, 2500.0)


def test_nothing_measured_leaves_the_present_threshold() -> None:
    assert candidate_limits([], sign=">", limit=3.0, edges=(), cap=math.inf) == (3.0,)


def test_the_least_change_that_is_quiet_enough_is_proposed() -> None:
    found = [
        trial().of(limit, for_=FIVE, keep_firing_for=NONE) for limit in (0.05, 0.06, 0.08, 0.1)
    ]
    assert next_quieter(found, sign=">", limit=0.05, most_a_month=15).limit == 0.06
    assert next_quieter(found, sign=">", limit=0.05, most_a_month=4).limit == 0.1
    assert next_quieter(found[:2], sign=">", limit=0.05, most_a_month=4) is None


def test_the_tightest_quiet_threshold_leaves_normal_a_quarter() -> None:
    found = [
        Candidate(limit=limit, firings=0, a_month=0.0) for limit in (0.09, 0.1, 0.12, 0.2, 0.5)
    ]
    assert tightest_quiet(found, sign=">", nearest=0.09).limit == 0.12
    assert tightest_quiet(found, sign="<", nearest=0.15).limit == 0.12
    assert tightest_quiet([], sign=">", nearest=0.09) is None


def test_the_margin_is_said_in_the_rules_own_direction() -> None:
    ordered = levels([signal([0.02, None, 0.04, math.inf, 0.01])])
    assert ordered == [0.01, 0.02, 0.04]
    above = margin_of(ordered, sign=">", limit=0.05)
    below = margin_of(ordered, sign="<", limit=0.005)
    assert above is not None
    assert below is not None
    assert (above.nearest, above.reached_ratio) == (0.04, pytest.approx(0.8))
    assert (below.nearest, below.reached_ratio) == (0.01, pytest.approx(0.5))
    assert margin_of([], sign=">", limit=1) is None
    assert margin_of([-1.0], sign=">", limit=0.0).reached_ratio is None


def test_what_is_usual_leaves_out_a_thousandth() -> None:
    ordered = [float(one) for one in range(1, 1001)]
    assert quantile(ordered, 0.999) == 999.0
    assert quantile(ordered, 0.001) == 1.0
