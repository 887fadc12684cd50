"""The summary's numbers, on families written by hand as several workers' sum would be."""

import pytest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from instrumentation import summary


def counter(name, labels, *values):
    family = CounterMetricFamily(name, "", labels=labels)
    for *labelled, value in values:
        family.add_metric(labelled, value)
    return family


def gauge(name, labels, *values):
    family = GaugeMetricFamily(name, "", labels=labels)
    for *labelled, value in values:
        family.add_metric(labelled, value)
    return family


def histogram(*routes):
    family = HistogramMetricFamily("shop_request_latency_ms", "", labels=["method", "endpoint"])
    for endpoint, buckets, total in routes:
        family.add_metric(["GET", endpoint], buckets, total)
    return family


REQUESTS = counter(
    "shop_requests_total",
    ["method", "endpoint", "status"],
    ("GET", "/a", "200", 5.0),
    ("POST", "/a", "200", 2.0),
    ("GET", "/b", "500", 1.0),
    ("GET", "/b", "404", 0.0),
)


def test_requests_are_summed_by_status_and_those_that_never_came_left_out():
    samples = summary.by_name([REQUESTS])
    assert summary.by_status(samples, prefix="shop") == {"200": 7, "500": 1}
    assert summary.by_status(samples, prefix="other") == {}


def test_errors_are_listed_by_type_and_endpoint():
    errors = counter(
        "shop_errors_total",
        ["type", "endpoint"],
        ("KeyError", "/b", 2.0),
        ("http_500", "/a", 0.0),
        ("OSError", "/a", 1.0),
    )
    samples = summary.by_name([REQUESTS, errors])
    expected = [("KeyError", "/b", 2), ("OSError", "/a", 1)]
    assert summary.errors_by_type(samples, prefix="shop") == expected


def test_quantiles_are_upper_bucket_edges_over_all_routes():
    latency = histogram(
        ("/a", [("10.0", 50.0), ("100.0", 50.0), ("+Inf", 50.0)], 250.0),
        ("/b", [("10.0", 0.0), ("100.0", 46.0), ("+Inf", 50.0)], 4750.0),
    )
    found = summary.latency(summary.by_name([latency]), prefix="shop")
    assert (found.count, found.mean_ms) == (100, 50.0)
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == (10.0, 100.0, 100.0)


def test_without_requests_there_is_no_latency():
    primed = histogram(("/a", [("10.0", 0.0), ("+Inf", 0.0)], 0.0))
    for families in ([], [primed]):
        found = summary.latency(summary.by_name(families), prefix="shop")
        assert found == summary.Latency(
            count=0, mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None
        )


def test_what_tells_its_last_success_is_found_by_its_name_with_its_age():
    families = [
        gauge("shop_backup_last_success_timestamp_seconds", [], (900.0,)),
        gauge("shop_invoices_last_success_timestamp_seconds", [], (0.0,)),
        gauge("shop_background_last_success_timestamp_seconds", ["task"], ("count", 990.0)),
        gauge("other_backup_last_success_timestamp_seconds", [], (1.0,)),
    ]
    found = summary.last_successes(summary.by_name(families), prefix="shop", now=1000.0)
    assert found == {
        "backup": summary.LastSuccess(timestamp_seconds=900.0, age_seconds=100.0),
        "invoices": summary.LastSuccess(timestamp_seconds=None, age_seconds=None),
    }


def test_of_several_workers_the_latest_success_of_a_task_counts_and_all_failures():
    families = [
        gauge(
            "shop_background_last_success_timestamp_seconds",
            ["task", "pid"],
            ("count", "1", 990.0),
            ("count", "2", 995.0),
        ),
        counter("shop_background_failures_total", ["task"], ("count", 3.0), ("mail", 0.0)),
    ]
    tasks = summary.tasks(summary.by_name(families), prefix="shop", now=1000.0)
    assert tasks["count"].failures == 3
    assert tasks["count"].last_success.age_seconds == 5.0
    assert tasks["mail"].last_success.timestamp_seconds is None


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        pytest.param([], None, id="no such metric"),
        pytest.param([gauge("shop_workers", [], (4.0,))], 4, id="one sample"),
    ],
)
def test_a_number_that_nobody_tells_is_unknown_and_not_zero(families, expected):
    assert summary.single(summary.by_name(families), "shop_workers") == expected
