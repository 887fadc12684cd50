"""Workers' files, written by the client library's own writer, read and folded here."""

import os
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from instrumentation.worker_files import WorkerFiles, fold, forget_live_gauges
from instrumentation.workers import bury, bury_strays, fill_holes


@pytest.fixture
def write(tmp_path):
    """Write one number into a worker's file: kind, pid, family, labels, value."""

    def into(kind, pid, family, value, at=0.0, name=None, **labels):
        file = MmapedDict(str(tmp_path / f"{kind}_{pid}.db"))
        file.write_value(mmap_key(family, name or family, labels, labels.values(), "h"), value, at)
        file.close()

    return into


def values(files, *families):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in files.collect(set(families))
        for sample in metric.samples
    }


def test_counters_of_all_workers_are_added(tmp_path, write):
    write("counter", 11, "a", 2, name="a_total", path="/x")
    write("counter", 12, "a", 3, name="a_total", path="/x")
    write("counter", 12, "a", 5, name="a_total", path="/y")
    found = values(WorkerFiles(tmp_path), "a")
    assert found == {("a_total", ("path", "/x")): 5, ("a_total", ("path", "/y")): 5}


def test_a_family_of_another_registry_is_left_out(tmp_path, write):
    write("counter", 11, "a", 2)
    write("counter", 11, "b", 2)
    assert set(values(WorkerFiles(tmp_path), "b")) == {("b",)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("min", 1), ("livemin", 1), ("max", 7), ("livemax", 7), ("sum", 8), ("livesum", 8)],
)
def test_a_gauge_is_joined_as_its_mode_says(tmp_path, write, mode, expected):
    write(f"gauge_{mode}", 11, "g", 7)
    write(f"gauge_{mode}", 12, "g", 1)
    assert values(WorkerFiles(tmp_path), "g") == {("g",): expected}


@pytest.mark.parametrize("mode", ["mostrecent", "livemostrecent"])
def test_the_most_recent_value_is_the_one_that_was_set_last(tmp_path, write, mode):
    write(f"gauge_{mode}", 11, "g", 7, at=200.0)
    write(f"gauge_{mode}", 12, "g", 1, at=100.0)
    assert values(WorkerFiles(tmp_path), "g") == {("g",): 7}


def test_a_gauge_of_each_process_names_the_process(tmp_path, write):
    write("gauge_liveall", 11, "g", 7)
    write("gauge_liveall", 12, "g", 1)
    found = values(WorkerFiles(tmp_path), "g")
    assert found == {("g", ("pid", "11")): 7, ("g", ("pid", "12")): 1}


def test_histograms_are_the_same_as_the_client_library_reads_them(tmp_path, write):
    for pid, counts in ((11, (1, 2, 4)), (12, (8, 0, 16))):
        for le, count in zip(("5.0", "10.0", "+Inf"), counts, strict=True):
            write("histogram", pid, "h", count, name="h_bucket", le=le, path="/x")
        write("histogram", pid, "h", 30.5, name="h_sum", path="/x")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))

    class Ours:
        def collect(self):
            return WorkerFiles(tmp_path).collect({"h"})

    ours = CollectorRegistry()
    ours.register(Ours())
    assert sorted(generate_latest(ours).splitlines()) == sorted(
        generate_latest(registry).splitlines()
    )


def test_numbers_and_series_that_are_new_since_the_last_reading_are_seen(tmp_path, write):
    files = WorkerFiles(tmp_path)
    write("counter", 11, "a", 2)
    assert values(files, "a", "b") == {("a",): 2}
    write("counter", 11, "a", 3)
    write("counter", 11, "b", 1)
    write("counter", 12, "b", 1)
    assert values(files, "a", "b") == {("a",): 3, ("b",): 2}


def test_a_file_that_outgrows_its_first_size_is_read_to_its_end(tmp_path):
    files = WorkerFiles(tmp_path)
    writer = MmapedDict(str(tmp_path / "counter_11.db"))
    for n in range(3000):
        labels = {"path": f"/{n}"}
        writer.write_value(mmap_key("a", "a_total", labels, labels.values(), "h"), 1.0, 0.0)
        if n % 1000 == 0:
            values(files, "a")
    assert len(values(files, "a")) == 3000
    writer.close()


def test_a_file_whose_writer_died_in_the_middle_of_an_entry_gives_what_was_whole(tmp_path, write):
    write("counter", 11, "a", 2)
    path = tmp_path / "counter_11.db"
    content = bytearray(path.read_bytes())
    used = int.from_bytes(content[:4], "little")
    content[used : used + 4] = (4000).to_bytes(4, "little")
    content[:4] = (used + 100).to_bytes(4, "little")
    path.write_bytes(content)
    assert values(WorkerFiles(tmp_path), "a") == {("a",): 2}


