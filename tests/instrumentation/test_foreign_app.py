"""An application that is none of ours behaves the same, observed or not.

One rule: both are told the same things, and everything that a client, a hook, a teardown or a
caller of the application can see is compared; an answer may only gain its X-Request-Id.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import flash, session

from instrumentation import summary
from stack.ports import LOOPBACK, reserve
from stack.waiting import wait_until
from tests.instrumentation.blog import DIARY, STRANGERS, create_app
from tests.instrumentation.blog.conversation import CONVERSATION, get, post, without_signature
from tests.instrumentation.blog.database import connection
from tests.instrumentation.blog.served import FORMS

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "as a tutorial leaves it": {},
    "with one handler for every exception": {"catch_all": True},
    "with exceptions that propagate": {"PROPAGATE_EXCEPTIONS": True},
    "under test": {"TESTING": True},
}
LOG_IN = (
    post("/auth/register", name="ada", password="x"),
    post("/auth/login", name="ada", password="x"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one answer is to its client and to the application's own hooks."""

    said: str
    status: str | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raised: str | None
    diary: tuple[tuple[str, object], ...]


@pytest.fixture
def make_blog(tmp_path, clean_up):
    """Make a blog in a folder of its own, observed in a form, or bare."""

    def make(form=None, **options):
        folder = tmp_path / str(form)
        folder.mkdir()
        app = create_app(folder, **options)
        if form is not None:
            FORMS[form](app, folder)
            clean_up(app)
        return app

    return make


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def told(app, conversation=CONVERSATION):
    """Hold a conversation with the test client; return what was seen, and the request ids."""
    client = app.test_client()
    seen, ids = [], []
    for say in conversation:
        status, headers, body, raised = None, [], b"", None
        app.extensions[DIARY].clear()
        try:
            with client.open(
                say.target, method=say.method, headers=list(say.headers), data=say.body
            ) as response:
                status, headers = response.status, list(response.headers)
                for chunk in response.iter_encoded():
                    body += chunk
        except Exception as error:  # noqa: BLE001  # which one it is is what is compared
            raised = repr(error)
        ids.append([value for name, value in headers if name.lower() == "x-request-id"])
        seen.append(
            Seen(
                said=str(say),
                status=status,
                headers=tuple(
                    (name, without_signature(value))
                    for name, value in headers
                    if name.lower() not in ("x-request-id", "date")
                ),
                body=body,
                raised=raised,
                diary=tuple(app.extensions[DIARY]),
            )
        )
    return seen, ids


@pytest.mark.parametrize("kind", KINDS)
def test_an_observed_blog_answers_as_the_bare_one_and_its_hooks_see_the_same(make_blog, form, kind):
    bare, none = told(make_blog(**KINDS[kind]))
    observed, ids = told(make_blog(form, **KINDS[kind]))
    for one, other in zip(bare, observed, strict=True):
        assert one == other
    assert not any(none)
    answered = [len(own) for own, one in zip(ids, observed, strict=True) if one.status]
    assert set(answered) == {1}
    distinct = {own[0] for own in ids if own}
    assert len(distinct) == len(answered)


def test_the_conversation_meets_every_kind_of_answer(make_blog):
    seen, _ = told(make_blog(PROPAGATE_EXCEPTIONS=False))
    statuses = {int(one.status[:3]) for one in seen if one.status}
    assert statuses >= {200, 204, 206, 302, 303, 304}
    assert statuses >= {400, 403, 404, 405, 413, 415, 416, 418, 500}
    assert [one.raised for one in seen if one.raised] == ["OSError('the disk is gone')"] * 2
    bodies = b"".join(one.body for one in seen)
    for flashed in (b"Log in first.", b"ada is taken.", b"Saved.", b"Wrong name or password."):
        assert flashed in bodies


def test_a_conversation_that_differs_in_one_header_is_found_to_differ(make_blog):
    app = make_blog()

    @app.after_request
    def change(response):
        response.headers["X-Other"] = "one"
        return response

    other = create_app(Path(app.instance_path))
    assert told(app, [get("/")])[0] != told(other, [get("/")])[0]


def test_no_hook_of_the_application_runs_where_it_would_not_run_unobserved(make_blog, form):
    app = make_blog(form)
    told(app)
    exposition = app.extensions["instrumentation"].exposition

    def have_run():
        known = summary.tasks(
            summary.by_name(exposition.families()), prefix="softfactory", now=time.time()
        )
        return known and all(task.last_success.timestamp_seconds for task in known.values())

    wait_until(
        have_run,
        what="a first run of all background work",
        timeout_seconds=30,
    )
    assert app.extensions[STRANGERS] == []


def test_unhandled_exceptions_propagate_to_the_caller_as_they_are(make_blog, form):
    client = make_blog(form, PROPAGATE_EXCEPTIONS=True).test_client()
    with pytest.raises(LookupError) as caught:
        client.get("/export/crash")
    assert caught.value.args == ("nobody expects this", 42)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_reader_who_leaves_in_mid_stream_ends_it_as_before(make_blog, form):
    diaries = []
    for app in (make_blog(), make_blog(form)):
        response = app.test_client().get("/export/entries.csv")
        assert next(response.iter_encoded()) == b"id,title\r\n"
        before = list(app.extensions[DIARY])
        response.close()
        diaries.append((before, list(app.extensions[DIARY])))
    assert diaries[0] == diaries[1]


