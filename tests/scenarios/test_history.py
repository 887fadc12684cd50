"""A history is on disk as it happens, and reads back as it was."""

from __future__ import annotations

import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scenarios.history import Event, History, Kind, Recorder

texts = st.text(max_size=30)
events = st.builds(
    Event,
    at=st.integers(min_value=0, max_value=2**33).map(float),
    kind=st.sampled_from(Kind),
    alert=texts,
    text=texts,
    detail=st.dictionaries(texts, texts, max_size=3),
)


@given(events)
def test_an_event_survives_its_json_line(event: Event) -> None:
    assert "\n" not in event.to_json()
    assert Event.from_json(event.to_json()) == event


@given(st.lists(events))
def test_a_history_is_in_order_of_time(unsorted: list[Event]) -> None:
    times = [event.at for event in History.of("x", unsorted).events]
    assert times == sorted(times)


def test_an_event_is_on_disk_before_the_record_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    recorder = Recorder("x", path)
    recorder.note(Kind.INJECTED, text="now")
    assert Event.from_json(path.read_text()).kind is Kind.INJECTED
    assert recorder.close().first(Kind.INJECTED)


def test_waiting_ends_with_the_awaited_event(tmp_path: Path) -> None:
    recorder = Recorder("x", tmp_path / "x.jsonl")
    threading.Timer(0.05, recorder.note, [Kind.FIRING, "A"]).start()
    assert recorder.wait_for(lambda history: bool(history.first(Kind.FIRING, "A")), 5)


def test_waiting_ends_without_it_at_the_limit_or_when_the_run_is_disturbed(tmp_path: Path) -> None:
    recorder = Recorder("x", tmp_path / "x.jsonl")
    assert not recorder.wait_for(lambda history: False, 0.01)
    recorder.note(Kind.DISTURBED)
    assert not recorder.wait_for(lambda history: False, 60)


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    recorder = Recorder("x", tmp_path / "x.jsonl")
    finished = recorder.close()
    recorder.note(Kind.FIRING)
    assert finished.events == ()
    assert recorder.snapshot().events == ()
