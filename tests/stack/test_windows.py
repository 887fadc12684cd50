from __future__ import annotations

import math
from datetime import timedelta

import pytest

from stack.durations import divide
from stack.production import production_files
from stack.rules import RuleFileError, RuleSet, load_rules
from stack.timescale import TimeScaleError, scale_rules
from stack.windows import groups_within, largest_time_scale

FILE = """\
groups:
  - name: quick
    rules:
      - {record: threshold:errors:ratio, expr: vector(0.05)}
      - {alert: Quick, expr: "rate(a[2m]) > scalar(threshold:errors:ratio)"}
  - name: slow
    interval: 2m
    rules:
      - {record: "a:rate", expr: "rate(a[5m])"}
      - {record: "a:rate1d", expr: "avg_over_time(a:rate[1d])"}
  - name: reading
    rules:
      - {alert: Slow, expr: "a:rate1d > 0.1"}
  - name: state
    rules:
      - {alert: State, expr: "up == 0"}
"""
SCRAPE = timedelta(seconds=15)
HOUR = timedelta(hours=1)


def production() -> RuleSet:
    path = production_files().rules
    return load_rules(path.read_text(encoding="utf-8"), path.name)


def test_the_shortest_window_sets_the_largest_scale() -> None:
    rules = load_rules(FILE)
    assert largest_time_scale(rules) == 120
    assert largest_time_scale(rules, {"quick"}) == 120
    assert largest_time_scale(rules, {"slow", "reading"}) == 300
    assert largest_time_scale(rules, {"state"}) == math.inf


def test_an_interval_below_the_floor_allows_a_larger_scale() -> None:
    tight = timedelta(milliseconds=50)
    assert largest_time_scale(load_rules(FILE), {"quick"}, scrape_interval=tight) == 600


def test_a_group_counts_with_the_windows_of_what_it_reads() -> None:
    assert groups_within(load_rules(FILE), HOUR) == ("quick", "state")
    assert groups_within(load_rules(FILE), 25 * HOUR) == ("quick", "slow", "reading", "state")


def test_the_groups_left_out_are_listed_and_gone() -> None:
    scaled = scale_rules(FILE, 60, groups={"quick", "state"}, source="r.yml")
    assert [group.name for group in load_rules(scaled.text).groups] == ["quick", "state"]
    assert [(c.where, c.production, c.drill) for c in scaled.changes][:2] == [
        ("group slow", "a:rate, a:rate1d", ""),
        ("group reading", "Slow", ""),
    ]


def test_groups_are_left_out_in_real_time_as_well() -> None:
    scaled = scale_rules(FILE, 1, groups={"quick"})
    assert [group.name for group in load_rules(scaled.text).groups] == ["quick"]
    assert len(scaled.changes) == 3
    everything = {"quick", "slow", "reading", "state"}
    assert scale_rules(FILE, 1, groups=everything).text == FILE


def test_a_group_that_reads_what_is_left_out_is_refused() -> None:
    with pytest.raises(RuleFileError, match=r"^r\.yml:13: Slow reads a:rate1d, which group 'slow'"):
        load_rules(FILE, "r.yml").only({"reading"})


def test_an_unknown_group_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RuleFileError, match=r"no group \['typo'\] here; it has \['quick'"):
        load_rules(FILE).only({"typo"})


def test_production_drills_everything_but_its_error_budgets_together() -> None:
    rules = production()
    left = [group.name for group in rules.groups if group.name.startswith("slo")]
    together = groups_within(rules, 2 * HOUR)
    assert left == ["slo", "slo_long"]
    assert {group.name for group in rules.groups} == {*together, *left}
    assert largest_time_scale(rules, together, scrape_interval=SCRAPE) >= 60


def test_the_error_budgets_work_at_300_and_no_larger_scale() -> None:
    rules, path = production(), production_files().rules
    groups = {"slo", "slo_long"}
    largest = largest_time_scale(rules, groups, scrape_interval=SCRAPE)
    assert largest == 300
    text = path.read_text(encoding="utf-8")
    scaled = load_rules(
        scale_rules(text, largest, groups=groups, scrape_interval=SCRAPE, source=path.name).text
    )
    assert {rule.name for rule in scaled.alerts} == {
        f"{slo}BudgetBurn{pace}"
        for slo in ("Availability", "Latency", "Success")
        for pace in ("Fast", "Slow")
    }
    assert scaled.groups[1].interval == divide(timedelta(minutes=2), 300)
    with pytest.raises(TimeScaleError, match="the largest time scale that works is 300"):
        scale_rules(text, 301, groups=groups, scrape_interval=SCRAPE)


@pytest.mark.parametrize("pace", ["Fast", "Slow"])
def test_a_burn_rate_times_a_budget_is_the_threshold_of_its_alert(pace: str) -> None:
    factor = {"Fast": 14.4, "Slow": 3}[pace]
    for slo, budget in {"Availability": 0.001, "Latency": 0.05, "Success": 0.0001}.items():
        threshold = production().alert(f"{slo}BudgetBurn{pace}").threshold
        assert threshold is not None
        assert threshold.value == pytest.approx(factor * budget)
