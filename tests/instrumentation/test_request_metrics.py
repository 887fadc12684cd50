import random
import string
import threading

import pytest

from instrumentation import summary
from instrumentation.request_metrics import METHODS


def test_every_known_route_has_its_series_at_zero_in_the_first_scrape(make_app, value):
    app = make_app()
    for method, endpoint in [("GET", "/ok"), ("GET", "/items/<int:item>"), ("GET", "/boom")]:
        for status in ("200", "500"):
            labels = f'method="{method}",endpoint="{endpoint}",status="{status}"'
            labels = ",".join(sorted(labels.split(",")))
            assert value(app, f"softfactory_requests_total{{{labels}}}") == 0
    assert value(app, 'softfactory_errors_total{endpoint="/boom",type="http_500"}') == 0
    count = 'softfactory_request_latency_ms_count{endpoint="/items/<int:item>",method="POST"}'
    assert value(app, count) == 0


def test_requests_are_counted_by_route_template_and_status(make_app, ask, value):
    app = make_app()
    for n in range(5):
        ask(app, f"/items/{n}")
    labels = 'endpoint="/items/<int:item>",method="GET"'
    assert value(app, f'softfactory_requests_total{{{labels},status="200"}}') == 5
    assert value(app, f"softfactory_request_latency_ms_count{{{labels}}}") == 5


def test_errors_are_counted_by_the_type_of_their_exception(make_app, ask, value):
    app = make_app()
    ask(app, "/boom")
    assert value(app, 'softfactory_errors_total{endpoint="/boom",type="KeyError"}') == 1
    total = 'softfactory_requests_total{endpoint="/boom",method="GET",status="500"}'
    assert value(app, total) == 1


def test_ten_thousand_random_paths_and_methods_make_no_series(make_app):
    app = make_app()
    client = app.test_client()
    chance = random.Random(4)
    letters = string.ascii_uppercase
    before = series(client)
    for n in range(10_000):
        path = "/no" + "".join(chance.choices(string.ascii_letters + "/.%", k=12))
        method = chance.choice([*METHODS, "".join(chance.choices(letters, k=6))])
        client.open(f"{path}{n}", method=method, headers={"X-User-Id": f"user{n}"}).close()
    assert series(client) == before
    unmatched = 'softfactory_requests_total{endpoint="unmatched",method="other",status="404"}'
    assert series(client, with_values=True)[unmatched] == "10000.0"


def test_a_method_that_a_route_does_not_know_makes_no_series(make_app, ask):
    app = make_app()
    client = app.test_client()
    before = series(client)
    for method in ("BREW", "POST", "PATCH", "get"):
        ask(app, "/ok", method=method)
    assert series(client) == before


def series(client, *, with_values=False):
    lines = client.get("/api/metrics/prometheus").text.splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return found if with_values else set(found)


def by_status(app):
    families = app.extensions["instrumentation"].exposition.families()
    return summary.by_status(summary.by_name(families), prefix="softfactory")


def test_the_metrics_endpoints_do_not_count_themselves(make_app):
    app = make_app()
    client = app.test_client()
    for name in ("health", "live", "ready", "summary", "errors", "prometheus"):
        client.get(f"/api/metrics/{name}")
    assert by_status(app) == {}
    assert "/api/metrics" not in client.get("/api/metrics/prometheus").text


def test_an_unknown_path_below_the_metrics_endpoints_is_a_request_like_any(make_app, ask):
    app = make_app()
    ask(app, "/api/metrics/nothing")
    assert by_status(app) == {"404": 1}


