"""The gauge says what the readiness endpoint says, without anybody asking that."""

from threading import Event

import pytest

from stack.waiting import wait_until
from tests.instrumentation.served import gunicorn

READY = "softfactory_ready"


@pytest.fixture
def instrumentation(make_app):
    one = make_app().extensions["instrumentation"]
    one.start()
    return one


@pytest.fixture
def turns_to(instrumentation, value):
    def wait(wanted):
        wait_until(
            lambda: value(instrumentation.app, READY) == wanted,
            what=f"{READY} {wanted}",
            timeout_seconds=30,
        )

    return wait


def test_without_any_check_a_service_is_ready_from_the_first_scrape_on(instrumentation, value):
    assert value(instrumentation.app, READY) == 1


def test_a_critical_check_that_fails_and_recovers_turns_it_to_0_and_back(instrumentation, turns_to):
    broken = True

    @instrumentation.ready_check("stock")
    def stock():
        if broken:
            raise ConnectionError("no stock")

    turns_to(0)
    broken = False
    turns_to(1)


def test_a_check_that_hangs_turns_it_to_0_at_its_deadline(instrumentation, turns_to):
    ended = Event()
    instrumentation.ready_check("hangs", timeout_seconds=0.1)(ended.wait)
    turns_to(0)
    ended.set()
    turns_to(1)


def test_a_warning_leaves_it_at_1(instrumentation, value):
    asked = []

    @instrumentation.ready_check("optional", critical=False)
    def optional():
        asked.append(1)
        raise ConnectionError

    wait_until(lambda: len(asked) > 1, what="a second run", timeout_seconds=30)
    assert value(instrumentation.app, READY) == 1


def test_draining_turns_it_to_0_and_asks_no_check(instrumentation, turns_to):
    instrumentation.readiness.drain()
    instrumentation.ready_check("never asked")(lambda: pytest.fail("asked while draining"))
    turns_to(0)


@pytest.mark.integration
def test_one_worker_of_two_that_is_not_ready_is_told_whichever_is_asked(tmp_path):
    with gunicorn(
        tmp_path,
        *("--workers", "2", "--threads", "4"),
        app="tests.instrumentation.apps.probed:create_app()",
        environment={"INSTRUMENT_SAMPLE_SECONDS": "0.1"},
    ) as served:

        def every_scrape_says(wanted):
            wait_until(
                lambda: {served.samples().get(READY) for _ in range(8)} == {wanted},
                what=f"{READY} {wanted}",
                timeout_seconds=60,
            )

        wait_until(
            lambda: served.samples()["softfactory_request_capacity"] == 2 * 4,
            what="the threads of two workers",
            timeout_seconds=60,
        )
        every_scrape_says(1)
        mark = tmp_path / f"unready-{served.workers()[0].pid}"
        mark.touch()
        every_scrape_says(0)
        mark.unlink()
        every_scrape_says(1)
        assert served.samples()["softfactory_clock_timestamp_seconds"] > 1.7e9
