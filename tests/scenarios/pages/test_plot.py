"""Places in a picture: round marks, broken lines, and no point that says nothing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.pages.plot import WIDTH, TimeAxis, ValueAxis, lines, round_step

values = st.lists(
    st.one_of(st.none(), st.floats(-1e100, 1e100, allow_nan=False)), min_size=1, max_size=80
)


def points(line: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in (one.split(",") for one in line.split())]


def test_marks_are_round_and_count_from_zero() -> None:
    axis = TimeAxis(start=98.0, end=130.0, zero=100.0)
    assert [text for _, text in axis.marks()] == ["0 s", "10 s", "20 s", "30 s"]


@given(st.floats(1e-3, 1e6))
def test_a_step_is_round_and_gives_few_marks(length: float) -> None:
    step = round_step(length / 6)
    assert length / step <= 6.01
    assert f"{step:e}"[0] in "125"


def test_what_lies_outside_of_the_time_is_drawn_at_its_end() -> None:
    axis = TimeAxis(start=0.0, end=10.0, zero=0.0)
    assert axis.place(-5.0) == 0.0
    assert axis.place(50.0) == 100.0


@given(values)
@example([5e-324])
def test_all_values_lie_within_the_picture(some: list[float | None]) -> None:
    axis = ValueAxis.of((one for one in some if one is not None), 120)
    for line in lines(axis, some, first=0.0, last=100.0):
        for x, y in points(line):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= 120


def test_a_gap_breaks_the_line() -> None:
    axis = ValueAxis.of([1.0, 2.0], 100)
    found = lines(axis, [1.0, 1.0, None, None, 2.0, 2.0], first=0.0, last=100.0)
    assert [points(one)[0][0] for one in found] == [0, 800]


def test_a_single_value_between_gaps_is_a_dot() -> None:
    axis = ValueAxis.of([1.0], 100)
    (only,) = lines(axis, [None, 1.0, None], first=0.0, last=100.0)
    assert points(only)[0] == points(only)[1]


def test_a_straight_line_is_two_points_and_a_step_is_kept() -> None:
    axis = ValueAxis.of([0.0, 1.0], 100)
    (flat,) = lines(axis, [0.0] * 101, first=0.0, last=100.0)
    assert len(points(flat)) == 2
    (step,) = lines(axis, [0.0] * 51 + [1.0] * 50, first=0.0, last=100.0)
    assert [x for x, _ in points(step)] == [0, 500, 510, 1000]


def test_a_limit_and_a_value_that_are_equal_still_have_room() -> None:
    axis = ValueAxis.of([5.0, 5.0], 100)
    assert 0 < axis.place(5.0) < 100


@pytest.mark.parametrize(("low", "high", "zero"), [(3.0, 8.0, True), (8.0, 9.0, False)])
def test_zero_is_shown_where_it_costs_little(low: float, high: float, zero: bool) -> None:
    assert (ValueAxis.of([low, high], 100).low < 0.5) is zero
