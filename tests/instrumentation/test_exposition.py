from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from instrumentation.exposition import Exposition


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
