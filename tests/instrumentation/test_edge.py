import gc
import uuid

import pytest
from flask import Flask, Response, abort, send_file
from gunicorn.http.wsgi import FileWrapper
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BaseConverter
from werkzeug.test import EnvironBuilder

from instrumentation.correlation import CURRENT
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


def test_a_response_that_nobody_reads_or_closes_is_reported_with_the_next_request(app, seen, ask):
    app.test_client().get("/ok/1")
    gc.collect()
    ask(app, "/ok/2")
    assert [(finished.path, finished.status) for finished in seen] == [
        ("/ok/1", 200),
        ("/ok/2", 200),
    ]


def test_the_garbage_collector_reports_nothing_itself_as_it_may_come_while_a_lock_is_held(
    app, seen
):
    meter = Meter()
    request_edge(app).measure(meter)
    answer(app, "/ok/1")  # nobody reads, closes or keeps it
    gc.collect()
    assert meter.calls == ["begun"]
    request_edge(app).report_abandoned()
    assert meter.calls == ["begun", ("answered", 200), ("finished", 200, 0)]


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


LENGTH_TWO = ("Content-Length", "2")


class Meter:
    def __init__(self):
        self.calls = []

    def begun(self, state):
        self.calls.append("begun")

    def answered(self, state):
        self.calls.append(("answered", state.status))

    def finished(self, state):
        self.calls.append(("finished", state.status, state.response_bytes))


def answer(app, path, method="GET"):
    """The body as a server gets it, unread."""
    environ = EnvironBuilder(path=path, method=method).get_environ()
    return app.wsgi_app(environ, lambda status, headers, exc_info=None: None)


def test_a_response_of_known_length_is_counted_before_the_server_has_its_last_byte(app):
    meter = Meter()
    request_edge(app).measure(meter)
    body = answer(app, "/ok/1")
    assert meter.calls == ["begun"]
    assert next(body) == b"ok"
    assert meter.calls == ["begun", ("answered", 200)]
    assert list(body) == []
    body.close()
    assert meter.calls == ["begun", ("answered", 200), ("finished", 200, 2)]


def test_a_body_of_unknown_length_is_counted_when_it_ends(app):
    app.add_url_rule("/stream", "stream", lambda: Response(iter([b"a", b"b"])))
    meter = Meter()
    request_edge(app).measure(meter)
    body = answer(app, "/stream")
    assert [next(body), next(body)] == [b"a", b"b"]
    assert meter.calls == ["begun"]
    body.close()
    assert meter.calls == ["begun", ("answered", 200), ("finished", 200, 2)]


def test_a_client_that_leaves_in_the_middle_is_counted_once(app):
    app.add_url_rule("/stream", "stream", lambda: Response(iter([b"a", b"b"])))
    meter = Meter()
    request_edge(app).measure(meter)
    body = answer(app, "/stream")
    next(body)
    body.close()  # what a server does whose write failed
    body.close()
    assert meter.calls == ["begun", ("answered", 200), ("finished", 200, 1)]


def test_an_answer_to_head_is_counted(app):
    meter = Meter()
    request_edge(app).measure(meter)
    body = answer(app, "/ok/1", method="HEAD")
    assert list(body) == []
    body.close()
    assert meter.calls == ["begun", ("answered", 200), ("finished", 200, 0)]


def test_a_trace_is_taken_over_and_one_is_begun_where_there_is_none(app, seen, ask):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    ask(app, "/ok/1", headers={"traceparent": f"00-{trace}-{parent}-01"})
    ask(app, "/ok/1", headers={"traceparent": f"00-{'0' * 32}-{parent}-01"})
    taken, begun = seen
    assert (taken.trace_id, taken.parent_id, taken.trace_flags) == (trace, parent, "01")
    assert taken.span_id != parent
    assert begun.parent_id is None
    assert int(begun.trace_id, 16)
    assert begun.request_id == begun.trace_id


