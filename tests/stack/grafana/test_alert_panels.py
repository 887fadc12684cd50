"""Each rule becomes a panel: what it measures, its threshold as a line, and its runbook."""

from __future__ import annotations

from typing import Any

import pytest

from stack import promql
from stack.grafana.addresses import panel_id, panel_link, panel_path
from stack.grafana.alert_panels import UNITS, alerts_dashboard
from stack.grafana.chosen_service import for_service
from stack.rules import RuleSet, load_rules


def panel_of(expr: str, **more: str) -> Any:
    keys = "".join(f"        {key}: {value}\n" for key, value in more.items())
    rules = load_rules(
        "groups:\n  - name: requests\n    rules:\n      - alert: Many\n"
        f"        expr: {expr!r}\n{keys}"
        "        labels: {severity: HIGH}\n"
        "        annotations: {runbook_url: https://example.org/Many.md}\n"
    )
    return next(one for one in alerts_dashboard(rules)["panels"] if one["title"] == "Many")


def targets(expr: str) -> list[tuple[str, str]]:
    return [(one["legendFormat"], one["expr"]) for one in panel_of(expr)["targets"]]


def test_the_threshold_is_a_series_of_its_own_under_the_sign_of_the_comparison() -> None:
    assert targets("sum by (service) (a) > scalar(threshold:x:ratio)") == [
        ("{{service}}", "sum by (service) (a)"),
        ("> x:ratio", "scalar(threshold:x:ratio)"),
    ]


def test_a_threshold_that_two_conditions_share_is_drawn_once() -> None:
    assert [
        legend for legend, _ in targets("a > scalar(threshold:x:ratio) and b > 0 and c > 0")
    ] == [*("A a {{service}}", "> x:ratio", "B b {{service}}", "> 0", "C c {{service}}")]


def test_two_limits_of_one_thing_have_names_of_their_own() -> None:
    panel = panel_of("a > scalar(threshold:x:ratio) and a < scalar(threshold:y:ratio)")
    assert [one["refId"] for one in panel["targets"]] == ["A", "A limit", "A limit 2"]


def test_series_are_told_apart_by_what_they_are_grouped_by() -> None:
    quantile = "histogram_quantile(0.9, sum by (service, endpoint, le) (a)) > 1"
    assert targets(quantile)[0][0] == "{{service}} {{endpoint}}"


def test_a_panel_says_how_bad_it_is_after_how_long_and_what_holds() -> None:
    panel = panel_of("a > scalar(threshold:x:ratio) and b == 0", **{"for": "5m"})
    assert panel["description"] == "HIGH, after 5m: A > x:ratio and B == 0"
    assert panel_of("a == 0")["description"] == "HIGH, at once: A == 0"


def test_a_panel_links_its_runbook() -> None:
    assert panel_of("a == 0")["links"] == [
        {"title": "Runbook", "url": "https://example.org/Many.md"}
    ]


def test_what_does_not_decide_has_its_own_unit_and_axis() -> None:
    panel = panel_of("a > scalar(threshold:x:ratio) and b > scalar(threshold:y:per_second)")
    assert panel["fieldConfig"]["defaults"] == {"unit": "percentunit"}
    shown = {
        one["matcher"]["options"]: {each["id"]: each["value"] for each in one["properties"]}
        for one in panel["fieldConfig"]["overrides"][1:]
    }
    right = {"unit": "reqps", "custom.axisPlacement": "right"}
    assert shown == {"B": right, "B limit": right}


def test_a_factor_leaves_the_unit_to_the_other_threshold() -> None:
    panel = panel_of("a > scalar(threshold:x:factor) * scalar(threshold:y:ratio)")
    assert panel["fieldConfig"]["defaults"] == {"unit": "percentunit"}


def test_a_threshold_in_a_unit_that_no_panel_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=f"threshold:x:furlongs.*{', '.join(UNITS)}"):
        panel_of("a > scalar(threshold:x:furlongs)")


def test_a_panel_keeps_its_address_when_rules_are_moved(rules: RuleSet) -> None:
    def ids(given: RuleSet) -> dict[str, int]:
        panels = alerts_dashboard(given)["panels"]
        return {one["title"]: one["id"] for one in panels if one["type"] == "timeseries"}

    backwards = RuleSet(groups=tuple(reversed(rules.groups)))
    assert ids(backwards) == ids(rules)
    assert ids(rules)["HighErrorRate"] == panel_id("HighErrorRate") == 1131660670
    path = "/d/softfactory-alerts?viewPanel=1131660670"
    assert panel_path("HighErrorRate") == path
    assert panel_link("HighErrorRate", "shop") == f"{path}&var-service=shop"


def test_an_id_fits_into_31_bits(rules: RuleSet) -> None:
    assert all(0 < panel_id(rule.name) < 2**31 for rule in rules.alerts)


@pytest.mark.parametrize(
    ("expr", "chosen"),
    [
        ('a{job="softfactory"}', 'a{job="softfactory",service=~"$service"}'),
        ('a{job="log-shipper"}', 'a{job="log-shipper",service=~"$service"}'),
        ("softfactory:a:rate", 'softfactory:a:rate{service=~"$service"}'),
        (
            'rate(a{job="softfactory",b="}"}[5m] offset 1h)',
            'rate(a{b="}",job="softfactory",service=~"$service"}[5m] offset 1h)',
        ),
        (
            "avg_over_time(softfactory:a:rate[1h] offset 2h)",
            'avg_over_time(softfactory:a:rate{service=~"$service"}[1h] offset 2h)',
        ),
        ('a{job="prometheus"}', 'a{job="prometheus"}'),
        ('a{job=~"softfactory|prometheus"}', 'a{job=~"softfactory|prometheus"}'),
        ("scalar(threshold:x:ratio)", "scalar(threshold:x:ratio)"),
    ],
)
def test_series_of_services_are_asked_of_the_chosen_ones_and_others_as_they_are(
    expr: str, chosen: str
) -> None:
    assert for_service(promql.parse(expr)).prettify() == chosen
