"""A question without an answer is a fault, but for an excuse, which ends with a drill."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from scenarios.catalogue import drills
from stack.clients.prometheus import Sample
from stack.grafana.answers import Asked
from stack.grafana.dashboards import Dashboard, Query
from stack.grafana.unanswered import excused, load_excuses, needless, unanswered
from stack.yamlfile import ConfigurationError

TABLE = """\
series:
  softfactory:slo_*: {drills: [Burn], reason: a past of days}
questions:
  "one.json: Firing, A": {drills: [Errors, Slow], reason: an alert that fires}
  "one.json: Never, A": {drills: [], reason: every run has its control}
"""
EXCUSES = load_excuses(TABLE, "table.yml")


def promql(text: str) -> Query:
    return Query(ref_id="A", source="prometheus", kind="prometheus", text=text)


def nothing(_: str) -> Sequence[Sample]:
    return []


def asked(where: str, text: str, *, drilled: Sequence[str] = ()) -> list[str]:
    """Return what is left of one question, to a Prometheus that has nothing."""
    run = [Asked(query=nothing, time_scale=60, began=time.monotonic() - 60)]
    return list(unanswered([(where, promql(text))], run, EXCUSES, drilled))


def test_a_question_without_series_and_without_excuse_is_left() -> None:
    assert asked("one.json: Requests, A", "up") == ["one.json: Requests, A"]


def test_an_excuse_is_for_one_question_or_for_all_that_read_a_series() -> None:
    assert asked("one.json: Firing, A", "ALERTS") == []
    assert asked("one.json: Firing, B", "ALERTS") == ["one.json: Firing, B"]
    burn = "rate(up[5m]) / on (service) softfactory:slo_error:ratio_1h"
    assert asked("one.json: Burn, A", burn) == []
    assert asked("one.json: Burn, A", "softfactory:other") == ["one.json: Burn, A"]


def test_an_excuse_ends_where_one_of_its_drills_ran() -> None:
    assert asked("one.json: Firing, A", "ALERTS", drilled=["Burn"]) == []
    assert asked("one.json: Firing, A", "ALERTS", drilled=["Slow"]) == ["one.json: Firing, A"]
    everything = ["Burn", "Errors", "Slow"]
    assert asked("one.json: Never, A", "absent(up)", drilled=everything) == []


def test_who_is_excused_is_told_why() -> None:
    excuse = excused("one.json: Firing, A", promql("ALERTS"), EXCUSES, drilled=[])
    assert excuse is not None
    assert (excuse.where, excuse.reason) == ("table.yml:4", "an alert that fires")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("panels: {}", "table.yml:1: unknown part 'panels'; known: series, questions"),
        ("questions:\n  a: {drills: [b]}", "table.yml:2: a needs"),
        ("questions:\n  a: {reason: b}", "table.yml:2: a needs"),
        ("questions:\n  a: b", "table.yml:2: a needs"),
        ("- a", "table.yml:1: expected a mapping"),
    ],
)
def test_a_malformed_table_is_refused_with_the_line(table: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_excuses(table, "table.yml")


def test_an_entry_that_no_dashboard_needs_and_a_drill_that_there_is_not_are_named(
    dashboards: Sequence[Dashboard],
) -> None:
    assert needless(EXCUSES, dashboards, {"Errors", "Slow"}) == [
        "table.yml:4: no dashboard asks one.json: Firing, A; take the entry out",
        "table.yml:5: no dashboard asks one.json: Never, A; take the entry out",
        "table.yml:2: no scenario is called Burn",
    ]
    series = load_excuses("series:\n  no_such_*: {drills: [], reason: a}", "table.yml")
    (complaint,) = needless(series, dashboards, ())
    assert complaint == "table.yml:2: no dashboard asks no_such_*; take the entry out"


def test_the_shipped_table_holds_nothing_needless(dashboards: Sequence[Dashboard]) -> None:
    assert needless(load_excuses(), dashboards, {drill.id for drill in drills()}) == []


def test_the_shipped_table_excuses_nothing_that_all_drills_leave_unanswered_but_one_case(
    dashboards: Sequence[Dashboard],
) -> None:
    everything = {drill.id for drill in drills()}
    excuses = load_excuses()
    assert [
        where
        for dashboard in dashboards
        for where, query in dashboard.queries
        if excused(where, query, excuses, everything)
    ] == ["alerts.json: SoftFactoryDown, C"]
