"""An application's own metrics are found, and renamed so that the rules read them."""

from __future__ import annotations

import re

import pytest

from scenarios.own_app.exposed import (
    MappingError,
    MetricsMapping,
    edges_of,
    mapped_names,
    names_of,
    relabelling,
)

PAGE = """\
# HELP shop_requests_total Requests.
# TYPE shop_requests_total counter
shop_requests_total{code="200",path="/"} 3.0
# TYPE shop_seconds histogram
shop_seconds_bucket{le="0.01",path="/"} 1.0
shop_seconds_bucket{le="1.0",path="/"} 2.0
shop_seconds_bucket{le="10.0",path="/"} 2.0
shop_seconds_bucket{le="+Inf",path="/"} 2.0
shop_seconds_count{path="/"} 2.0
shop_seconds_sum{path="/"} 0.5
"""
MAPPING = MetricsMapping(
    path="/metrics",
    requests="shop_requests_total",
    latency="shop_seconds",
    labels={"status": "code", "endpoint": "path"},
)


def relabelled(series: dict[str, str], steps: tuple[object, ...]) -> dict[str, str]:
    """Do to a series what Prometheus does by these steps (all of action `replace`)."""
    for step in steps:
        assert isinstance(step, dict)
        joined = ";".join(series.get(name, "") for name in step["source_labels"])
        if found := re.fullmatch(step["regex"], joined):
            series[step["target_label"]] = found.expand(step["replacement"].replace("$1", r"\1"))
    return series


def test_names_are_those_of_series_and_of_what_is_declared() -> None:
    assert {"shop_requests_total", "shop_seconds_bucket", "shop_seconds"} <= names_of(PAGE)


def test_edges_are_the_largest_first_and_without_infinity() -> None:
    assert edges_of(PAGE, "shop_seconds") == ("10.0", "1.0", "0.01")


def test_the_unit_follows_from_the_name_unless_it_is_said() -> None:
    assert MAPPING.unit == "seconds"
    assert MetricsMapping(path="/m", latency="shop_ms").unit == "milliseconds"
    assert MetricsMapping(path="/m", latency="x_ms", latency_unit="seconds").unit == "seconds"


def test_what_is_mapped_is_there_under_the_rules_names() -> None:
    names = mapped_names(MAPPING, PAGE)
    assert {"softfactory_requests_total", "softfactory_request_latency_ms_bucket"} <= names


def test_a_mapping_to_nothing_lists_what_there_is() -> None:
    wrong = MetricsMapping(path="/metrics", requests="shop_total")
    with pytest.raises(MappingError, match=r"exposes no 'shop_total'; it has shop_requests_total"):
        mapped_names(wrong, PAGE)


def test_a_counter_gets_name_and_labels_that_the_rules_ask_for() -> None:
    steps = relabelling(MAPPING, edges_of(PAGE, "shop_seconds"))
    series = relabelled({"__name__": "shop_requests_total", "code": "500", "path": "/a"}, steps)
    assert series["__name__"] == "softfactory_requests_total"
    assert (series["status"], series["endpoint"]) == ("500", "/a")


@pytest.mark.parametrize(
    ("edge", "wanted"), [("0.01", "10"), ("1.0", "1000"), ("10.0", "10000"), ("+Inf", "+Inf")]
)
def test_a_bucket_s_edge_becomes_milliseconds_and_no_other_bucket_s(edge: str, wanted: str) -> None:
    steps = relabelling(MAPPING, edges_of(PAGE, "shop_seconds"))
    series = relabelled({"__name__": "shop_seconds_bucket", "le": edge, "path": "/"}, steps)
    assert series["__name__"] == "softfactory_request_latency_ms_bucket"
    assert series["le"] == wanted


def test_a_sum_keeps_its_name_as_its_unit_is_another() -> None:
    steps = relabelling(MAPPING, edges_of(PAGE, "shop_seconds"))
    assert relabelled({"__name__": "shop_seconds_sum"}, steps) == {"__name__": "shop_seconds_sum"}


def test_a_stranger_s_metric_is_left_alone() -> None:
    series = {"__name__": "go_goroutines", "code": "1"}
    assert relabelled(dict(series), relabelling(MAPPING, ())) == series
