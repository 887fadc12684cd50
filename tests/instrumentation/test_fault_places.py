import threading
import time
from contextlib import ExitStack

import pytest

from instrumentation.faults.contract import BurnCPU, FaultRejected
from instrumentation.faults.cpu import burn_cpu
from instrumentation.faults.places import OCCUPIED_AT_ONCE, SPARE_THREADS, Places
from instrumentation.gunicorn_conf import threads


def test_faults_leave_the_shipped_servers_spare_threads_alone():
    assert threads - SPARE_THREADS == OCCUPIED_AT_ONCE


def test_who_finds_no_place_is_refused_at_once_and_one_that_is_left_can_be_taken():
    places = Places(2)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(places.one("delay"))
        with pytest.raises(FaultRejected, match="all 2 places are taken") as refused:
            taken.enter_context(places.one("delay"))
        assert refused.value.reason == "refused"
    with places.one("delay"):
        pass


def test_where_no_thread_can_be_spared_the_refusal_says_how_many_there_must_be():
    needed = f"serve with at least {SPARE_THREADS + 1} threads"
    with (
        pytest.raises(FaultRejected, match=f"delay: no thread .* {needed}"),
        Places(0).one("delay"),
    ):
        pass


def test_a_fault_that_raises_leaves_its_place():
    places = Places(1)
    for _ in range(2):
        with pytest.raises(KeyError), places.one("cpu"):
            raise KeyError


def test_a_limit_that_was_lowered_below_what_is_taken_refuses_until_it_holds():
    places = Places(2)
    with places.one("delay"):
        with places.one("delay"):
            places.limit = 1
        with pytest.raises(FaultRejected), places.one("delay"):
            pass
    with places.one("delay"):
        pass


def test_many_threads_never_hold_more_places_than_there_are():
    places, inside, most, lock = Places(3), 0, 0, threading.Lock()
    gate = threading.Barrier(16)

    def visit():
        nonlocal inside, most
        gate.wait()
        for _ in range(200):
            try:
                with places.one("delay"):
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    with lock:
                        inside -= 1
            except FaultRejected:
                continue

    visitors = [threading.Thread(target=visit) for _ in range(16)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert 1 <= most <= 3
    with ExitStack() as taken:  # and none was lost
        for _ in range(3):
            taken.enter_context(places.one("delay"))


def test_ending_the_faults_ends_a_burning_one():
    ended = threading.Event()
    ended.set()
    before = time.thread_time()
    burn_cpu(BurnCPU(seconds=1.0), ended=ended)
    assert time.thread_time() - before < 0.5
