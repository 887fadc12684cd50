"""Slots, mixes and shares are exact, whatever the numbers."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pacing import Journey, Schedule, Share

WEIGHTS = st.dictionaries(
    st.sampled_from(["GET /a", "GET /b", "POST /c", "POST /d", "GET /e"]),
    st.integers(1, 12),
    min_size=1,
)
RATIOS = st.floats(0.001, 1.0)


@given(weights=WEIGHTS, rounds=st.integers(1, 5))
def test_each_round_of_a_journey_has_exactly_its_weights(
    weights: dict[str, int], rounds: int
) -> None:
    journey = Journey(weights)
    for _ in range(rounds):
        picks = Counter(journey.pick() for _ in range(sum(weights.values())))
        assert picks == weights


def test_a_journey_spreads_its_rare_requests() -> None:
    journey = Journey({"GET /a": 8, "POST /b": 2})
    picks = [journey.pick() for _ in range(20)]
    at = [index for index, name in enumerate(picks) if name == "POST /b"]
    assert {later - earlier for earlier, later in pairwise(at)} == {5}


@given(ratio=RATIOS, weights=WEIGHTS, requests=st.integers(1, 300))
def test_a_share_holds_at_any_time_in_all_and_for_each_kind(
    ratio: float, weights: dict[str, int], requests: int
) -> None:
    share, journey = Share(ratio), Journey(weights)
    sent: Counter[str] = Counter()
    carried: Counter[str] = Counter()
    for _ in range(requests):
        kind = journey.pick()
        sent[kind] += 1
        carried[kind] += share.takes(kind)
        assert abs(carried.total() - ratio * sent.total()) < 2
        assert all(abs(carried[each] - ratio * sent[each]) < 2 for each in sent)


@pytest.mark.parametrize(("ratio", "requests"), [(0.75, 400), (0.1, 400), (0.05, 400), (1.0, 7)])
def test_a_share_is_exact_over_whole_rounds(ratio: float, requests: int) -> None:
    share, journey = Share(ratio), Journey({"GET /a": 5, "GET /b": 3, "POST /c": 1, "POST /d": 1})
    carried = sum(share.takes(journey.pick()) for _ in range(requests))
    assert carried == round(ratio * requests)


def test_a_share_does_not_fall_into_step_with_the_journey() -> None:
    share, journey = Share(0.1), Journey({"GET /a": 8, "POST /b": 2})
    carried: Counter[str] = Counter()
    for _ in range(1000):
        kind = journey.pick()
        carried[kind] += share.takes(kind)
    assert carried == {"GET /a": 80, "POST /b": 20}


@given(rate=st.floats(0.5, 200), users=st.integers(1, 50))
def test_the_first_slots_are_spread_evenly(rate: float, users: int) -> None:
    schedule = Schedule(rate)
    schedule.begin(100.0)
    waits = [schedule.claim(100.0) for _ in range(users)]
    assert waits == pytest.approx([number / rate for number in range(users)])
    assert schedule.take_missed() == 0


def test_users_that_come_in_time_keep_the_rate_whatever_their_answers_take() -> None:
    schedule = Schedule(10.0)
    schedule.begin(0.0)
    free_at = [0.0] * 20  # 20 users, answers of 1.5 s at 10 requests/s: 15 busy at a time
    sent = []
    for _ in range(300):
        user = min(range(20), key=free_at.__getitem__)
        sent_at = free_at[user] + schedule.claim(free_at[user])
        sent.append(sent_at)
        free_at[user] = sent_at + 1.5
    assert sent == pytest.approx([number / 10 for number in range(300)])
    assert schedule.take_missed() == 0


def test_slots_that_nobody_could_take_are_dropped_and_counted() -> None:
    schedule = Schedule(10.0)
    schedule.begin(0.0)
    assert schedule.claim(0.0) == 0.0
    assert schedule.claim(1.05) == 0.0
    assert schedule.claim(1.05) == pytest.approx(0.05)
    assert schedule.take_missed() == 9  # due at 0.1 to 0.9; the one of 1.0 went out 50 ms late
    assert schedule.take_missed() == 0


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.01])
def test_an_impossible_share_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="share must be"):
        Share(ratio)


def test_an_impossible_journey_or_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one request"):
        Journey({})
    with pytest.raises(ValueError, match="greater than 0"):
        Journey({"GET /a": 0})
    with pytest.raises(ValueError, match="greater than 0"):
        Schedule(0)
    with pytest.raises(RuntimeError, match="before begin"):
        Schedule(1).claim(0.0)
