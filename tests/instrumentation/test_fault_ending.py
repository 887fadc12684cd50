"""When faults end before their time: by a signed word, or as nobody renews their lease."""

import math
import threading
import time

import pytest

from instrumentation.faults.contract import MAX_FAULT_SECONDS, Delay, End, FaultRejected, Renew
from instrumentation.faults.ending import LOOK_SECONDS, Endings

NOW = 1_000_000.0  # of headers: epoch seconds
DELAY = Delay(seconds=MAX_FAULT_SECONDS)
LEASED = Delay(seconds=MAX_FAULT_SECONDS, lease=3.0)


@pytest.fixture
def endings(directory, clock):
    return Endings(directory=directory, clock=clock)


def test_a_fault_goes_on_until_it_is_ended(endings):
    ended = endings.of(DELAY, expires=NOW)
    assert not ended.is_set()
    endings.of(End(), expires=NOW)
    assert ended.is_set()
    assert ended.wait(10.0)


def test_what_was_signed_before_the_end_and_comes_after_it_is_rejected(endings):
    endings.of(End(), expires=NOW)
    with pytest.raises(FaultRejected) as rejected:
        endings.of(DELAY, expires=NOW - 0.1)
    assert rejected.value.reason == "ended"


def test_what_was_signed_after_the_end_goes_on(endings):
    endings.of(End(), expires=NOW)
    assert not endings.of(DELAY, expires=NOW + 0.1).is_set()


def test_a_leased_fault_ends_when_nobody_renews_it(endings, clock):
    ended = endings.of(LEASED, expires=NOW)
    clock.now += 2.9
    assert not ended.is_set()
    clock.now += 0.1
    assert ended.is_set()


def test_a_renewal_keeps_every_leased_fault_going(endings, clock):
    ended = endings.of(LEASED, expires=NOW)
    for _ in range(5):
        clock.now += 2.0
        endings.of(Renew(seconds=3.0), expires=NOW)
        assert not ended.is_set()


def test_a_fault_without_a_lease_needs_no_renewal(endings, clock):
    ended = endings.of(DELAY, expires=NOW)
    clock.now += 1000.0
    assert not ended.is_set()


def test_every_worker_knows_what_one_was_told(tmp_path, clock):
    one, other = (Endings(directory=tmp_path, clock=clock) for _ in range(2))
    ended = one.of(LEASED, expires=NOW)
    clock.now += 2.0
    other.of(Renew(seconds=3.0), expires=NOW)
    clock.now += 2.0
    assert not ended.is_set()
    other.of(End(), expires=NOW)
    clock.now += LOOK_SECONDS
    assert ended.is_set()


def test_whoever_waits_is_freed_at_once_by_this_worker_and_soon_by_another(tmp_path):
    one, other = (Endings(directory=tmp_path) for _ in range(2))
    for told in (one, other):
        expires = time.time() + 5
        ended, freed = one.of(DELAY, expires=expires), []
        waiting = threading.Thread(
            target=lambda ended=ended, freed=freed: freed.append(ended.wait(MAX_FAULT_SECONDS))
        )
        waiting.start()
        told.of(End(), expires=expires)
        waiting.join(MAX_FAULT_SECONDS / 2)
        assert freed == [True]


def test_closing_ends_what_goes_on_and_what_comes(endings):
    ended = endings.of(DELAY, expires=NOW)
    endings.close()
    assert ended.is_set()
    assert endings.of(DELAY, expires=NOW + 1).is_set()


def test_what_comes_while_the_service_ends_is_not_held(tmp_path, clock):
    gone = tmp_path / "workers"
    gone.mkdir()
    endings = Endings(directory=gone, clock=clock)
    ended = endings.of(LEASED, expires=NOW)
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    clock.now += LOOK_SECONDS
    assert ended.is_set()
    with pytest.raises(FaultRejected):
        endings.end(math.inf)
