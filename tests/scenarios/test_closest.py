"""Of many drills, the one that came closest to its bound is told."""

from __future__ import annotations

from scenarios.measures import Taken, closest


def test_the_largest_share_of_a_bound_counts_and_not_the_longest_time() -> None:
    timed = [("long", 50.0, 100.0), ("near", 9.0, 10.0), ("quick", 1.0, 10.0)]
    assert closest(timed) == Taken(drill="near", seconds=9.0, bound_seconds=10.0)


def test_what_was_not_observed_and_what_has_no_bound_is_left_out() -> None:
    assert closest([("lost", None, 10.0), ("boundless", 1.0, 0.0)]) is None
    found = closest([("lost", None, 10.0), ("late", 30.0, 10.0)])
    assert found is not None
    assert found.drill == "late"