def test_a_file_that_is_only_just_made_is_no_error(tmp_path):
    (tmp_path / "counter_11.db").touch()
    assert values(WorkerFiles(tmp_path), "a") == {}


def test_folding_changes_no_sum_and_removes_the_dead_worker_s_files(tmp_path, write):
    write("counter", 11, "a", 2)
    write("counter", 12, "a", 3)
    write("gauge_max", 11, "g", 7)
    write("gauge_min", 11, "low", -7)
    write("gauge_mostrecent", 11, "recent", 4, at=100.0)
    write("gauge_livesum", 11, "flying", 1)
    write("gauge_all", 11, "each", 1)
    families = ("a", "g", "low", "recent", "flying", "each")
    files = WorkerFiles(tmp_path)
    before = values(files, *families)
    forget_live_gauges(tmp_path, 11)
    fold(tmp_path, 11)
    assert not list(tmp_path.glob("*_11.*"))
    gone = {("flying",), ("each", ("pid", "11"))}
    assert values(files, *families) == {k: v for k, v in before.items() if k not in gone}


def test_folding_a_second_worker_joins_each_kind_in_its_own_way(tmp_path, write):
    for pid, number, at in ((11, 5.0, 100.0), (12, -3.0, 200.0)):
        write("counter", pid, "a", abs(number))
        write("gauge_max", pid, "high", number)
        write("gauge_min", pid, "low", number)
        write("gauge_sum", pid, "all", number)
        write("gauge_mostrecent", pid, "recent", number, at=at)
    for pid in (12, 11):
        fold(tmp_path, pid)
    found = values(WorkerFiles(tmp_path), "a", "high", "low", "all", "recent")
    expected = {("a",): 8, ("high",): 5, ("low",): -3, ("all",): 2, ("recent",): -3}
    assert found == expected


def test_series_of_processes_that_are_gone_are_forgotten_in_time(tmp_path, write):
    files = WorkerFiles(tmp_path)
    for pid in range(100, 130):
        for n in range(50):
            write("gauge_liveall", pid, "g", 1, n=str(n))
        assert len(values(files, "g")) == 50
        forget_live_gauges(tmp_path, pid)
    assert len(files._known.series) < 1200
    assert values(files, "g") == {}


def test_what_cannot_be_folded_for_want_of_room_is_lost_to_nobody(tmp_path, write):
    write("counter", 11, "a", 2)
    write("counter", 12, "a", 3)
    fold(tmp_path, 11)
    (tmp_path / "counter_0.new").mkdir()  # where the joined file would be written
    with pytest.raises(OSError, match=r"counter_0\.new"):
        bury(tmp_path, waiting := {12})
    assert waiting == {12}
    assert values(WorkerFiles(tmp_path), "a") == {("a",): 5}
    (tmp_path / "counter_0.new").rmdir()
    bury(tmp_path, waiting)
    assert waiting == set()
    assert values(WorkerFiles(tmp_path), "a") == {("a",): 5}


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x50\x00\x00\x00\x00\x00\x00\x00" * 12])
def test_a_damaged_file_is_set_aside_and_the_others_are_folded_and_read(tmp_path, write, content):
    write("counter", 11, "a", 2)
    (tmp_path / "gauge_sum_11.db").write_bytes(content)
    files = WorkerFiles(tmp_path)
    assert values(files, "a") == {("a",): 2}
    fold(tmp_path, 11)
    assert values(files, "a") == {("a",): 2}
    assert not list(tmp_path.glob("*_11.db"))


def test_files_of_processes_that_are_gone_are_buried_and_those_of_the_living_are_not(
    tmp_path, write
):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    write("counter", gone.pid, "a", 2)
    write("counter", os.getpid(), "a", 3)
    bury_strays(tmp_path)
    assert {path.name for path in tmp_path.glob("*.db")} == {
        "counter_0.db",
        f"counter_{os.getpid()}.db",
    }
    assert values(WorkerFiles(tmp_path), "a") == {("a",): 5}


def test_this_process_s_files_have_no_holes_in_which_a_write_could_kill_it(tmp_path, write):
    write("counter", os.getpid(), "a", 2)
    path = tmp_path / f"counter_{os.getpid()}.db"
    assert path.stat().st_blocks * 512 < path.stat().st_size
    fill_holes(tmp_path)
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert values(WorkerFiles(tmp_path), "a") == {("a",): 2}
