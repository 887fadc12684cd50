import threading

import pytest

from instrumentation.error_rates import ErrorRates


class Clock:
    now = 10_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rates(clock):
    return ErrorRates(clock)


def test_without_requests_there_is_no_ratio(rates):
    assert rates.over(60).error_ratio is None
    assert rates.over(60).errors_per_second == 0.0


def test_each_window_holds_what_happened_within_it(rates, clock):
    for _ in range(4):
        rates.add(failed=True)
    clock.now += 59
    rates.add(failed=False)
    assert (rates.over(60).requests, rates.over(60).errors) == (5, 4)
    clock.now += 1
    assert (rates.over(60).requests, rates.over(60).errors) == (1, 0)
    assert rates.over(300).error_ratio == pytest.approx(0.8)


def test_counts_older_than_the_longest_window_are_forgotten(rates, clock):
    rates.add(failed=True)
    clock.now += 900
    rates.add(failed=False)
    assert (rates.over(900).requests, rates.over(900).errors) == (1, 0)


def test_no_request_is_lost_between_threads(rates):
    def add():
        for n in range(500):
            rates.add(failed=n % 5 == 0)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (rates.over(60).requests, rates.over(60).errors) == (4000, 800)
