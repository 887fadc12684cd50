from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.durations import (
    MILLISECOND,
    DurationError,
    divide,
    format_duration,
    parse_duration,
)

DURATIONS = st.integers(min_value=0, max_value=10 * 365 * 86_400_000).map(lambda n: n * MILLISECOND)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("15s", 15),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("5m250ms", 300.25),
        ("90m", 5400),
    ],
)
def test_reads_what_prometheus_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "m",
        "1m5h",
        "1h1h",
        "-5m",
        "1.5h",
        "5 m",
        "5m ",
        "5m\n",
        "5M",
        "\u0665m",
        "1e3s",
        "9" * 30 + "y",
    ],
    ids=repr,
)
def test_refuses_what_prometheus_refuses_and_names_the_text(text: str) -> None:
    with pytest.raises(DurationError) as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value)


@given(DURATIONS)
def test_a_duration_survives_being_written_and_read(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("duration", [timedelta(microseconds=1), timedelta(seconds=-1)], ids=repr)
def test_refuses_to_write_what_prometheus_cannot_hold(duration: timedelta) -> None:
    with pytest.raises(DurationError):
        format_duration(duration)


@given(DURATIONS, st.floats(min_value=1, max_value=10_000))
def test_dividing_is_exact_to_half_a_millisecond(duration: timedelta, k: float) -> None:
    divided = divide(duration, k)
    assert not divided % MILLISECOND
    if divided > MILLISECOND:
        assert abs(divided - duration / k) <= MILLISECOND / 2 + timedelta(microseconds=1)


@given(DURATIONS, st.floats(min_value=1, max_value=10_000))
def test_dividing_never_turns_something_into_nothing(duration: timedelta, k: float) -> None:
    assert bool(divide(duration, k)) == bool(duration)


@given(DURATIONS, st.floats(min_value=1, max_value=10_000))
def test_dividing_keeps_the_sign(duration: timedelta, k: float) -> None:
    assert divide(-duration, k) == -divide(duration, k)


@given(DURATIONS)
def test_dividing_by_one_changes_nothing(duration: timedelta) -> None:
    assert divide(duration, 1) == duration
