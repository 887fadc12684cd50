"""Bounds are a pure function of the configuration and the scenario."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.budget import ALLOWANCE, Timing, bounds, window_share


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


SLOW = Timing(
    scrape=s(0.25),
    evaluation=s(0.25),
    pending=s(5),
    window=s(5),
    crossing_window=s(5),
    window_share=0.1,
    group_wait=s(0.5),
    group_interval=s(5),
)
durations = st.integers(min_value=0, max_value=600_000).map(lambda ms: timedelta(milliseconds=ms))
intervals = st.integers(min_value=250, max_value=60_000).map(lambda ms: timedelta(milliseconds=ms))
timings = st.builds(
    Timing,
    scrape=intervals,
    scrape_timeout=durations,
    evaluation=intervals,
    pending=durations,
    keep=durations,
    window=durations,
    crossing_window=durations,
    builds=durations,
    window_share=st.floats(min_value=0, max_value=1),
    group_wait=durations,
    group_interval=durations,
    discovery=durations,
    probe=durations,
    lingers=durations,
)


def test_the_parts_add_up_as_the_formula_says() -> None:
    got = bounds(SLOW)
    assert got.crossing == s(0.5)
    assert got.minimum == s(0.5 + 5 + 0.5)
    assert got.earliest == s(5.5)
    assert got.fires == s(0.5 + 0.25 + 0.25 + 5 + 0.25) + ALLOWANCE
    assert got.arrives == got.fires + s(0.5)
    assert got.resolves == s(5 + 0.25 + 0.5) + ALLOWANCE
    assert got.resolution_arrives == got.resolves + s(5)


@given(timings)
def test_nothing_may_be_later_than_its_bound_before_it_may_be_earlier(timing: Timing) -> None:
    got = bounds(timing)
    assert got.pending <= got.earliest <= got.minimum <= got.arrives
    assert got.fires <= got.arrives <= got.watch
    assert got.wait_for_arrival > got.arrives
    assert got.wait_for_resolution > got.resolution_arrives


@given(timings, durations)
def test_a_longer_for_moves_every_bound_before_firing_and_none_after(
    timing: Timing, more: timedelta
) -> None:
    before, after = bounds(timing), bounds(replace(timing, pending=timing.pending + more))
    assert after.earliest - before.earliest == more
    assert after.fires - before.fires >= more - timing.evaluation
    assert after.resolves == before.resolves


@given(timings)
def test_a_rule_whose_other_condition_ends_at_once_need_not_drain(timing: Timing) -> None:
    slow, quick = bounds(replace(timing, drains=True)), bounds(replace(timing, drains=False))
    assert slow.resolves - quick.resolves == timing.window
    assert slow.watch - quick.watch == timing.window
    assert slow.fires == quick.fires


def rule(value: float) -> SimpleNamespace:
    return SimpleNamespace(name="Alert", threshold=SimpleNamespace(value=value))


def test_the_share_of_the_window_is_threshold_over_level() -> None:
    assert window_share(rule(0.05), 0.5) == pytest.approx(0.1)  # type: ignore[arg-type]  # a part


def test_a_state_needs_no_share_of_the_window() -> None:
    assert window_share(rule(80.0), None) == 0.0  # type: ignore[arg-type]  # a part


@pytest.mark.parametrize("level", [0.04, 0.05])
def test_a_fault_that_never_crosses_is_refused_by_name(level: float) -> None:
    with pytest.raises(ValueError, match="Alert: a fault at"):
        window_share(rule(0.05), level)  # type: ignore[arg-type]  # a part


def test_what_an_engine_hides_for_a_while_is_granted_both_ways_and_to_nothing_too_early() -> None:
    late = bounds(replace(SLOW, hidden=s(4)))
    prompt = bounds(SLOW)
    assert late.arrives - prompt.arrives == late.resolves - prompt.resolves == s(4)
    assert (late.earliest, late.minimum) == (prompt.earliest, prompt.minimum)
