"""A stack's receivers are heard from the moment at which somebody may know of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.berth import Quarters
from scenarios.catalogue import drills
from scenarios.history import Kind, Recorder
from scenarios.model import MAIN
from scenarios.settings import Settings
from scenarios.watch import Watch, repaired
from stack.clients.http import new_session
from stack.launch.local import Local
from stack.ports import reserve
from stack.processes import Processes

SLOW = next(drill for drill in drills() if drill.id == "SlowResponseTime")


def test_what_is_told_before_the_services_are_there_is_kept_and_no_error(tmp_path: Path) -> None:
    premises = Local(Processes())
    with ExitStack() as running:  # its end raises what a receiver could not hand on
        quarters = Quarters(premises=premises, gateway=running.enter_context(reserve()))
        grounds = SimpleNamespace(
            settings=Settings(),
            directory=tmp_path,
            premises=premises,
            site=SimpleNamespace(targets=lambda name: tmp_path / "targets" / name),
            quarters_of=lambda drill: quarters,
        )
        watch = Watch(MAIN, [SLOW], cast(Any, grounds), tamper=lambda derived: derived)
        for berth, _ in watch.prepare(running):
            running.callback(berth.close)
        url = watch._watchers.receivers.pagerduty_url
        assert new_session().post(url, json={}, timeout=5).status_code == 400
    told = watch.histories.strangers.snapshot().all(Kind.DELIVERED)
    assert [event.detail["receiver"] for event in told] == ["pagerduty"]


@pytest.mark.parametrize(
    ("told", "well"),
    [
        ([Kind.REPAIRED], True),
        ([Kind.INJECTED], False),
        ([Kind.DISTURBED], False),
        ([Kind.REPAIRED, Kind.DISTURBED], False),
    ],
)
def test_what_is_repaired_is_told_so_and_nothing_came_between(
    told: list[Kind], well: bool, tmp_path: Path
) -> None:
    recorder = Recorder("one", tmp_path / "history.jsonl")
    for kind in told:
        recorder.note(kind, text="it")
    assert repaired(recorder.snapshot()) is well
