"""The switch pages once when the heartbeat stops, and says when it is back."""

from datetime import timedelta

import pytest

from stack.receivers import Absence, Receivers, absences, parse_headline
from stack.waiting import wait_until

PERIOD, GRACE = timedelta(seconds=5), timedelta(seconds=2)


def judged(*beats, until=100.0, armed=0.0):
    return absences(beats, armed=armed, until=until, period=PERIOD, grace=GRACE)


def test_a_heartbeat_within_period_and_grace_is_not_missed():
    assert judged(5, 12, 17, until=24) == ()


def test_a_heartbeat_after_period_and_grace_is_missed_from_that_instant():
    assert judged(5, 12.5, until=13) == (Absence(last=5, noticed=12, ended=12.5),)


def test_a_heartbeat_that_stops_is_missed_for_good():
    assert judged(5, until=12.1) == (Absence(last=5, noticed=12, ended=None),)


def test_a_heart_that_never_beats_is_missed_since_the_switch_was_armed():
    assert judged(armed=10, until=17.5) == (Absence(last=10, noticed=17, ended=None),)


def test_each_absence_is_one():
    assert [each.last for each in judged(5, 20, 25, 50, until=52)] == [5, 25]


def test_beats_may_come_in_any_order_and_only_those_in_time_count():
    assert judged(12, 5, 99, until=13) == ()
    assert judged(3, armed=10, until=12) == ()


def test_nothing_is_missed_before_it_is_due():
    assert judged(5, until=12) == ()


@pytest.fixture
def receivers(tmp_path):
    with Receivers(tmp_path, lambda _: None) as running:
        yield running


def arrived(receivers, number):
    return wait_until(
        lambda: receivers.deliveries if len(receivers.deliveries) >= number else None,
        what=f"{number} pages",
        timeout_seconds=5,
    )


def test_the_page_of_an_absence_is_a_delivery_and_so_is_its_end(receivers):
    with receivers.dead_mans_switch(
        period=timedelta(seconds=0.1), grace=timedelta(seconds=0.05)
    ) as switch:
        (page,) = arrived(receivers, 1)
        assert (page.receiver, page.service, page.alert) == (
            "dead man's switch",
            "monitoring",
            "Watchdog",
        )
        assert (page.status, page.severity, page.accepted) == ("firing", "CRITICAL", True)
        assert parse_headline(page.headline).action
        switch.beat(page.at + 0.01)
        back = arrived(receivers, 2)[1]
        assert back.status == "resolved"
        assert parse_headline(back.headline).until


def test_a_switch_that_hears_its_heart_is_quiet_and_ends_at_once(receivers):
    with receivers.dead_mans_switch(period=timedelta(hours=1), grace=GRACE):
        pass
    assert receivers.deliveries == []
