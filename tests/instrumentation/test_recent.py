import os
import subprocess
import sys
import threading

import pytest
from flask import Flask

from instrumentation.correlation import RequestState
from instrumentation.recent import RecentErrors, merge_dead
from instrumentation.recent_ring import LAST_ERRORS, SIZE_BYTES, read, write

APP = Flask("recent", static_folder=None)


@pytest.fixture
def rates(clock):
    return RecentErrors(clock=clock)


def request(*, failed=False, **known):
    state = RequestState(APP, method=known.pop("method", "GET"), path="/secret", query="a=secret")
    state.status = 500 if failed else 200
    for name, value in known.items():
        setattr(state, name, value)
    return state


def over(rates, seconds):
    return rates.recent().over(seconds, now=rates.now)


OK, FAILED = request(), request(failed=True)


def test_without_requests_there_is_no_ratio(rates):
    assert over(rates, 60).error_ratio is None
    assert over(rates, 60).errors_per_second == 0.0


def test_each_window_holds_what_happened_within_it(rates, clock):
    for _ in range(4):
        rates.add(FAILED)
    clock.now += 59
    rates.add(OK)
    assert (over(rates, 60).requests, over(rates, 60).errors) == (5, 4)
    clock.now += 1
    assert (over(rates, 60).requests, over(rates, 60).errors) == (1, 0)
    assert over(rates, 300).error_ratio == pytest.approx(0.8)


def test_counts_older_than_the_longest_window_are_forgotten(rates, clock):
    rates.add(FAILED)
    clock.now += 900
    rates.add(OK)
    assert (over(rates, 900).requests, over(rates, 900).errors) == (1, 0)


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "in a shared directory"])
def test_no_request_is_lost_between_threads(tmp_path, clock, shared):
    rates = RecentErrors(tmp_path if shared else None, clock=clock)

    def add():
        for n in range(500):
            rates.add(FAILED if n % 5 == 0 else OK)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (over(rates, 60).requests, over(rates, 60).errors) == (4000, 800)
    assert len(rates.recent().errors) == LAST_ERRORS


def test_a_body_that_broke_off_is_an_error_whatever_its_status(rates):
    rates.add(request(status=200, error_type="OSError", broke=True))
    (error,) = rates.recent().errors
    assert (error.status, error.error_type) == (200, "OSError")


def test_the_last_errors_come_newest_first_and_name_no_person(rates):
    for number in range(LAST_ERRORS + 5):
        rates.add(
            request(
                status=500 + number % 5,
                rule=f"/items/<int:n{number}>",
                error_type="KeyError",
                request_id=f"request-{number}",
                user_id="secret",
            )
        )
    errors = rates.recent().errors
    assert [error.request_id for error in errors] == [
        f"request-{number}" for number in reversed(range(5, LAST_ERRORS + 5))
    ]
    assert errors[0].route == f"/items/<int:n{LAST_ERRORS + 4}>"
    assert "secret" not in repr(errors)


def test_a_method_that_the_client_made_up_is_not_repeated_and_no_route_is_none(rates):
    rates.add(request(failed=True, method="ALICE"))
    (error,) = rates.recent().errors
    assert (error.method, error.route, error.error_type) == ("other", None, "http_500")


def test_texts_are_cut_to_their_width_and_never_within_a_letter(rates):
    rates.add(
        request(failed=True, rule="/" + "ü" * 500, error_type="E" * 500, request_id="r" * 128)
    )
    (error,) = rates.recent().errors
    assert set(error.route[1:]) == {"ü"}
    assert error.error_type == "E" * 96
    assert error.request_id == "r" * 128


def test_a_forked_child_writes_into_a_file_of_its_own_and_both_see_the_sum(tmp_path, clock):
    rates = RecentErrors(tmp_path, clock=clock)
    rates.add(OK)
    child = os.fork()
    if child == 0:
        rates.add(FAILED)
        os._exit(0 if over(rates, 60).requests == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(tmp_path.iterdir())) == 2
    assert (over(rates, 60).requests, over(rates, 60).errors) == (2, 1)


