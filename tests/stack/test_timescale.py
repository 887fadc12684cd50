from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack import promql
from stack.durations import divide, format_duration
from stack.production import production_files
from stack.rules import load_rules
from stack.timescale import TimeScaleError, scale_interval, scale_rules
from stack.windows import INTERVAL_FLOOR
from stack.yamlfile import read_yaml

SCRAPE = timedelta(seconds=15)
FILE = """\
# the head comment
groups:
  - name: requests
    interval: 1m
    query_offset: 30s
    rules:
      # why this rule exists
      - alert: Errors
        expr: |
          rate(errors_total{job="a"}[5m] offset 1m)   # aligned by hand
            / rate(requests_total{job="a"}[5m] offset 1m) > 0.05
        for: 5m
        keep_firing_for: 30s
        labels: {severity: HIGH}
        annotations:
          summary: "over 5 min: {{ $value | humanizePercentage }}"
          description: >-
            Folded text that
            must stay as it is.
      - alert: Restarts
        # time-scale: 3 count scaled: it counts restarts over the window
        expr: changes(process_start_time_seconds[15m]) > 3
      - alert: Old
        # time-scale: 86400 seconds fixed: a drill ages the file
        expr: time() - backup_timestamp_seconds > 24 * 3600
        for: 5m
      - record: a:max
        expr: max_over_time(rate(a_total[1m])[1h:30s] offset 10m)
      - alert: Plain
        expr: up == 0
"""


def one(expr: str, *, comment: str = "") -> str:
    return f"""\
groups:
  - name: g
    rules:
      - alert: A
        {comment or "# no declaration"}
        expr: {expr}
"""


def scaled(expr: str, k: float = 60, *, comment: str = "") -> str:
    text = scale_rules(one(expr, comment=comment), k, scrape_interval=SCRAPE, source="r.yml").text
    return load_rules(text).alert("A").expr


def test_time_scale_one_changes_nothing() -> None:
    result = scale_rules(FILE, 1, scrape_interval=SCRAPE)
    assert result.text == FILE
    assert result.changes == ()


def test_time_scale_one_asks_for_no_declarations() -> None:
    text = one("increase(a[5m]) > 100")
    assert scale_rules(text, 1).text == text


def test_every_duration_is_divided() -> None:
    rules = load_rules(scale_rules(FILE, 60, scrape_interval=SCRAPE).text)
    errors, *_ = rules.alerts
    (recording,) = rules.recordings
    assert rules.groups[0].interval == timedelta(seconds=1)
    assert errors.for_ == timedelta(seconds=5)
    assert errors.keep_firing_for == timedelta(milliseconds=500)
    assert " ".join(errors.expr.split()) == (
        'rate(errors_total{job="a"}[5s] offset 1s) / '
        'rate(requests_total{job="a"}[5s] offset 1s) > 0.05'
    )
    assert recording.expr == "max_over_time(rate(a_total[1s])[1m:500ms] offset 10s)"


def test_a_query_offset_is_divided() -> None:
    document = read_yaml(scale_rules(FILE, 60, scrape_interval=SCRAPE).text, "rules.yml")
    assert document["groups"][0]["query_offset"] == "500ms"


def test_words_thresholds_and_comments_stay() -> None:
    text = scale_rules(FILE, 60, scrape_interval=SCRAPE).text
    before, after = load_rules(FILE), load_rules(text)
    assert [r.labels for r in after.rules] == [r.labels for r in before.rules]
    assert [r.annotations for r in after.alerts] == [r.annotations for r in before.alerts]
    assert after.alert("Errors").threshold is not None
    assert "# the head comment" in text
    assert "# why this rule exists" in text


def test_a_scaled_number_is_divided_and_a_fixed_one_stays() -> None:
    rules = load_rules(scale_rules(FILE, 60, scrape_interval=SCRAPE).text)
    assert rules.alert("Restarts").expr == "changes(process_start_time_seconds[15s]) > 0.05"
    assert rules.alert("Old").expr == "time() - backup_timestamp_seconds > 24 * 3600"


def test_every_difference_is_listed_and_nothing_else() -> None:
    changes = scale_rules(FILE, 60, scrape_interval=SCRAPE, source="rules.yml").changes
    assert [(c.where, c.production, c.drill) for c in changes] == [
        ("group requests: interval", "1m", "1s"),
        ("group requests: query_offset", "30s", "500ms"),
        ("Errors: for", "5m", "5s"),
        ("Errors: keep_firing_for", "30s", "500ms"),
        ("Errors: durations in expr", "1m, 5m, 1m, 5m", "1s, 5s, 1s, 5s"),
        ("Restarts: durations in expr", "15m", "15s"),
        ("Restarts: numbers in expr", "3", "0.05"),
        ("Old: for", "5m", "5s"),
        ("a:max: durations in expr", "1m, 1h, 30s, 10m", "1s, 1m, 500ms, 10s"),
    ]
    assert {c.file for c in changes} == {"rules.yml"}


@pytest.mark.parametrize("k", [0, 0.5, -1, math.inf, math.nan])
def test_a_time_scale_below_one_or_without_end_is_refused(k: float) -> None:
    with pytest.raises(TimeScaleError, match="must be a finite number, 1 or larger"):
        scale_rules(FILE, k)


def test_an_undeclared_number_is_refused_by_rule_line_and_number() -> None:
    with pytest.raises(TimeScaleError, match=r"^r\.yml:6: A: 100 means a time") as refused:
        scaled("increase(a[5m]) > 100")
    assert "# time-scale: <number> seconds|count fixed|scaled: <reason>" in str(refused.value)


