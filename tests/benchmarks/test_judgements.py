"""What the benchmarks make of figures, on figures written by hand."""

from benchmarks.log_lines import BASE, judged
from benchmarks.rounds import Rounds
from benchmarks.scrape_time import judged as judged_scrapes
from benchmarks.spread import spread
from benchmarks.start_cost import targets as start_targets


def rounds(**microseconds):
    taken = {name: [value / 1e6] * 4 for name, value in microseconds.items()}
    return Rounds(wall_seconds=taken, cpu_seconds=taken, refused={})


def logged(ours, lost):
    taken = {"ours": ours, BASE: 40.0}
    return judged(rounds(**taken), {"ours": lost, BASE: 0})


def test_a_logger_as_fast_as_the_others_reaches_its_target():
    outcome = logged(40.0, 0)
    assert outcome.met
    assert [row[1] for row in outcome.rows] == ["25,000", "25,000"]


def test_a_slower_logger_misses_its_target():
    assert [target.met for target in logged(44.0, 0).targets] == [False, True]


def test_a_fast_logger_that_loses_records_misses_its_target():
    assert [target.met for target in logged(4.0, 1).targets] == [True, False]


def test_a_scrape_must_stay_fast_after_workers_were_replaced():
    names = ("first", "text", "OpenMetrics", "client library")
    fast, slow = ({name: spread([ms]) for name in names} for ms in (5.0, 50.0))
    outcome = judged_scrapes(fast, {**fast, "text": slow["text"]}, notes=())
    missed = [target.what for target in outcome.targets if not target.met]
    assert missed == ["text, after 1000 workers, ms"]
    assert judged_scrapes(slow, fast, notes=()).met is False


def test_the_slow_first_scrape_of_a_worker_and_the_client_library_are_told_and_not_judged():
    names = ("first", "text", "OpenMetrics", "client library")
    fast = {name: spread([5.0]) for name in names}
    slow = {"first": spread([500.0]), "client library": spread([500.0])}
    assert judged_scrapes({**fast, **slow}, {**fast, **slow}, notes=()).met


def test_memory_that_could_not_be_measured_misses_its_target():
    started, memory = start_targets(1.0, {})
    assert (started.met, memory.met) == (True, False)
    assert "not measured" in memory.line()
    assert start_targets(1.0, {"USS": 1.0, "PSS": 1.5})[1].observed == 1.5
