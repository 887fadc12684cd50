"""What would have to move is read off an expression, and never guessed."""

from __future__ import annotations

import pytest

from stack import promql
from stack.played import CannotPlay, Series, moves_of, plays_of
from stack.production import production_files
from stack.rules import load_rules


def plays(text: str) -> dict[str, tuple[str, float | None, float | None]]:
    return {one.text: (one.kind, one.well, one.broken) for one in plays_of(promql.parse(text))}


def moves(text: str) -> list[str]:
    return [one.text for one in moves_of(promql.parse(text))]


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ("queue_length > 100", {"queue_length": ("gauge", 50, 112)}),
        ("100 < queue_length", {"queue_length": ("gauge", 50, 112)}),
        ("free_bytes < 10", {"free_bytes": ("gauge", 15, 8.8)}),
        ("healthy == 0", {"healthy": ("gauge", 1, 0)}),
        ("flag == 1", {"flag": ("gauge", 0, 1)}),
        ("temperature > 0", {"temperature": ("gauge", 0, 1)}),
        ('max by (service) (queue{a="b"}) > 4', {'queue{a="b"}': ("gauge", 2, 4.48)}),
        ("avg_over_time(load[5m]) > 4", {"load": ("gauge", 2, 4.48)}),
        ("max_over_time(sum by (service) (load)[5m:]) > 4", {"load": ("gauge", 2, 4.48)}),
        ("sum by (service) (rate(jobs_total[5m])) > 3", {"jobs_total": ("counter", 1.5, 3.36)}),
        ("cpu * 100 > 80", {"cpu": ("gauge", 0.4, 0.896)}),
        ("1 - free_ratio > 0.5", {"free_ratio": ("gauge", 0.75, 0.44)}),
        ("used / size > 0.5", {"used": ("gauge", 0.25, 0.56), "size": ("gauge", 1, 1)}),
        ("used > size", {"used": ("gauge", 0.5, 1.12), "size": ("gauge", 1, 1)}),
        ("time() - last_run > 60", {"last_run": ("age", 30, 67.2)}),
        ("not_after - time() < 60", {"not_after": ("age", -90, -52.8)}),
        ('absent(heartbeat{job="x"})', {'heartbeat{job="x"}': ("gauge", 1, None)}),
        ("a > 1 and b > 1", {"a": ("gauge", 0.5, 1.12), "b": ("gauge", 0.5, 1.12)}),
        ("resets(a[5m]) > 1 or b > 1", {"b": ("gauge", 0.5, 1.12)}),
        (
            'sum(rate(r{code=~"5.."}[5m])) / sum(rate(r[5m])) > 0.05',
            {'r{code="500"}': ("counter", 2.5, 5.6), 'r{code="200"}': ("counter", 97.5, 94.4)},
        ),
        (
            "histogram_quantile(0.9, sum by (le) (rate(t_bucket[5m]))) > 2",
            {
                't_bucket{le="1"}': ("counter", 100, 0),
                't_bucket{le="2.1728"}': ("counter", 100, 0),
                't_bucket{le="2.352"}': ("counter", 100, 100),
                't_bucket{le="+Inf"}': ("counter", 100, 100),
            },
        ),
    ],
)
def test_series_stand_on_either_side_of_the_threshold(
    expression: str, series: dict[str, tuple[str, float | None, float | None]]
) -> None:
    assert plays(expression) == {
        name: (kind, pytest.approx(well) if well is not None else None,
               pytest.approx(broken) if broken is not None else None)
        for name, (kind, well, broken) in series.items()
    }  # fmt: skip


def test_a_count_over_a_window_is_played_by_that_window() -> None:
    (one,) = plays_of(promql.parse("increase(errors_total[10m]) > 5"))
    assert one == Series(name="errors_total", kind="counter", well=2.5, broken=5.6, per=600)


def test_an_alternative_is_played_that_leaves_the_others_as_they_are_when_well() -> None:
    assert plays("done_at == 0 or time() - done_at > 60") == {
        "done_at": ("age", 30, pytest.approx(67.2))
    }
    assert plays("a == 0 or b == 0") == {"a": ("gauge", 1, 0)}


def test_a_level_is_not_as_far_as_the_next_alert_on_the_same_series() -> None:
    (high,) = plays_of(promql.parse("used_percent > 80"))
    assert 80 < (high.broken or 0) < 95


def test_a_guard_of_enough_traffic_is_met_by_what_is_played_for_the_ratio() -> None:
    ratio = 'sum(rate(r{code="500"}[5m])) / sum(rate(r[5m])) > 0.2'
    assert plays(f"({ratio}) and sum(rate(r[5m])) > 0.5") == plays(ratio)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("resets(uptime[15m]) > 3", r"resets\(\)"),
        ("predict_linear(free[1h], 3600) < 0", r"predict_linear\(\)"),
        ("changes(x[5m]) > 1", r"changes\(\)"),
        ("topk(3, x) > 1", r"topk\(\)"),
        ("count(x) > 3", r"count\(\)"),
        ("a - a offset 5m > 1", "both sides of `-` read a"),
        ("a > 1 unless a > 5", "`unless` asks again for a"),
        ("scrape_duration_seconds > 1", "made by Prometheus itself"),
        ('{__name__=~"a|b"} > 1', "names no metric"),
        ("a ^ 2 > 1", "no inverse is known"),
        ("sum(rate(r[5m])) / sum(rate(r[5m])) > 0.2", "is all of"),
        ("a > 1 and a == 7", "would have to be two things"),
        ("histogram_quantile(0.9, rate(a_bucket[5m]) + rate(b_bucket[5m])) > 2", "no histogram of"),
        ("100 / x > 0", "100 / x is 0 for no number"),
        ("x * 0 > 1", "for no number"),
        ("vector(1)", r"vector\(\)"),
        ("1 > bool 2", "reads no series|no series is known|no inverse"),
    ],
)
def test_what_has_no_one_answer_is_said(expression: str, says: str) -> None:
    with pytest.raises(CannotPlay, match=says):
        plays_of(promql.parse(expression))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("queue > 3", ["queue must rise"]),
        ("avg_over_time(load[5m]) > 3", ["load must rise over 5m (avg_over_time)"]),
        ("healthy == 0", ["healthy must fall"]),
        ("absent(beat)", ["beat must vanish (absent)"]),
        (
            'sum(rate(r{c=~"5.."}[5m])) / sum(rate(r[5m])) > 0.1',
            ['r{c=~"5.."} must rise over 5m (rate)', "r must be there over 5m (rate)"],
        ),
        (
            "histogram_quantile(0.9, rate(t_bucket[5m])) > 2",
            ["t_bucket must count in larger buckets over 5m (rate)"],
        ),
    ],
)
def test_a_person_is_told_what_moves_where_and_over_how_long(
    expression: str, said: list[str]
) -> None:
    assert moves(expression) == said


def test_most_rules_of_the_toolkit_itself_can_be_read() -> None:
    rules = load_rules(production_files().rules.read_text())
    readable = []
    for rule in rules.alerts:
        try:
            readable.append(plays_of(promql.parse(rule.inlined)))
        except CannotPlay:
            continue
    assert len(readable) > len(rules.alerts) / 2
