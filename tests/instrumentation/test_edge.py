import uuid

import pytest
from flask import Flask, Response, abort

from instrumentation.edge import request_edge


@pytest.fixture
def seen():
    return []


@pytest.fixture
def app(seen):
    app = Flask("edge", static_folder=None)
    request_edge(app).observe(seen.append)

    @app.get("/ok/<int:n>")
    def ok(n):
        return "ok"

    @app.get("/boom")
    def boom():
        raise LookupError("boom")

    @app.get("/abort/<int:status>")
    def stop(status):
        abort(status)

    def breaks(before):
        if before:
            yield before
        raise OSError("broken")

    @app.get("/breaks-early")
    def breaks_early():
        return Response(breaks(""))

    @app.get("/breaks-late")
    def breaks_late():
        return Response(breaks("some"))

    return app


def test_a_request_is_reported_once_with_its_route_status_and_latency(app, seen, ask):
    ask(app, "/ok/7")
    (finished,) = seen
    assert (finished.method, finished.path, finished.rule) == ("GET", "/ok/7", "/ok/<int:n>")
    assert (finished.status, finished.error_type) == (200, None)
    assert finished.latency_ms > 0


def test_a_response_that_nobody_reads_or_closes_is_reported_all_the_same(app, seen):
    app.test_client().get("/ok/1")
    assert [finished.status for finished in seen] == [200]


def test_an_unhandled_exception_is_a_500_with_its_type(app, seen, ask):
    assert ask(app, "/boom").status_code == 500
    assert [(f.status, f.error_type) for f in seen] == [(500, "LookupError")]


def test_an_abort_is_the_status_that_it_names(app, seen, ask):
    ask(app, "/abort/503")
    ask(app, "/abort/404")
    assert [(f.status, f.error_type) for f in seen] == [(503, None), (404, None)]


def test_a_handler_for_all_exceptions_does_not_hide_the_500(app, seen, ask):
    app.register_error_handler(Exception, lambda error: ("sorry", 500))
    assert ask(app, "/boom").text == "sorry"
    assert [f.status for f in seen] == [500]


def test_an_exception_that_escapes_the_application_counts_as_the_servers_500(app, seen, ask):
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(LookupError):
        ask(app, "/boom")
    assert [(f.status, f.error_type) for f in seen] == [(500, "LookupError")]


def test_a_body_that_breaks_before_its_first_byte_is_a_500(app, seen, ask):
    with pytest.raises(OSError, match="broken"):
        ask(app, "/breaks-early")
    assert [(f.status, f.error_type) for f in seen] == [(500, "OSError")]


def test_a_body_that_breaks_later_keeps_the_status_that_was_sent_and_is_an_error(app, seen, ask):
    with pytest.raises(OSError, match="broken"):
        ask(app, "/breaks-late")
    assert [(f.status, f.error_type) for f in seen] == [(200, "OSError")]


def test_unknown_routes_have_no_rule(app, seen, ask):
    ask(app, "/nowhere")
    assert [(f.status, f.rule) for f in seen] == [(404, None)]


def test_middleware_that_answers_before_flask_is_reported_with_the_route(seen, ask):
    app = Flask("guarded", static_folder=None)
    app.add_url_rule("/a/<name>", "a", lambda name: name)

    def refuse(environ, start_response):
        start_response("401 Unauthorized", [])
        return [b"no"]

    app.wsgi_app = refuse
    request_edge(app).observe(seen.append)
    ask(app, "/a/x")
    assert [(f.status, f.rule) for f in seen] == [(401, "/a/<name>")]


@pytest.mark.parametrize("accepted", ["a", "A.b_c-9", "x" * 128])
def test_a_clients_request_id_is_kept_and_echoed(app, seen, accepted, ask):
    assert ask(app, "/boom", headers={"X-Request-Id": accepted}).headers["X-Request-Id"] == accepted
    assert seen[0].request_id == accepted


@pytest.mark.parametrize("refused", ["", "x" * 129, "a b", 'a"b', "ä", "a;b"])
def test_any_other_request_id_is_replaced_and_the_new_one_echoed(app, seen, refused, ask):
    echoed = ask(app, "/ok/1", headers={"X-Request-Id": refused}).headers["X-Request-Id"]
    assert echoed != refused
    assert uuid.UUID(echoed)
    assert seen[0].request_id == echoed


def test_a_response_carries_one_request_id_only(app, ask):
    @app.after_request
    def own(response):
        response.headers["x-request-id"] = "the-applications-own"
        return response

    response = ask(app, "/ok/1", headers={"X-Request-Id": "abc"})
    assert response.headers.getlist("X-Request-Id") == ["abc"]


def test_an_observer_is_called_once_however_often_it_is_added(app, seen, ask):
    calls = []
    edge = request_edge(app)
    edge.observe(calls.append)
    request_edge(app).observe(calls.append)
    ask(app, "/ok/1")
    assert len(calls) == 1