def test_many_threads_at_once_are_counted_exactly(make_app, value):
    app = make_app()
    gate = threading.Barrier(34)

    def work():
        client = app.test_client()
        gate.wait()
        for n in range(20):
            client.get("/boom" if n % 4 == 0 else "/ok").get_data()

    threads = [threading.Thread(target=work) for _ in range(34)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one = app.extensions["instrumentation"]
    assert by_status(app) == {"200": 34 * 15, "500": 34 * 5}
    assert value(app, 'softfactory_errors_total{endpoint="/boom",type="KeyError"}') == 34 * 5
    assert one.recent.recent().over(60, now=one.recent.now).requests == 34 * 20


def test_two_applications_in_one_process_count_apart(make_app, ask, tmp_path, value):
    one = make_app("one")
    two = make_app("two", prefix="other", log_file=tmp_path / "two.log")
    ask(one, "/ok")
    labels = 'endpoint="/ok",method="GET",status="200"'
    assert value(one, f"softfactory_requests_total{{{labels}}}") == 1
    assert value(two, f"other_requests_total{{{labels}}}") == 0
    assert "softfactory" not in ask(two, "/api/metrics/prometheus").text


def test_latency_runs_until_the_last_byte(make_app, value):
    app = make_app(latency_buckets_ms=(20.0, 10000.0))
    wait = threading.Event()

    @app.get("/stream")
    def stream():
        def body():
            yield b"first"
            wait.wait(0.05)
            yield b"last"

        return app.response_class(body())

    app.test_client().get("/stream").get_data()
    labels = 'endpoint="/stream",le="{}",method="GET"'
    assert value(app, f"softfactory_request_latency_ms_bucket{{{labels.format('20.0')}}}") == 0
    assert value(app, f"softfactory_request_latency_ms_bucket{{{labels.format('10000.0')}}}") == 1


def test_a_request_is_in_flight_until_its_last_byte_and_scrapes_are_not(make_app, value):
    app = make_app()

    @app.get("/stream")
    def stream():
        return app.response_class(iter([b"first", b"last"]))

    with app.test_client().get("/stream", buffered=False) as response:
        body = response.iter_encoded()
        next(body)
        assert value(app, "softfactory_requests_in_flight") == 1
        assert list(body) == [b"last"]
        assert value(app, "softfactory_requests_in_flight") == 0


def test_the_size_of_a_response_is_that_of_its_body(make_app, ask, value):
    app = make_app(size_buckets_bytes=(10.0, 100.0))
    app.add_url_rule("/bytes/<int:n>", "bytes", lambda n: b"x" * n)
    for n in (10, 11, 1000):
        ask(app, f"/bytes/{n}")
    endpoint, method = 'endpoint="/bytes/<int:n>"', 'method="GET"'
    name = "softfactory_response_size_bytes"
    assert value(app, f"{name}_sum{{{endpoint},{method}}}") == 1021
    for edge, count in (("10.0", 1), ("100.0", 2)):
        le = f'le="{edge}"'
        assert value(app, f"{name}_bucket{{{endpoint},{le},{method}}}") == count


def test_exception_classes_without_end_make_one_series_beyond_the_first_hundred(make_app, ask):
    app = make_app()

    @app.get("/new")
    def new():
        raise type(f"Made{next(numbers)}", (Exception,), {})

    numbers = iter(range(1000))
    for _ in range(150):
        ask(app, "/new")
    names = series(app.test_client())
    made = [
        name for name in names if name.startswith("softfactory_errors_total") and "Made" in name
    ]
    assert len(made) == 100
    assert 'softfactory_errors_total{endpoint="/new",type="other"}' in names


def test_a_before_request_that_aborts_is_counted_with_its_route(make_app, ask, value):
    app = make_app()

    @app.before_request
    def refuse():
        return "no", 403

    ask(app, "/ok")
    assert app.extensions["instrumentation"].exposition.render().count(b'status="403"} 1.0') == 1


def test_methods_that_clients_make_up_take_no_place_of_an_exemplar(make_app, ask):
    app = make_app()
    for n in range(600):
        ask(app, "/nowhere", method=f"BREW{n}")
    ask(app, "/ok", method="HEAD")
    asked = {"Accept": "application/openmetrics-text;version=1.0.0"}
    lines = ask(app, "/api/metrics/prometheus", headers=asked).text.splitlines()
    assert any(' # {trace_id="' in line for line in lines if 'method="HEAD"' in line)


@pytest.mark.parametrize(
    ("mount", "path"), [("/shop", "/api/metrics/live"), ("", "/api/metrics/live")]
)
def test_the_metrics_endpoints_count_themselves_nowhere_the_application_is_mounted(
    make_app, ask, mount, path
):
    app = make_app()
    ask(app, path, environ_overrides={"SCRIPT_NAME": mount})
    assert by_status(app) == {}


def test_a_mount_that_looks_like_the_metrics_endpoints_hides_no_request(make_app, ask):
    app = make_app()
    app.add_url_rule("/health", "own_health", lambda: "fine")
    ask(app, "/health", environ_overrides={"SCRIPT_NAME": "/api/metrics"})
    assert by_status(app) == {"200": 1}


def test_a_response_that_is_cut_short_is_counted_as_that(make_app, value):
    app = make_app()
    app.add_url_rule("/stream", "stream", lambda: app.response_class(iter([b"a", b"b"])))
    with app.test_client().get("/stream", buffered=False) as response:
        next(response.iter_encoded())
    assert value(app, 'softfactory_responses_cut_short_total{endpoint="/stream"}') == 1
    assert value(app, 'softfactory_responses_cut_short_total{endpoint="/ok"}') == 0
