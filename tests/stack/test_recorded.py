from __future__ import annotations

from datetime import timedelta

import pytest

from scenarios.budget import window_share
from stack import promql
from stack.dimensions import DimensionError, threshold_exponents
from stack.recorded import Record, constant_of, inline, reads
from stack.rules import RuleSet, load_rules
from stack.timescale import TimeScaleError, scale_rules

FILE = """\
groups:
  - name: requests
    rules:
      - record: threshold:failed:ratio
        expr: vector(0.05)
      - record: threshold:age:seconds
        # time-scale: 600 seconds fixed: a drill ages the file
        expr: vector(600)
      - record: threshold:restarts:count
        # time-scale: 6 count scaled: restarts in the window
        expr: vector(6)
      - record: service:bad:rate
        labels: {slo: latency}
        expr: sum by (service) (rate(slow_total[5m]))
      - record: service:bad:rate
        labels: {slo: success}
        expr: sum by (service) (rate(failed_total[10m]))
      - record: service:bad:rate1h
        expr: avg_over_time(service:bad:rate[1h])
      - alert: Failing
        expr: rate(failed_total[5m]) / rate(all_total[5m]) > scalar(threshold:failed:ratio)
      - alert: Vectors
        expr: rate(failed_total[5m]) > on () group_left () threshold:failed:ratio
      - alert: Old
        expr: time() - backup_timestamp_seconds > scalar(threshold:age:seconds)
      - alert: Restarts
        expr: resets(uptime[15m]) > scalar(threshold:restarts:count)
      - alert: Burning
        expr: service:bad:rate1h{slo="latency"} > 14.4 * scalar(threshold:failed:ratio)
      - alert: Either
        expr: service:bad:rate1h > 1
"""


def rules(text: str = FILE) -> RuleSet:
    return load_rules(text, "r.yml")


def test_a_threshold_is_analysed_as_the_number_that_it_names() -> None:
    threshold = rules().alert("Failing").threshold
    assert threshold is not None
    assert (threshold.value, threshold.window) == (0.05, timedelta(minutes=5))


def test_a_threshold_that_is_matched_as_a_vector_is_the_same_number() -> None:
    threshold = rules().alert("Vectors").threshold
    assert threshold is not None
    assert (threshold.value, threshold.comparison) == (0.05, ">")


def test_a_multiple_of_a_threshold_is_a_number() -> None:
    threshold = rules().alert("Burning").threshold
    assert threshold is not None
    assert threshold.value == pytest.approx(0.72)
    assert window_share(rules().alert("Burning"), 1.0) == pytest.approx(0.72)


def test_the_window_reaches_through_what_is_recorded() -> None:
    assert rules().alert("Burning").window == timedelta(minutes=65)
    assert rules().alert("Failing").window == timedelta(minutes=5)


def test_of_several_records_with_one_name_those_count_whose_labels_are_asked_for() -> None:
    assert rules().alert("Either").window == timedelta(minutes=70)
    assert "failed_total" not in rules().alert("Burning").inlined


def test_a_record_that_reads_itself_does_not_go_on_for_ever() -> None:
    own = Record(name="r", labels={}, expr="max_over_time(r[5m]) or up")
    text = inline(promql.parse("r > 1"), [own]).prettify()
    assert "up" in text


def test_a_record_is_read_through_parentheses_and_offsets() -> None:
    own = Record(name="r", labels={}, expr="rate(a[5m])")
    expr = promql.parse("avg_over_time(r[1h] offset 1d) + (r offset 5m)")
    assert promql.window(inline(expr, [own])) == timedelta(minutes=65)


def test_what_an_expression_reads_is_told_by_name() -> None:
    expr = promql.parse("rate(a[5m]) > scalar(t:a) and {__name__='b'} or {job='x'}")
    assert reads(expr) == {"a", "b", "t:a"}


@pytest.mark.parametrize(
    ("expr", "value"),
    [("vector(80)", 80), ("(vector(24 * 3600))", 86400), ("vector(time())", None)],
)
def test_only_a_vector_of_a_number_is_a_threshold(expr: str, value: float | None) -> None:
    assert constant_of(promql.parse(expr)) == value


def test_a_declared_threshold_stays_when_fixed_and_is_divided_when_scaled() -> None:
    scaled = rules(scale_rules(FILE, 60, source="r.yml").text)
    values = {rule.name: rule.constant for rule in scaled.recordings if rule.constant is not None}
    assert values == {
        "threshold:failed:ratio": 0.05,
        "threshold:age:seconds": 600,
        "threshold:restarts:count": 0.1,
    }


def test_the_alert_that_reads_a_threshold_keeps_its_words() -> None:
    scaled = rules(scale_rules(FILE, 60, source="r.yml").text)
    assert scaled.alert("Old").expr == rules().alert("Old").expr
    assert scaled.alert("Restarts").expr == (
        "resets(uptime[15s]) > scalar(threshold:restarts:count)"
    )


@pytest.mark.parametrize(
    ("comment", "line", "alert"),
    [
        ("        # time-scale: 600 seconds fixed: a drill ages the file\n", 6, "Old"),
        ("        # time-scale: 6 count scaled: restarts in the window\n", 9, "Restarts"),
    ],
)
def test_an_undeclared_threshold_that_means_time_is_refused_at_its_record(
    comment: str, line: int, alert: str
) -> None:
    with pytest.raises(TimeScaleError) as refused:
        scale_rules(FILE.replace(comment, ""), 60, source="r.yml")
    assert str(refused.value).startswith(f"r.yml:{line}: threshold:")
    assert f"in {alert}, and does not survive time scaling" in str(refused.value)
    assert "# time-scale: <number> seconds|count fixed|scaled: <reason>" in str(refused.value)


def test_a_threshold_is_scaled_by_what_it_is_held_against() -> None:
    text = """\
groups:
  - name: g
    rules:
      - record: threshold:pace:per_count
        # time-scale: 0.5 count scaled: one over a count
        expr: vector(0.5)
      - {alert: A, expr: "1 / increase(a[1h]) > scalar(threshold:pace:per_count)"}
"""
    assert rules(scale_rules(text, 60).text).recordings[0].constant == 30


def test_one_threshold_for_a_ratio_and_for_a_count_is_refused() -> None:
    text = (
        FILE + "      - {alert: Both, expr: 'increase(a[1h]) > scalar(threshold:failed:ratio)'}\n"
    )
    with pytest.raises(TimeScaleError, match=r"Both holds threshold:failed:ratio .* in Failing"):
        scale_rules(text, 60, source="r.yml")
    two = promql.parse("increase(a[5m]) > scalar(t) and 1 / increase(a[5m]) > scalar(t)")
    with pytest.raises(DimensionError, match="t is held against"):
        threshold_exponents(two, {"t": None})
