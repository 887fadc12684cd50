import gzip

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Summary,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar as LibraryExemplar

from instrumentation.exemplars import Exemplars
from instrumentation.exposition import Exposition
from instrumentation.registry import ServiceRegistry
from instrumentation.settings import SettingsError


def without_created(text):
    return [line for line in text.decode().splitlines() if "_created" not in line]


def test_it_writes_what_the_client_library_writes_except_created_series():
    registry = CollectorRegistry()
    counter = Counter("a_total", 'help with \\ and\nnewline and "', ["path"], registry=registry)
    counter.labels('quote " back \\ newline \n ü').inc(3)
    Gauge("g", "g", registry=registry).set(float("nan"))
    Gauge("h", "h", registry=registry).set(1.5e300)
    Histogram("ms", "ms", ["x"], buckets=(1, 2.5), registry=registry).labels("y").observe(2)
    exposition = Exposition(registry)
    first = exposition.render()
    assert first.decode().splitlines() == without_created(generate_latest(registry))
    counter.labels("new").inc()
    assert exposition.render().decode().splitlines() == without_created(generate_latest(registry))


def test_a_gauge_that_is_called_created_stays():
    registry = CollectorRegistry()
    Gauge("file_created", "When.", registry=registry).set(5)
    assert b"file_created 5.0" in Exposition(registry).render()


def openmetrics_lines(registry, **options):
    return Exposition(registry, **options).render(is_openmetrics=True).decode().splitlines()


def test_openmetrics_is_what_the_client_library_writes_except_created_series():
    registry = CollectorRegistry()
    Counter("a_total", 'help with \\ and "', ["path"], registry=registry).labels('q " \\ \n').inc(3)
    Histogram("ms", "ms", ["x"], buckets=(1, 2.5), registry=registry).labels("y").observe(2)
    expected = list(openmetrics.generate_latest(registry).decode().splitlines())
    assert openmetrics_lines(registry) == [line for line in expected if "_created" not in line]


def test_a_constant_label_stands_on_every_series_and_a_series_own_label_wins():
    registry = CollectorRegistry()
    Gauge("plain", "p", registry=registry).set(1)
    Gauge("own", "o", ["zone"], registry=registry).labels("b").set(1)
    exposition = Exposition(registry, constant_labels={"zone": "a", "region": 'e"u'})
    lines = exposition.render().decode().splitlines()
    assert 'plain{region="e\\"u",zone="a"} 1.0' in lines
    assert 'own{region="e\\"u",zone="b"} 1.0' in lines


@pytest.mark.parametrize("label", ["job", "service", "instance"])
def test_a_constant_label_that_discovery_sets_is_refused(label):
    with pytest.raises(ValueError, match=label):
        Exposition(CollectorRegistry(), constant_labels={label: "x"})


def test_exemplars_stand_on_their_buckets_in_openmetrics_only():
    registry = CollectorRegistry()
    latency = Histogram("ms", "ms", ["method", "endpoint"], buckets=(10, 100), registry=registry)
    latency.labels("GET", "/x").observe(5)
    kept = Exemplars((10.0, 100.0), None)
    kept.of("GET", "/x")(5.0, "ab" * 16)
    lines = openmetrics_lines(registry, exemplars={"ms": kept})
    with_one = [line for line in lines if " # " in line]
    assert len(with_one) == 1
    assert with_one[0].startswith(
        'ms_bucket{endpoint="/x",le="10.0",method="GET"} 1.0 # {trace_id='
    )
    parsed = list(text_string_to_metric_families("\n".join(lines) + "\n"))
    exemplars = [sample.exemplar for sample in parsed[0].samples if sample.exemplar]
    assert [(one.labels, one.value) for one in exemplars] == [({"trace_id": "ab" * 16}, 5.0)]
    assert b"trace_id" not in Exposition(registry, exemplars={"ms": kept}).render()


PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=nonsense;q=x", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=\u00fc", "text/plain; version=0.0.4"),
    ],
)
def test_the_format_is_the_one_that_the_client_asks_for(accept, expected):
    exposed = Exposition(CollectorRegistry()).respond(accept, "")
    assert exposed.headers["Content-Type"].startswith(expected)
    assert "Content-Encoding" not in exposed.headers
    assert exposed.headers["Vary"] == "Accept, Accept-Encoding"


def test_the_body_is_gzip_where_the_client_takes_it():
    registry = CollectorRegistry()
    Gauge("g", "g", registry=registry).set(1)
    exposed = Exposition(registry).respond("", "br, gzip;q=0.5")
    assert exposed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(exposed.body) == Exposition(registry).render()


