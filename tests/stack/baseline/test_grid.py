"""The past is asked for in pieces that no Prometheus refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.baseline.grid import (
    POINTS_A_SERIES,
    SAMPLES_A_RULE,
    SAMPLES_AN_ANSWER,
    Grid,
    grid_of,
)

WEEK = 7 * 86_400


def test_a_week_every_15_s_ends_at_the_last_whole_step() -> None:
    grid = grid_of(end=1_000_007.5, span_seconds=WEEK, step_seconds=15)
    assert grid.end == 1_000_005
    assert grid.count == WEEK // 15
    assert grid.start == grid.end - WEEK + 15


@given(
    series=st.integers(1, SAMPLES_AN_ANSWER),
    count=st.integers(1, 200_000),
    step=st.integers(1, 3_600),
)
def test_pieces_follow_each_other_and_none_is_too_large(series: int, count: int, step: int) -> None:
    grid = Grid(start=step * 7, step_seconds=step, count=count).for_series(series)
    if grid.count * series / min(POINTS_A_SERIES, SAMPLES_AN_ANSWER // series) > 10**7:
        return  # so many pieces that only the counting would take time
    at = grid.start
    for piece in grid.pieces(series):
        assert piece.start == at
        assert piece.count <= POINTS_A_SERIES
        assert piece.count * series <= SAMPLES_AN_ANSWER
        at = piece.end + grid.step_seconds
    assert at == grid.end + grid.step_seconds


def test_a_rule_with_many_series_is_looked_at_less_often_and_the_grid_says_so() -> None:
    grid = grid_of(end=WEEK, span_seconds=WEEK, step_seconds=15)
    coarse = grid.for_series(1_000)
    assert coarse.step_seconds == 11 * 15
    assert coarse.count * 1_000 <= SAMPLES_A_RULE
    assert coarse.end <= grid.end
    assert grid.for_series(10) is grid


def test_more_series_than_an_answer_holds_are_refused() -> None:
    grid = Grid(start=0, step_seconds=60, count=2)
    with pytest.raises(ValueError, match="aggregate"):
        list(grid.pieces(SAMPLES_AN_ANSWER + 1))


def test_each_moment_has_its_number() -> None:
    grid = Grid(start=600, step_seconds=60, count=3)
    assert [grid.index(at) for at in (600, 660.0, 720)] == [0, 1, 2]
    assert grid.span_seconds == 180


def test_a_span_without_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no step"):
        grid_of(end=1_000, span_seconds=30, step_seconds=60)