def test_a_stream_comes_in_the_chunks_in_which_it_was_made(make_blog, form):
    app = make_blog(form)
    told(app, LOG_IN)
    response = app.test_client().get("/export/entries.csv")
    assert list(response.iter_encoded()) == [b"id,title\r\n", b"", b"end\r\n"]


def test_the_test_client_keeps_its_context_as_before(make_blog, form):
    for app in (make_blog(), make_blog(form)):
        with app.test_client() as client:
            for say in LOG_IN:
                client.open(say.target, method=say.method, headers=list(say.headers), data=say.body)
            assert session["author_id"] == 1
        with client.session_transaction() as changed:
            changed["author_id"] = 99
        assert b"log in" in client.get("/").data


def test_contexts_without_a_request_work_as_before(make_blog, form):
    app = make_blog(form)
    with app.app_context():
        assert connection().execute("SELECT count(*) FROM entry").fetchone()[0] == 0
    with app.test_request_context("/"):
        flash("from a shell")
        assert session["_flashes"] == [("message", "from a shell")]
    assert {entry for entry, _ in app.extensions[DIARY]} == {"teardown", "teardown context"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A server that the conversation is held with, byte by byte, a connection an answer."""

    port: int

    def conversation(self, says=CONVERSATION):
        """Return every answer's bytes, without Date, X-Request-Id and signatures."""
        cookies, answers = {}, []
        for say in says:
            answer = self.answer(say, cookies)
            head, end, body = answer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            for line in lines:
                name, _, value = line.partition(": ")
                if name == "Set-Cookie":
                    cookie, _, crumb = value.partition(";")[0].partition("=")
                    cookies[cookie] = crumb
            kept = [
                without_signature(line)
                for line in lines
                if line.partition(":")[0].lower() not in ("date", "x-request-id")
            ]
            answers.append((str(say), kept, end, body))
        return answers

    def answer(self, say, cookies):
        headers = [("Host", "blog.example"), ("Connection", "close"), *say.headers]
        if say.body or say.method == "POST":
            headers.append(("Content-Length", str(len(say.body))))
        if cookies:
            headers.append(("Cookie", "; ".join(f"{k}={v}" for k, v in cookies.items() if v)))
        lines = [f"{say.method} {say.target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers), "", ""]
        with socket.create_connection((LOOPBACK, self.port), timeout=30) as connection:
            connection.sendall("\r\n".join(lines).encode() + say.body)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running(arguments, port, folder):
    """Run a server of the blog in a folder of its own, until the block ends."""
    folder.mkdir()
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={
                **os.environ,
                "BLOG_FOLDER": str(folder),
                "PYTHONPATH": str(ROOT),
                "PYTHONHASHSEED": "0",
            },
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(
            lambda: answers(port) or ended(process, folder),
            what="the blog to answer",
            timeout_seconds=60,
            retry_on=(OSError, http.client.HTTPException),
        )
        yield Wire(port=port)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port):
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/static/style.css")
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()


def ended(process, folder):
    assert process.poll() is None, (folder / "server.log").read_text()
    return False


def gunicorn(factory, port):
    return (
        *("gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "4"),
        *("--bind", f"{LOOPBACK}:{port}", f"tests.instrumentation.blog.served:{factory}()"),
    )


def gunicorn_as_we_set_it(factory, port):
    """As an observed service really runs: our settings, and several workers."""
    return (
        *("gunicorn", "-c", "python:instrumentation.gunicorn_conf", "--workers", "2"),
        *("--bind", f"{LOOPBACK}:{port}", f"tests.instrumentation.blog.served:{factory}()"),
    )


def flask_run(factory, port):
    return (
        *("flask", "--app", f"tests.instrumentation.blog.served:{factory}", "run"),
        *("--host", LOOPBACK, "--port", str(port)),
    )


def spoken(server, factory, folder):
    with reserve() as port, running(server(factory, port.port), port.port, folder) as wire:
        return wire.conversation()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("server", "observed"),
    [
        (gunicorn, "in_one_call"),
        (gunicorn, "in_two_steps"),
        (gunicorn_as_we_set_it, "in_one_call"),
    ],
)
def test_under_gunicorn_the_observed_blog_is_the_same_byte_for_byte(tmp_path, server, observed):
    bare = spoken(gunicorn, "bare", tmp_path / "bare")
    other = spoken(server, observed, tmp_path / "observed")
    for one, another in zip(bare, other, strict=True):
        assert one == another


@pytest.mark.integration
def test_under_flask_run_the_observed_blog_is_the_same_byte_for_byte(tmp_path):
    bare = spoken(flask_run, "bare", tmp_path / "bare")
    other = spoken(flask_run, "in_one_call", tmp_path / "observed")
    for one, another in zip(bare, other, strict=True):
        assert one == another
