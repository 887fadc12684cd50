"""The exporter plays what a file says, and knows what it has served."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from stack.played.exporter import BROKEN, WELL, Player
from stack.played.series import UP, Series, read_series, write_series
from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until

GAUGE = Series(name="queue", labels={"of": 'the "shop"'}, well=1, broken=5)
COUNTER = Series(name="jobs_total", kind="counter", well=2, broken=10)


def lines(player: Player, state: str, *, now: float, clock: float = 0.0) -> list[str]:
    page = player.exposition(state, now=now, clock=clock)
    assert page is not None
    return page.splitlines()


def test_what_is_written_is_read_again() -> None:
    assert read_series(write_series([GAUGE, COUNTER])) == (GAUGE, COUNTER)


def test_a_gauge_has_the_value_of_its_state() -> None:
    player = Player([GAUGE], 1.0)
    assert lines(player, WELL, now=0) == ['queue{of="the \\"shop\\""} 1']
    assert lines(player, BROKEN, now=1) == ['queue{of="the \\"shop\\""} 5']


def test_a_label_of_any_language_is_what_it_was() -> None:
    player = Player([Series(name="queue", labels={"of": "café \\d\n"}, well=1, broken=5)], 1.0)
    (family,) = text_string_to_metric_families("\n".join(lines(player, WELL, now=0)))
    assert family.samples[0].labels == {"of": "café \\d\n"}


def test_a_counter_grows_as_its_state_says_and_never_falls() -> None:
    player = Player([COUNTER], 1.0)
    pages = [(WELL, 0.0), (WELL, 1.0), (BROKEN, 2.0), (WELL, 2.5)]
    values = [lines(player, state, now=now)[0].split()[1] for state, now in pages]
    assert values == ["0.0", "2.0", "12.0", "13.0"]


def test_a_count_over_a_window_fits_into_the_scaled_window() -> None:
    player = Player([Series(name="e", kind="counter", well=0, broken=10, per=600)], 60.0)
    lines(player, BROKEN, now=0)
    assert lines(player, BROKEN, now=10) == ["e 10.0"]  # ten minutes are ten seconds


def test_an_age_is_a_time_so_long_ago() -> None:
    player = Player([Series(name="last", kind="age", well=10, broken=100)], 1.0)
    assert lines(player, BROKEN, now=0, clock=1000.0) == ["last 900.0"]


def test_a_series_that_is_not_there_is_left_out_and_up_refuses_the_scrape() -> None:
    assert lines(Player([Series(name="a", well=1, broken=None)], 1.0), BROKEN, now=0) == []
    player = Player([Series(name=UP, well=1, broken=0)], 1.0)
    assert player.exposition(WELL, now=0, clock=0) is not None
    assert player.exposition(BROKEN, now=0, clock=0) is None


@pytest.mark.integration
def test_the_process_serves_what_its_file_says_and_notes_what_it_served(tmp_path: Path) -> None:
    (tmp_path / "series.json").write_text(write_series([GAUGE]))
    with reserve() as place, Processes() as processes:
        argv = [sys.executable, "-m", "stack.played.exporter", "--port", str(place.port)]
        for name in ("series.json", "state", "seen"):
            argv += [f"--{name.partition('.')[0]}", str(tmp_path / name)]
        processes.start("exporter", argv, log=tmp_path / "log")

        def page() -> str:
            return requests.get(f"http://{place.address}/metrics", timeout=2).text

        first = wait_until(
            page, what="a page", timeout_seconds=10, retry_on=(requests.RequestException,)
        )
        assert first.endswith(" 1\n")
        (tmp_path / "state").write_text(BROKEN)
        assert page().endswith(" 5\n")

        def noted() -> bool:  # which is after it was sent
            return bool(json.loads((tmp_path / "seen").read_text()) == {WELL: 1, BROKEN: 1})

        wait_until(noted, what="both pages to be noted", timeout_seconds=10)