def test_an_application_inside_another_one_keeps_the_identity_of_the_request(seen):
    inner, outer = Flask("inner", static_folder=None), Flask("outer", static_folder=None)
    for app in (inner, outer):
        request_edge(app).observe(seen.append)
    inner.add_url_rule("/x", "x", lambda: CURRENT.get().request_id)
    flask_itself = outer.wsgi_app._inner
    outer.wsgi_app._inner = DispatcherMiddleware(flask_itself, {"/inner": inner})
    with outer.test_client().get("/inner/x") as response:
        told = response.get_data(as_text=True)
    assert [(f.app.name, f.request_id) for f in seen] == [("inner", told), ("outer", told)]
    assert seen[0].trace_id == seen[1].trace_id
    assert CURRENT.get() is None


def test_an_exception_that_a_handler_answers_well_is_no_failure(app, seen, ask):
    app.register_error_handler(500, lambda error: ("", 302, {"Location": "/ok/1"}))
    assert ask(app, "/boom").status_code == 302
    assert [(f.status, f.error_type, f.failed) for f in seen] == [(302, "LookupError", False)]


def test_a_body_that_breaks_is_a_failure_whatever_its_status(app, seen, ask):
    with pytest.raises(OSError, match="broken"):
        ask(app, "/breaks-late")
    assert [(f.status, f.failed, f.cut_short) for f in seen] == [(200, True, False)]


@pytest.mark.parametrize("read", [0, 1, 2])
def test_a_body_is_cut_short_unless_all_of_it_was_taken(app, seen, read):
    app.add_url_rule("/stream", "stream", lambda: Response(iter([b"a", b"b"])))
    app.add_url_rule("/known", "known", lambda: Response(iter([b"a", b"b"]), headers=[LENGTH_TWO]))
    for path in ("/stream", "/known"):
        body = answer(app, path)
        for _ in range(read):
            next(body)
        body.close()
    streamed, known = seen
    assert streamed.cut_short  # its end was never seen
    assert known.cut_short == (read < 2)


def test_what_is_logged_while_a_response_is_closed_belongs_to_its_request(app, seen):
    at_close = []

    @app.get("/closing")
    def closing():
        response = Response("x")
        response.call_on_close(lambda: at_close.append(CURRENT.get()))
        return response

    body = answer(app, "/closing")
    assert list(body) == [b"x"]
    body.close()
    assert at_close == seen
    assert CURRENT.get() is None


def test_a_status_that_is_no_number_is_passed_on_as_it_is(app, seen):
    app.add_url_rule("/busy", "busy", lambda: Response("x", status="busy"))
    environ = EnvironBuilder(path="/busy").get_environ()
    sent = []
    body = app.wsgi_app(environ, lambda status, headers, exc_info=None: sent.append(status))
    assert list(body) == [b"x"]
    body.close()
    assert sent == ["0 busy"]
    assert [f.status for f in seen] == [0]


def test_a_converter_that_raises_costs_neither_the_teams_page_nor_the_count(app, seen, ask):
    class Broken(BaseConverter):
        def to_python(self, value):
            raise RuntimeError("no database")

    app.url_map.converters["broken"] = Broken
    app.add_url_rule("/broken/<broken:x>", "broken", lambda x: x)
    app.register_error_handler(500, lambda error: ("our page", 500))
    assert ask(app, "/broken/1").text == "our page"
    assert [(f.status, f.rule) for f in seen] == [(500, None)]


def test_an_observer_that_raises_breaks_no_response(app, ask, caplog):
    def broken(state):
        raise RuntimeError("observer")

    request_edge(app).observe(broken)
    assert ask(app, "/ok/1").text == "ok"
    assert "could not be measured" in caplog.text


def test_a_file_is_handed_to_the_server_as_it_is_so_that_the_kernel_may_send_it(
    app, seen, tmp_path
):
    path = tmp_path / "large"
    path.write_bytes(b"x" * 100_000)
    app.add_url_rule("/file", "file", lambda: send_file(path))
    environ = EnvironBuilder(path="/file").get_environ()
    environ["wsgi.file_wrapper"] = FileWrapper  # gunicorn's
    body = app.wsgi_app(environ, lambda status, headers, exc_info=None: None)
    assert isinstance(body, FileWrapper)
    assert seen == []
    body.close()
    assert [(f.status, f.response_bytes, f.cut_short) for f in seen] == [(200, 100_000, False)]
    assert body.filelike.closed
    assert CURRENT.get() is None
