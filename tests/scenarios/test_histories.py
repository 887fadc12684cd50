"""Whatever happens under a stack is in one history: a drill's, a watcher's or that of strangers."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.campaign import Campaign
from scenarios.catalogue import drills
from scenarios.histories import STRANGERS, Histories
from scenarios.history import Kind
from scenarios.model import MAIN, WATCHERS
from scenarios.observe import Observer
from scenarios.quiet_claims import watchers_quiet
from scenarios.scope import Scope
from scenarios.settings import Settings
from scenarios.verdict import Status
from scenarios.watch import Watch
from stack.launch.starting import LaunchError

SLOW = next(drill for drill in drills() if drill.id == "SlowResponseTime")


def test_each_service_and_each_watcher_has_one_and_so_do_strangers(tmp_path: Path) -> None:
    scope = Scope.of(MAIN, [SLOW], Settings())
    histories = Histories(scope, tmp_path)
    histories.of(SLOW).note(Kind.DISTURBED, text="why")
    assert dict(histories.written()).keys() == {SLOW.id, scope.control, *WATCHERS, STRANGERS}
    assert histories.services == [SLOW.label, scope.control]
    finished = histories.finished()
    assert finished.keys() == {SLOW.id, scope.control_key}
    assert finished[SLOW.id].first(Kind.DISTURBED)
    beside = histories.monitoring()
    assert beside.watchers.keys() == set(WATCHERS)
    assert not beside.strangers.events


def test_a_watcher_that_is_drilled_is_a_drill_and_not_beside_one(tmp_path: Path) -> None:
    drill = next(one for one in drills() if one.label == "prometheus")
    histories = Histories(Scope.of(drill.watched_by, [drill], Settings()), tmp_path)
    assert drill.id in histories.finished()
    assert "prometheus" not in histories.monitoring().watchers


class NoStack:
    """A stack that can't be entered."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __enter__(self) -> None:
        raise self.error

    def __exit__(self, *_: object) -> None:
        raise AssertionError("it was never entered")


@pytest.mark.parametrize("error", [LaunchError("no port"), KeyError("a defect of ours")])
def test_of_a_stack_that_never_came_up_nothing_is_known(tmp_path: Path, error: Exception) -> None:
    drill = next(one for one in drills() if one.label == "prometheus")
    grounds = SimpleNamespace(settings=Settings(keep=True), directory=tmp_path)
    watch = Watch(drill.watched_by, [drill], cast(Any, grounds), tamper=lambda derived: derived)
    watch.histories = Histories(watch.scope, tmp_path)
    watch.stack = cast(Any, NoStack(error))
    watch._observer = Observer(
        recorders=watch.histories.recorders,
        strangers=watch.histories.strangers,
        prometheus=cast(Any, None),
        alertmanager=cast(Any, None),
        evaluation=timedelta(seconds=1),
        alive=lambda: None,
    )
    run = SimpleNamespace(_begin=threading.Event(), _given_up=False)
    plans = [(SimpleNamespace(drill=drill), lambda *_: None)]
    with nullcontext() if isinstance(error, LaunchError) else pytest.raises(KeyError):
        Campaign._run_own(cast(Any, run), watch, cast(Any, plans))
    assert watch._observer.lost  # it does not go on asking a stack that is gone
    beside = watch.histories.monitoring()
    assert {watchers_quiet(one).status for one in beside.watchers.values()} == {Status.UNKNOWN}
    assert beside.strangers.first(Kind.DISTURBED)
    seen = (*watch.histories.finished().values(), *beside.watchers.values())
    assert len({event.at for one in seen for event in one.all(Kind.DISTURBED)}) == 1
    assert all(one.first(Kind.DISTURBED) for one in seen)
