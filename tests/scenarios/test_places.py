"""Who asks first is served first, and never more run than there are places for."""

import threading

from scenarios.conditions import Service, steady
from scenarios.faults.noop import Noop
from scenarios.model import Drill
from scenarios.places import Places, weight


def test_a_drill_weighs_more_with_its_load_and_its_instances() -> None:
    light = Drill(alert="A", fault=Noop(), load=steady(per_second=1))
    loaded = Drill(alert="A", fault=Noop(), load=steady(per_second=20))
    many = Drill(alert="A", fault=Noop(), load=steady(per_second=1), service=Service(instances=12))
    assert weight(light) < weight(loaded) < weight(many)


def test_places_are_never_oversold() -> None:
    places, lock = Places(3), threading.Lock()
    taken, most = 0, 0

    def take(number: int) -> None:
        nonlocal taken, most
        with places.taken(number):
            with lock:
                taken += number
                most = max(most, taken)
            threading.Event().wait(0.002)
            with lock:
                taken -= number

    threads = [threading.Thread(target=take, args=(1 + n % 3,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (taken, most) == (0, 3)


def test_a_large_taker_is_not_overtaken_by_small_ones() -> None:
    places, order = Places(2), []
    first_is_in, may_leave, waiting = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with places.taken(1):
            first_is_in.set()
            may_leave.wait(20)

    def take(name: str, number: int) -> None:
        waiting.set()
        with places.taken(number):
            order.append(name)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    first_is_in.wait(20)
    for name, number in (("large", 2), ("small", 1)):
        queued = len(places._queue)
        threads.append(threading.Thread(target=take, args=(name, number)))
        threads[-1].start()
        while len(places._queue) == queued:
            waiting.wait(0.001)
    may_leave.set()
    for thread in threads:
        thread.join(20)
    assert order == ["large", "small"]


def test_more_than_all_places_is_all_of_them() -> None:
    with Places(2).taken(12):
        pass


def test_what_was_taken_in_fractions_and_given_back_is_whole_again() -> None:
    places = Places(1)
    for _ in range(10):
        with places.taken(0.1), places.taken(0.7):
            pass
    with places.taken(0.1), places.taken(0.2):
        pass
    taken = threading.Event()

    def take_all() -> None:
        with places.taken(1):
            taken.set()

    threading.Thread(target=take_all, daemon=True).start()
    assert taken.wait(20)
