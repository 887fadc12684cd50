import psutil
import pytest

from benchmarks import rounds as rounds_module
from benchmarks.request_cost import CONTENDERS, judged, losses
from benchmarks.rounds import Contender, Rounds, take_turns

HERE = "tests.benchmarks.counting_contender"


def contender(name, function, **options):
    return Contender(name=name, make=f"{HERE}:{function}", says=name, **options)


def test_every_contender_takes_its_turn_in_each_rotation_in_a_process_of_its_own(tmp_path):
    rounds = take_turns(
        [contender("a", "make"), contender("b", "make")],
        folder=tmp_path,
        rotations=3,
        units=5,
        warm_up_units=2,
    )
    assert {name: len(taken) for name, taken in rounds.wall_seconds.items()} == {"a": 3, "b": 3}
    lines = [(tmp_path / name / "runs").read_text().split() for name in "ab"]
    counts = [[line.split(":")[1] for line in one] for one in lines]
    processes = {line.split(":")[0] for one in lines for line in one}
    assert counts == [["2", "5", "5", "5"]] * 2
    assert len(processes) == 2


def test_an_optional_contender_that_refuses_is_left_out_with_its_reason(tmp_path):
    rounds = take_turns(
        [contender("a", "make"), contender("b", "refuse", optional=True)],
        folder=tmp_path,
        rotations=1,
        units=1,
        warm_up_units=1,
    )
    assert rounds.refused == {"b": "ValueError: not today"}
    assert rounds.wall_seconds.keys() == {"a"}


def test_a_contender_that_must_run_and_refuses_ends_the_benchmark(tmp_path):
    with pytest.raises(RuntimeError, match="b cannot run: ValueError: not today"):
        take_turns(
            [contender("b", "refuse")], folder=tmp_path, rotations=1, units=1, warm_up_units=1
        )


def test_a_contender_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(rounds_module, "END_SECONDS", 0.1)
    take_turns([contender("a", "stay")], folder=tmp_path, rotations=1, units=1, warm_up_units=1)
    pid = int((tmp_path / "a" / "runs").read_text().partition(":")[0])
    assert not psutil.pid_exists(pid)


def test_added_time_is_judged_against_the_bare_application_of_the_same_rotation():
    added_us = {"bare": 0.0, "ours": 20.0, "exporter": 40.0, "otel-metrics": 80.0}
    drift_us = [100.0, 900.0, 100.0]
    taken = {name: [(drift + more) / 1e6 for drift in drift_us] for name, more in added_us.items()}
    outcome = judged(Rounds(wall_seconds=taken, cpu_seconds=taken, refused={}), {"ours": 0})
    ratios = {target.what: round(target.observed, 6) for target in outcome.targets[:2]}
    assert ratios == {"ours / exporter": 0.5, "ours / otel-metrics": 0.25}
    assert outcome.met


def test_the_contenders_have_names_of_their_own():
    assert len({one.name for one in CONTENDERS}) == len(CONTENDERS)


def test_a_contender_that_lost_access_records_misses_its_target():
    taken = {name: [1.0 + number] for number, name in enumerate(("bare", "ours", "exporter"))}
    taken["otel-metrics"] = [9.0]
    outcome = judged(Rounds(wall_seconds=taken, cpu_seconds=taken, refused={}), {"ours": 3})
    assert [target.what for target in outcome.targets if not target.met] == ["access records lost"]


def test_a_contender_without_a_log_has_lost_every_access_record(tmp_path):
    (tmp_path / "exporter").mkdir()
    (tmp_path / "exporter" / "app.log").write_text('{"message": "GET /api/items/1"}\nstarted\n')
    lost = losses(tmp_path, ("ours", "exporter"), expected=2)
    assert lost == {"ours": 2, "exporter": 1}
