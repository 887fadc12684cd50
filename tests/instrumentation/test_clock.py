"""The clock is read at the scrape, and capacity is told by whoever knows it."""

import time


def test_each_scrape_tells_the_time_of_its_own(make_app, value):
    app, name = make_app(), "softfactory_clock_timestamp_seconds"
    before = time.time()
    one, other = value(app, name), value(app, name)
    assert before <= one < other <= time.time()


def test_nobody_who_does_not_know_them_tells_how_many_threads_serve(make_app, ask, value):
    app = make_app()
    assert "request_capacity" not in ask(app, "/api/metrics/prometheus").text
    app.extensions["instrumentation"].served_by(7)
    app.extensions["instrumentation"].served_by(9)
    assert value(app, "softfactory_request_capacity") == 9