def test_without_a_directory_a_forked_child_starts_at_nothing_and_leaves_its_parent_alone(rates):
    rates.add(OK)
    child = os.fork()
    if child == 0:
        rates.add(FAILED)
        os._exit(0 if over(rates, 60).requests == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (over(rates, 60).requests, over(rates, 60).errors) == (1, 0)


def in_children(rates, states):
    """Have each state added by a process of its own, which ends; return the process ids."""
    pids = []
    for state in states:
        pid = os.fork()
        if pid == 0:
            rates.add(state)
            os._exit(0)
        os.waitpid(pid, 0)
        pids.append(pid)
    return pids


def test_what_ended_processes_left_is_kept_in_one_file(tmp_path, clock):
    rates = RecentErrors(tmp_path, name="shop", clock=clock)
    other = RecentErrors(tmp_path, name="shop_eu", clock=clock)
    for pid in in_children(rates, [FAILED, OK, request(failed=True, request_id="last")]):
        merge_dead(tmp_path, pid)
    for pid in in_children(other, [OK]):
        merge_dead(tmp_path, pid)
    assert {path.name for path in tmp_path.iterdir()} == {
        "recent_shop_0.ring",
        "recent_shop_eu_0.ring",
    }
    assert (over(rates, 60).requests, over(rates, 60).errors) == (3, 2)
    assert (over(other, 60).requests, over(other, 60).errors) == (1, 0)
    assert rates.recent().errors[0].request_id == "last"
    clock.now += 60
    assert over(rates, 60).requests == 0
    assert over(rates, 300).requests == 3


def test_of_seconds_that_share_a_slot_the_newer_one_stays_when_a_dead_process_is_merged(
    tmp_path, clock
):
    rates = RecentErrors(tmp_path, clock=clock)
    (old,) = in_children(rates, [FAILED])
    clock.now += 900
    (new,) = in_children(rates, [OK])
    for pid in (new, old):
        merge_dead(tmp_path, pid)
    assert (over(rates, 900).requests, over(rates, 900).errors) == (1, 0)


def test_a_process_that_is_given_a_dead_ones_id_goes_on_with_its_file(tmp_path, clock):
    RecentErrors(tmp_path, clock=clock).add(FAILED)
    again = RecentErrors(tmp_path, clock=clock)
    again.add(OK)
    assert (over(again, 60).requests, over(again, 60).errors) == (2, 1)
    assert len(again.recent().errors) == 1


def test_files_that_are_no_rings_are_left_out(tmp_path, rates):
    rates = RecentErrors(tmp_path)
    rates.add(OK)
    (tmp_path / "recent_service_7.ring").write_bytes(b"RECENT01 and then nothing")
    (tmp_path / "recent_service_8.ring").write_bytes(bytes(SIZE_BYTES))
    (tmp_path / "recent_service_9.ring").symlink_to(tmp_path / "vanished")
    assert over(rates, 60).requests == 1


def test_a_record_that_is_half_written_is_left_out(rates):
    rates.add(request(failed=True, request_id="whole"))
    rates.add(request(failed=True, request_id="torn"))
    memory = write(rates.recent())
    at = memory.index(b"torn")
    torn = read(memory[:at] + b"TORN" + memory[at + 4 :])
    assert [error.request_id for error in torn.errors] == ["whole"]


def test_memory_is_of_a_fixed_size_however_much_happens(tmp_path, clock):
    rates = RecentErrors(tmp_path, clock=clock)
    for _ in range(2000):
        rates.add(FAILED)
        clock.now += 1
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size == SIZE_BYTES
    assert (over(rates, 900).requests, over(rates, 60).requests) == (899, 59)


def test_a_directory_that_cannot_be_written_costs_no_request(tmp_path, clock, caplog):
    rates = RecentErrors(tmp_path / "missing", clock=clock)
    rates.add(FAILED)
    assert over(rates, 60).errors == 1
    assert "other processes will not see" in caplog.text


WRITER = """
import sys
from pathlib import Path
from flask import Flask
from instrumentation.correlation import RequestState
from instrumentation.recent import RecentErrors
state = RequestState(Flask("w"), method="GET", path="/")
state.status, state.error_type, state.rule = 500, "E" * 96, "/" + "r" * 191
recent = RecentErrors(Path(sys.argv[1]))
recent.add(state)
print("writes", flush=True)
while True:
    recent.add(state)
"""


def test_a_reader_beside_a_busy_writer_sees_whole_records_only(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout.readline() == "writes\n"
        rates, before = RecentErrors(tmp_path), 0
        for _ in range(200):
            recent = rates.recent()
            rate = recent.over(900, now=rates.now + 1)
            assert before <= rate.errors <= rate.requests
            before = rate.errors
            assert {(e.error_type, e.route) for e in recent.errors} <= {("E" * 96, "/" + "r" * 191)}
    finally:
        writer.kill()
        writer.wait()
