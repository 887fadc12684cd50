from __future__ import annotations

import pytest

from stack import promql
from stack.declarations import Declaration
from stack.dimensions import DimensionError, exponent, scaled_constants, time_numbers


def numbers(expr: str) -> list[float]:
    return [number.value for number in time_numbers(promql.parse(expr))]


def declare(value: float, *, scaled: bool, line: int = 7) -> Declaration:
    return Declaration(value=value, unit="count", scaled=scaled, reason="a test", line=line)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("rate(a_total[5m])", 0),
        ("irate(a_total[5m])", 0),
        ("deriv(a[5m])", 0),
        ("increase(a_total[5m])", 1),
        ("sum by (x) (increase(a_total[5m]))", 1),
        ("avg_over_time(a_seconds[5m])", 1),
        ("increase(a[5m]) / increase(b[5m])", 0),
        ("1 / increase(a[5m])", -1),
        ("increase(a[5m]) * increase(b[5m])", 2),
        ("sqrt(increase(a[5m]))", 0.5),
        ("increase(a[5m]) ^ 2", 2),
        ("stdvar(a_seconds)", 2),
        ("time() - a_timestamp_seconds", 1),
        ("timestamp(a)", 1),
        ("count(a_seconds)", 0),
        ("a_seconds_total", 0),
        ("a_seconds_bucket", 0),
        ("{__name__='a_seconds'}", 1),
        ("increase(a[5m]) > bool 0", 0),
        ("histogram_quantile(0.9, increase(a_bucket[5m]))", 0),
        ("max_over_time(increase(a[5m])[1h:1m])", 1),
        ("ALERTS_FOR_STATE", 1),
        ("-(a_seconds)", 1),
        ("scalar(a_seconds)", 1),
        ("count_over_time(a[5m])", 1),
        ("sum_over_time(a[5m])", 1),
    ],
)
def test_the_exponent_says_how_a_value_changes_with_its_windows(expr: str, expected: float) -> None:
    assert exponent(promql.parse(expr)) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("time() - a_timestamp_seconds > 86400", [86400]),
        ("time() - a_timestamp_seconds > 24 * 3600", [86400]),
        ("86400 < time() - a_timestamp_seconds", [86400]),
        ("(time() - a_timestamp_seconds) / 3600 > 24", [24]),
        ("increase(a[1h]) > 100", [100]),
        ("changes(a[15m]) > 3", [3]),
        ("resets(a[15m]) >= 2 or b > 5", [2]),
        ("increase(a[1h]) / clamp_min(increase(b[1h]), 10) > 0.1", [10]),
        ("predict_linear(a[1h], 4 * 3600) < 0", [14400]),
        ("time() - 3600 > a_seconds", [3600]),
        ("a_seconds > 300 and rate(b[5m]) > 300", [300]),
        ("increase(a[1h]) > vector(7)", [7]),
        ("(increase(a[1h]) or vector(7)) > 0", [7]),
        ("topk(3, increase(a[1h])) > 5", [5]),
        ("-increase(a[1h]) < -5", [-5]),
        ("uptime_seconds < 60", [60]),
    ],
)
def test_a_number_that_means_time_is_found(expr: str, expected: list[float]) -> None:
    assert numbers(expr) == expected


@pytest.mark.parametrize(
    "expr",
    [
        "rate(a[5m]) / rate(b[5m]) > 0.05",
        "increase(a[5m]) / increase(b[5m]) > 0.05",
        "increase(a[5m]) > 0",
        "a_timestamp_seconds == 0",
        "increase(a[5m]) < Inf",
        "histogram_quantile(0.95, sum by (le) (rate(a_seconds_bucket[5m]))) > 0.5",
        "memory_percent > 80",
        "rate(a[5m]) * 300 > 10",
        "topk(3, increase(a[1h])) > 0",
        "quantile_over_time(0.9, a_seconds[5m]) == 0",
        "hour() > 9",
        "absent(a_seconds) == 1",
        "count(a_seconds > 0) > 3",
        "group by (x) (present_over_time(up[1h])) unless group by (x) (up)",
    ],
)
def test_a_rate_a_ratio_a_gauge_and_zero_need_no_declaration(expr: str) -> None:
    assert numbers(expr) == []


@pytest.mark.parametrize(
    "expr",
    [
        "increase(a[1h]) > on () limit_count",
        "ln(increase(a[1h])) > 5",
        "increase(a[1h]) ^ b > 5",
    ],
)
def test_what_no_declaration_could_mend_is_refused(expr: str) -> None:
    with pytest.raises(DimensionError):
        time_numbers(promql.parse(expr))


def test_a_recorded_series_has_the_exponent_of_its_expression() -> None:
    found = time_numbers(promql.parse("job:errors:1h > 100"), {"job:errors:1h": 1.0})
    assert [number.value for number in found] == [100]


def test_an_undeclared_number_is_refused_and_the_way_out_is_named() -> None:
    with pytest.raises(DimensionError) as refused:
        scaled_constants(promql.parse("increase(a[1h]) > 100"), (), k=60)
    assert "100 means a time, or a count over a window" in str(refused.value)
    assert "# time-scale: <number> seconds|count fixed|scaled: <reason>" in str(refused.value)


def test_a_scaled_number_is_divided_and_a_fixed_one_stays() -> None:
    expr = promql.parse("increase(a[1h]) > 120 and time() - b_seconds > 600")
    declared = (declare(120, scaled=True), declare(600, scaled=False))
    assert scaled_constants(expr, declared, k=60) == {0: 2.0}


def test_a_number_is_scaled_by_its_exponent() -> None:
    expr = promql.parse("1 / increase(a[1h]) > 0.5")
    assert scaled_constants(expr, (declare(0.5, scaled=True),), k=60) == {1: 30.0}


def test_a_declaration_means_the_number_that_needs_one_when_another_is_equal() -> None:
    expr = promql.parse("rate(b[5m]) > 300 and increase(a[1h]) > 300")
    assert scaled_constants(expr, (declare(300, scaled=True),), k=60) == {1: 5.0}


def test_an_author_may_declare_a_number_that_the_analysis_does_not_know_of() -> None:
    expr = promql.parse("recorded_elsewhere > 60")
    assert scaled_constants(expr, (declare(60, scaled=True),), k=60) == {0: 1.0}


def test_a_declaration_of_a_number_that_is_not_there_is_refused() -> None:
    with pytest.raises(DimensionError, match=r"line 7 declares 99, which is not among .*\(100\)"):
        scaled_constants(promql.parse("increase(a[1h]) > 100"), (declare(99, scaled=True),), k=60)


def test_two_declarations_of_one_number_are_refused() -> None:
    declared = (declare(100, scaled=True, line=3), declare(100, scaled=False, line=4))
    with pytest.raises(DimensionError, match="lines 3 and 4 both declare 100"):
        scaled_constants(promql.parse("increase(a[1h]) > 100"), declared, k=60)
