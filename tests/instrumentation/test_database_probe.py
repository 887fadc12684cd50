"""The answer turns to "down" in time, whether the check fails, is late, or never ends."""

import os
import threading

import pytest
from flask import current_app

from instrumentation import database_probe
from instrumentation.database_probe import DatabaseProbeFailed, watch_database
from stack.waiting import wait_until

UP = 'softfactory_database_up{database="default"}'
FAILURES = 'softfactory_background_failures_total{task="database-probe"}'
LONG_SECONDS = 60


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def one(app):
    return app.extensions["instrumentation"]


@pytest.fixture
def database_is(app, value):
    def wait(wanted):
        wait_until(
            lambda: value(app, UP) == wanted or None,
            what=f"{UP} {wanted}",
            timeout_seconds=20,
        )

    return wait


@pytest.fixture
def hanging():
    """A check that hangs for ever once it is told to, and until the test is over."""

    class Check:
        def __init__(self):
            self.hang, self.end, self.runs = threading.Event(), threading.Event(), 0

        def __call__(self):
            self.runs += 1
            if self.hang.is_set():
                self.end.wait(120)

    check = Check()
    yield check
    check.end.set()


def test_a_good_database_is_up_from_the_first_scrape_on(app, one, value):
    watch_database(one, lambda: None, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS)
    assert value(app, UP) == 1


def test_a_check_that_fails_is_down_at_once_and_readiness_says_why(app, one, value, ask):
    def check():
        raise OSError("disk full\nand more")

    probe = watch_database(one, check, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS)
    assert value(app, UP) == 0
    assert probe.problem == "OSError: disk full"
    answer = ask(app, "/api/metrics/ready")
    assert answer.status_code == 503
    assert "disk full" in answer.json["checks"]["database"][0]["output"]


def test_a_database_is_up_again_after_a_good_probe(one, database_is):
    broken = threading.Event()

    def check():
        if broken.is_set():
            raise OSError("gone")

    watch_database(one, check, every_seconds=0.05, timeout_seconds=LONG_SECONDS)
    one.start()
    database_is(1)
    broken.set()
    database_is(0)
    broken.clear()
    database_is(1)


def test_a_probe_that_hangs_for_ever_is_down_and_counted_and_asked_only_once(
    app, one, value, database_is, hanging
):
    watch_database(one, hanging, every_seconds=0.05, timeout_seconds=2)
    one.start()
    database_is(1)
    hanging.hang.set()
    database_is(0)
    runs = hanging.runs
    failures = value(app, FAILURES)
    wait_until(
        lambda: value(app, FAILURES) > failures + 3 or None,
        what="more failed probes",
        timeout_seconds=20,
    )
    assert hanging.runs == runs
    hanging.hang.clear()
    hanging.end.set()
    database_is(1)


def test_a_probe_that_hangs_from_the_start_holds_the_start_up_no_longer_than_its_deadline(
    app, one, value, hanging
):
    hanging.hang.set()
    probe = watch_database(one, hanging, every_seconds=LONG_SECONDS, timeout_seconds=0.05)
    assert value(app, UP) == 0
    assert "expected within 0.05 s" in probe.problem
    with pytest.raises(DatabaseProbeFailed, match="no answer for"):
        probe.run()
    assert hanging.runs == 1


def test_a_forked_child_does_not_wait_for_a_check_that_hangs_in_its_parent(one, hanging):
    hanging.hang.set()
    probe = watch_database(one, hanging, every_seconds=LONG_SECONDS, timeout_seconds=1)
    assert probe.problem is not None
    hanging.hang.clear()
    child = os.fork()
    if child == 0:
        try:
            probe.run()
            os._exit(0)
        except DatabaseProbeFailed:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_check_that_ends_its_thread_is_down(app, one, value):
    def check():
        raise SystemExit

    watch_database(one, check, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS)
    assert value(app, UP) == 0


def test_a_check_runs_in_the_application_context(app, one, value):
    watch_database(
        one,
        lambda: current_app.name,
        every_seconds=LONG_SECONDS,
        timeout_seconds=LONG_SECONDS,
    )
    assert value(app, UP) == 1


def test_two_databases_have_a_gauge_a_readiness_check_and_a_task_each(app, one, value, ask):
    def gone():
        raise OSError("gone")

    watch_database(one, lambda: None, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS)
    watch_database(
        one, gone, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS, name="archive"
    )
    assert value(app, UP) == 1
    assert value(app, 'softfactory_database_up{database="archive"}') == 0
    checks = ask(app, "/api/metrics/ready").json["checks"]
    assert {name: check[0]["status"] for name, check in checks.items()} == {
        "database": "pass",
        "database-archive": "fail",
    }
    wait_until(
        lambda: (
            value(app, 'softfactory_background_failures_total{task="database-probe-archive"}')
            or None
        ),
        what="the failure of its own task",
        timeout_seconds=20,
    )


def test_a_name_is_used_once_and_times_are_above_zero(one):
    watch_database(one, lambda: None)
    with pytest.raises(ValueError, match="exists"):
        watch_database(one, lambda: None)
    for times in ({"every_seconds": 0}, {"timeout_seconds": -1}):
        with pytest.raises(ValueError, match="above zero"):
            watch_database(one, lambda: None, name="other", **times)


def test_one_thread_runs_the_check_each_time(one):
    threads = []
    probe = watch_database(
        one,
        lambda: threads.append(threading.current_thread()),
        every_seconds=LONG_SECONDS,
        timeout_seconds=LONG_SECONDS,
    )
    for _ in range(3):
        probe.run()
    assert len(threads) == 4
    assert len(set(threads)) == 1


def test_a_thread_that_nobody_asks_any_more_ends_and_the_next_probe_has_another(one, monkeypatch):
    monkeypatch.setattr(database_probe, "IDLE_SECONDS", 0.01)
    threads = []
    probe = watch_database(
        one,
        lambda: threads.append(threading.current_thread()),
        every_seconds=LONG_SECONDS,
        timeout_seconds=LONG_SECONDS,
    )
    threads[0].join(20)
    assert not threads[0].is_alive()
    probe.run()
    assert threads[0] is not threads[1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_check_that_ended_its_thread_is_asked_again_in_another(one):
    ends = [True, False]

    def check():
        if ends.pop(0):
            raise SystemExit

    probe = watch_database(one, check, every_seconds=LONG_SECONDS, timeout_seconds=LONG_SECONDS)
    assert probe.problem == "the check ended its thread"
    probe.run()
    assert probe.problem is None
