import hmac
import json
import random

import pytest
from flask import Flask, g, request

from instrumentation import instrument
from instrumentation.log_access import kept
from instrumentation.logging_config import configure_logging, request_logging_middleware
from instrumentation.settings import InstrumentSettings

KEY = b"a key of the tests, long enough"


@pytest.fixture
def serve(clean_up, ask, read_log, tmp_path):
    """Make a service that logs requests, and return how to ask it and what it logged then."""

    def make(user_id=None, **settings):
        app = Flask("service", static_folder=None)
        clean_up(app)
        made = InstrumentSettings(**settings)
        configure_logging(app, tmp_path / "app.log", settings=made)
        request_logging_middleware(app, settings=made, user_id=user_id)

        @app.get("/items/<int:item>")
        def items(item):
            app.logger.info("inside")
            return {"item": item}

        @app.get("/login")
        def login():
            g.user = "late"
            return {}

        @app.get("/boom")
        def boom():
            raise RuntimeError

        def records(path, **options):
            before = len(read_log())
            ask(app, path, **options)
            return [json.loads(line) for line in read_log()[before:]]

        return records

    return make


def test_a_user_id_of_a_client_is_not_believed(serve):
    records = serve()("/items/1", headers={"X-User-Id": "root"})
    assert all("user.id" not in record for record in records)


def test_the_application_says_who_asks_for_every_record_of_the_request(serve):
    records = serve(lambda: 7)("/items/1")
    assert [record["user.id"] for record in records] == ["7", "7"]


def test_who_is_known_only_after_a_login_is_in_the_requests_record(serve):
    (record,) = serve(lambda: g.get("user"))("/login")
    assert record["user.id"] == "late"


def test_nobody_is_asked_for_in_a_probe_or_a_scrape(clean_up, ask, tmp_path):
    asked = []
    app = Flask("service", static_folder=None)
    clean_up(app)
    instrument(app, log_file=tmp_path / "app.log", user_id=lambda: asked.append(request.path))
    for path in ("live", "health", "ready", "prometheus"):
        assert ask(app, f"/api/metrics/{path}").status_code == 200
    assert asked == []
    ask(app, "/nowhere")
    assert asked == ["/nowhere", "/nowhere"]


def test_who_is_known_at_once_is_not_asked_for_again(serve):
    asked = []
    serve(lambda: asked.append(1) or "7")("/items/1")
    assert asked == [1]


def test_a_user_id_is_hashed_where_there_is_a_key(serve, tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    records = serve(lambda: "7", user_id_key_file=tmp_path / "key")("/items/1")
    expected = hmac.new(KEY, b"7", "sha256").hexdigest()
    assert [record["user.id"] for record in records] == [expected, expected]


def test_a_user_id_that_cannot_be_had_fails_no_request_and_is_told_once(serve):
    def raises():
        raise LookupError("nobody there")

    ask = serve(raises)
    first, second = ask("/items/1"), ask("/items/2")
    assert [record["http.response.status_code"] for record in (first[-1], second[-1])] == [200, 200]
    assert "user_id raised" in first[0]["message"]
    assert first[0]["error.message"] == "nobody there"
    assert not any("user_id raised" in record["message"] for record in second)


def test_a_query_is_logged_without_its_secrets(serve):
    (record,) = [one for one in serve()("/items/1?page=2&token=abc") if "url.query" in one]
    assert record["url.query"] == "page=2&token=[redacted]"


def test_a_path_is_logged_as_its_bytes_mean_it(serve):
    assert serve()("/items/k%C3%A4se")[-1]["url.path"] == "/items/käse"


def access(records):
    return [record for record in records if "event.duration" in record]


def test_a_route_is_sampled_by_trace_and_says_its_share(serve):
    ask = serve(log_sample={"/items/<int:item>": 0.5})
    number = random.Random(1)
    for _ in range(20):
        trace = f"{number.getrandbits(128):032x}"
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        records = access(ask("/items/1", headers=headers))
        assert len(records) == kept(trace, 0.5)
        assert all(record["event.sample_rate"] == 0.5 for record in records)


def test_failures_and_other_routes_are_logged_whatever_the_share(serve):
    ask = serve(log_sample={"/items/<int:item>": 0.0, "/boom": 0.0})
    assert access(ask("/items/1")) == []
    (failed,) = access(ask("/boom"))
    assert failed["http.response.status_code"] == 500
    assert "event.sample_rate" not in failed
    assert len(access(ask("/nowhere"))) == 1


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_about_the_asked_share_of_traces_is_kept(share):
    number = random.Random(2)
    traces = [f"{number.getrandbits(128):032x}" for _ in range(20_000)]
    assert sum(kept(trace, share) for trace in traces) / 20_000 == pytest.approx(share, abs=0.02)


def test_a_trace_that_a_small_share_keeps_is_kept_by_a_larger_one():
    number = random.Random(3)
    traces = [f"{number.getrandbits(128):032x}" for _ in range(2_000)]
    assert all(kept(trace, 0.5) for trace in traces if kept(trace, 0.1))