@pytest.mark.parametrize("end", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85", "\r"])
def test_a_label_value_with_an_odd_end_of_line_keeps_its_series_name(end):
    registry = CollectorRegistry()
    Gauge("g", "g", ["x"], registry=registry).labels(f"a{end}b").set(1)
    assert Exposition(registry).render() == generate_latest(registry)


class Special:
    """A team's own collector: what a family holds beyond names and numbers."""

    def collect(self):
        stamped = GaugeMetricFamily("stamped", "s", labels=["x"])
        stamped.add_metric(["y"], 1.5, timestamp=1234.5)
        yield stamped
        yield GaugeHistogramMetricFamily(
            "sizes", "s", buckets=[("1", 1), ("+Inf", 2)], gsum_value=3
        )
        yield GaugeMetricFamily("wait_seconds", "w", value=1, unit="seconds")
        counted = CounterMetricFamily("counted", "c")
        counted.add_sample("counted_total", {}, 1, exemplar=LibraryExemplar({"trace_id": "a"}, 1))
        yield counted


@pytest.mark.parametrize("is_openmetrics", [False, True])
def test_timestamps_units_exemplars_and_forms_of_their_own_are_kept(is_openmetrics):
    registry = CollectorRegistry()
    registry.register(Special())
    write = openmetrics.generate_latest if is_openmetrics else generate_latest
    ours = Exposition(registry).render(is_openmetrics=is_openmetrics)
    assert ours.decode().splitlines() == without_created(write(registry))
    labelled = Exposition(registry, constant_labels={"zone": "a"})
    assert b'zone="a"' in labelled.render(is_openmetrics=is_openmetrics).splitlines()[2]


@pytest.mark.parametrize("labels", [{"bad-name": "x"}, {"le": "9"}, {"n": 3}, {"__x": "y"}])
def test_a_constant_label_that_no_series_could_have_is_refused_at_the_start(labels):
    with pytest.raises(SettingsError):
        Exposition(CollectorRegistry(), constant_labels=labels)


class Passing:
    """A collector whose series are other ones each time."""

    def __init__(self):
        self.round = 0

    def collect(self):
        self.round += 1
        family = GaugeMetricFamily("g", "g", labels=["n"])
        for n in range(500):
            family.add_metric([f"{self.round}-{n}"], n)
        yield family


def test_what_is_kept_of_series_that_are_gone_is_bounded():
    registry = CollectorRegistry()
    registry.register(Passing())
    exposition = Exposition(registry)
    for _ in range(20):
        exposition.render()
    assert len(exposition._text._series) < 3000


@pytest.mark.parametrize("is_openmetrics", [False, True])
def test_what_is_read_directly_is_what_the_client_library_writes(is_openmetrics):
    registry = ServiceRegistry(None)
    counter = Counter("a_total", "a", ["x"], registry=registry)
    counter.labels("one").inc(3)
    counter.labels("two").inc(12345678.5)
    Counter("alone_total", "b", registry=registry).inc(2)
    gauge = Gauge("g", "g", ["x"], registry=registry)
    for value in (float("nan"), float("inf"), -float("inf"), 1.5e300, -2e7, 1e6, 999999.5, 1e-7):
        gauge.labels(str(value)).set(value)
    Gauge("called", "c", registry=registry).set_function(lambda: 7.0)
    histogram = Histogram("ms", "ms", ["x"], buckets=(1, 2.5), registry=registry)
    for value in (0.5, 2, 9):
        histogram.labels("y").observe(value)
    Summary("s", "s", registry=registry).observe(4)
    Info("build", "i", registry=registry).info({"v": "1"})
    exposition = Exposition(registry)
    write = openmetrics.generate_latest if is_openmetrics else generate_latest

    def ours():
        return exposition.render(is_openmetrics=is_openmetrics).decode().splitlines()

    assert ours() == without_created(write(registry))
    counter.remove("one")
    counter.labels("three").inc()
    histogram.labels("y").observe(2, exemplar={"trace_id": "a"})
    assert ours() == without_created(write(registry))


def test_what_changes_between_two_scrapes_is_written_anew_and_nothing_else_changes():
    registry = ServiceRegistry(None)
    counter = Counter("a_total", "a", ["x"], registry=registry)
    latency = Histogram("ms", "ms", ["method", "endpoint"], buckets=(10, 100), registry=registry)
    latency.labels("GET", "/x").observe(5)
    counter.labels("one").inc()
    counter.labels("two").inc()
    kept = Exemplars((10.0, 100.0), None)
    note = kept.of("GET", "/x")
    exposition = Exposition(registry, exemplars={"ms": kept})

    def lines():
        return exposition.render(is_openmetrics=True).decode().splitlines()

    first = lines()
    assert lines() == first
    counter.labels("two").inc()
    second = lines()
    assert set(second) - set(first) == {'a_total{x="two"} 2.0'}
    note(5.0, "ab" * 16)  # a trace is noted after its request was counted
    (new,) = set(lines()) - set(second)
    assert new.startswith('ms_bucket{endpoint="/x",le="10.0",method="GET"} 1.0 # {trace_id="abab')
    note(50.0, "cd" * 16)
    latency.labels("GET", "/x").observe(50)
    assert sum(" # " in line for line in lines()) == 2