def test_a_declaration_of_a_number_that_is_not_there_is_refused() -> None:
    with pytest.raises(TimeScaleError, match=r"^r\.yml:6: A: line 5 declares 99"):
        scaled("increase(a[5m]) > 100", comment="# time-scale: 99 count scaled: wrong")


def test_an_alert_on_a_recorded_count_is_judged_by_what_was_recorded() -> None:
    text = """\
groups:
  - name: g
    rules:
      - {record: "job:errors:5m", expr: "sum(increase(errors_total[5m]))"}
      - {alert: A, expr: "job:errors:5m > 100"}
"""
    with pytest.raises(TimeScaleError, match=r"^r\.yml:5: A: 100 means a time"):
        scale_rules(text, 60, source="r.yml")


def test_a_window_too_short_for_four_scrapes_names_the_largest_scale_that_works() -> None:
    with pytest.raises(TimeScaleError) as refused:
        scaled("rate(a[5m]) / rate(b[2m]) > 0.1", 121)
    assert "at time scale 121 its window [2m] would hold fewer than 4" in str(refused.value)
    assert str(refused.value).endswith("the largest time scale that works is 120")
    assert scaled("rate(a[5m]) / rate(b[2m]) > 0.1", 120) == "rate(a[2s500ms]) / rate(b[1s]) > 0.1"


def test_a_window_too_short_in_production_already_is_refused_as_that() -> None:
    with pytest.raises(TimeScaleError, match=r"\[30s\] holds fewer than 4 scrapes of 15s in prod"):
        scaled("rate(a[30s]) > 0.1", 2)


@given(st.floats(min_value=1.5, max_value=2000), st.integers(min_value=60, max_value=7200))
@settings(max_examples=50, deadline=None)
def test_a_named_largest_scale_really_works_and_no_larger_one(k: float, seconds: int) -> None:
    text = one(f"rate(a[{seconds}s]) > 1")
    try:
        scale_rules(text, k, scrape_interval=SCRAPE)
    except TimeScaleError as error:
        largest = float(str(error).rsplit(" ", 1)[1])
        assert largest < k
        scale_rules(text, largest, scrape_interval=SCRAPE)
    else:
        window = divide(timedelta(seconds=seconds), k)
        rounding = timedelta(milliseconds=4)
        assert window + rounding >= 4 * scale_interval(SCRAPE, k)


@given(st.integers(min_value=1, max_value=3_600_000), st.floats(min_value=1, max_value=5000))
def test_an_interval_never_falls_below_the_floor_unless_it_was_there(ms: int, k: float) -> None:
    interval = timedelta(milliseconds=ms)
    result = scale_interval(interval, k)
    assert min(interval, INTERVAL_FLOOR) <= result <= max(interval, INTERVAL_FLOOR)
    if interval / k > INTERVAL_FLOOR:
        assert result == divide(interval, k)


@given(
    st.lists(st.integers(min_value=60_000, max_value=90_000_000), min_size=5, max_size=5),
    st.floats(min_value=1.001, max_value=59),
)
@settings(max_examples=50, deadline=None)
def test_every_duration_becomes_its_kth_part_to_the_millisecond(ms: list[int], k: float) -> None:
    lengths = [timedelta(milliseconds=each) for each in ms]
    pending, keep, window, offset, step = map(format_duration, lengths)
    text = f"""\
groups:
  - name: g
    rules:
      - alert: A
        expr: max_over_time(rate(a[{window}] offset {offset})[7d:{step}]) > 0.5
        for: {pending}
        keep_firing_for: {keep}
"""
    rule = load_rules(scale_rules(text, k, scrape_interval=SCRAPE).text).alert("A")
    found = promql.anatomy(promql.parse(rule.expr)).durations
    results = [rule.for_, rule.keep_firing_for, *found]
    originals = [lengths[0], lengths[1], lengths[3], lengths[2], timedelta(days=7), lengths[4]]
    for original, result in zip(originals, results, strict=True):
        assert abs(result - original / k) <= timedelta(microseconds=501)


@given(st.floats(min_value=1.001, max_value=59), st.floats(min_value=1.001, max_value=59))
@settings(max_examples=30, deadline=None)
def test_a_larger_scale_never_gives_a_longer_wait(one_k: float, other_k: float) -> None:
    fors = [
        load_rules(scale_rules(FILE, k, scrape_interval=SCRAPE).text).alert("Errors").for_
        for k in sorted((one_k, other_k))
    ]
    assert all(earlier >= later for earlier, later in pairwise(fors))


@pytest.mark.skipif(not production_files().rules.exists(), reason="no production rules")
@pytest.mark.parametrize("k", [2, 15, 60, 300])
def test_the_production_rules_scale(k: float) -> None:
    path = production_files().rules
    original = path.read_text(encoding="utf-8")
    result = scale_rules(original, k, scrape_interval=SCRAPE, source=path.name)
    before, after = load_rules(original), load_rules(result.text)
    assert [rule.name for rule in after.alerts] == [rule.name for rule in before.alerts]
    for ours, theirs in zip(before.alerts, after.alerts, strict=True):
        assert theirs.for_ == divide(ours.for_, k)
        assert theirs.window == divide(ours.window, k)
        assert getattr(theirs.threshold, "value", None) == getattr(ours.threshold, "value", None)
