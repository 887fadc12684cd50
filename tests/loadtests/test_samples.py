"""Samples count each answer once and say what the faulted ones were like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.samples import NO_RESPONSE, Window, percentile


def test_a_sample_tells_what_arrived() -> None:
    window = Window()
    window.add(status=200, latency_ms=2.0, fault_result=None, at=10.0)
    window.add(status=500, latency_ms=4.0, fault_result="error", at=10.1)
    window.add(status=500, latency_ms=3.0, fault_result="rejected: expired", at=10.2)
    window.add(status=NO_RESPONSE, latency_ms=1.0, fault_result="none", at=10.3)
    assert window.sample(target="t", at=10.25, missed=2) == {
        "event": "sample",
        "target": "t",
        "at": 10.25,
        "count": 4,
        "missed": 2,
        "statuses": {"0": 1, "200": 1, "500": 2},
        "latency_ms": {"p50": 2.0, "p95": 4.0, "max": 4.0},
        "faulted": {
            "count": 3,
            "first_at": 10.1,
            "statuses": {"0": 1, "500": 2},
            "min_ms": 1.0,
            "max_ms": 4.0,
            "results": {"error": 1, "rejected: expired": 1, "none": 1},
        },
    }


def test_a_window_in_which_nothing_happened_has_no_sample() -> None:
    assert Window().sample(target="t", at=1.0, missed=0) is None


def test_missed_requests_are_told_even_without_an_answer() -> None:
    event = Window().sample(target="t", at=1.0, missed=3)
    assert event is not None
    assert (event["count"], event["missed"]) == (0, 3)
    assert event["latency_ms"] == {"p50": None, "p95": None, "max": None}


@given(st.lists(st.floats(0, 1e4), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_reached_by_its_share_of_the_values(
    values: list[float], ratio: float
) -> None:
    value = percentile(sorted(values), ratio)
    assert value is not None
    assert sum(each <= value + 0.001 for each in values) >= ratio * len(values) - 1e-6


def test_nearest_rank_picks_a_value_that_was_measured() -> None:
    ordered = [float(n) for n in range(1, 101)]
    assert percentile(ordered, 0.5) == pytest.approx(50)
    assert percentile(ordered, 0.95) == pytest.approx(95)
    assert percentile(ordered, 1.0) == pytest.approx(100)
