import os
import threading
import time

import pytest

from instrumentation.background import EARLY_RATIO


@pytest.fixture
def one(make_app):
    return make_app().extensions["instrumentation"]


def test_nothing_runs_before_the_process_serves(make_app, ask):
    app = make_app()
    ran = threading.Event()
    app.extensions["instrumentation"].background("task", ran.set, 60)
    assert not ran.is_set()
    assert not [t for t in threading.enumerate() if t.name == "background-task"]
    ask(app, "/api/metrics/live")
    assert ran.wait(5)


def test_a_task_added_while_serving_runs_at_once(one):
    one.start()
    ran = threading.Event()
    one.background("late", ran.set, 60)
    assert ran.wait(5)


def test_a_task_is_repeated_at_its_pace(one):
    runs = threading.Semaphore(0)
    one.background("task", runs.release, 0.01)
    one.start()
    for _ in range(3):
        assert runs.acquire(timeout=5)


def test_starting_twice_does_not_run_a_task_twice(one):
    one.background("task", lambda: None, 60)
    assert one.tasks.start()
    assert not one.tasks.start()
    assert len([t for t in threading.enumerate() if t.name == "background-task"]) == 1


def test_a_forked_child_starts_its_own_threads(one):
    read, write = os.pipe()
    one.background("task", lambda: os.write(write, str(os.getpid()).encode() + b"\n"), 60)
    one.start()
    assert os.read(read, 20) == f"{os.getpid()}\n".encode()
    child = os.fork()
    if child == 0:
        one.start()
        threading.Event().wait(30)
        os._exit(0)
    try:
        assert os.read(read, 20) == f"{child}\n".encode()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_failures_are_counted_and_logged_once_a_bout_and_the_task_goes_on(make_app, value, caplog):
    app = make_app()
    one = app.extensions["instrumentation"]
    runs = []
    done = threading.Event()

    def task():
        runs.append(len(runs))
        if len(runs) == 6:
            done.set()
        if len(runs) in (2, 3, 4):
            raise ConnectionError("gone")

    one.background("fragile", task, 0.01)
    one.start()
    assert done.wait(5)
    assert value(app, 'softfactory_background_failures_total{task="fragile"}') == 3
    assert [r.message for r in caplog.records if "fragile" in r.message] == [
        "background task fragile fails",
        "background task fragile works again",
    ]


def test_the_last_success_is_zero_until_there_is_one(make_app, value):
    app = make_app()
    one = app.extensions["instrumentation"]
    entered, leave = threading.Event(), threading.Event()

    def task():
        entered.set()
        leave.wait(5)

    one.background("slow", task, 60)
    sample = 'softfactory_background_last_success_timestamp_seconds{task="slow"}'
    assert value(app, sample) == 0
    assert value(app, 'softfactory_background_failures_total{task="slow"}') == 0
    assert entered.wait(5)
    leave.set()


def test_a_name_is_used_once_and_a_pace_is_above_zero(one):
    one.background("task", lambda: None, 1)
    with pytest.raises(ValueError, match="exists"):
        one.background("task", lambda: None, 1)
    with pytest.raises(ValueError, match="above zero"):
        one.background("other", lambda: None, 0)


def test_a_task_may_use_the_application_context(make_app):
    app = make_app()
    seen = []
    ran = threading.Event()

    def task():
        from flask import current_app

        seen.append(current_app.name)
        ran.set()

    app.extensions["instrumentation"].background("task", task, 60)
    app.extensions["instrumentation"].start()
    assert ran.wait(5)
    assert seen == ["service"]


def test_the_second_run_comes_early_by_no_more_than_it_may(one):
    runs = []
    done = threading.Event()

    def task():
        runs.append(time.monotonic())
        if len(runs) == 2:
            done.set()

    one.background("task", task, 0.5)
    one.start()
    assert done.wait(30)
    assert runs[1] - runs[0] > 0.5 * (1 - EARLY_RATIO) - 0.01  # the task's own clock, read later


def test_a_thread_that_cannot_be_started_costs_no_request(make_app, ask, monkeypatch, caplog):
    app = make_app()

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert ask(app, "/ok").status_code == 200
    assert "background task resources does not run" in caplog.text


def test_an_application_under_test_starts_no_threads_by_its_requests(make_app, ask, value):
    app = make_app()
    app.testing = True
    before = set(threading.enumerate())
    ask(app, "/ok")
    started = {one.name for one in set(threading.enumerate()) - before}
    assert not [name for name in started if name.startswith("background")]
    labels = 'endpoint="/ok",method="GET",status="200"'
    assert value(app, f"softfactory_requests_total{{{labels}}}") == 1
    app.extensions["instrumentation"].start()
    assert {one.name for one in threading.enumerate()} >= {"background-resources"}
