"""Whatever happens under a stack is in one history: a drill's, a watcher's or that of strangers."""

from __future__ import annotations

from pathlib import Path

from scenarios.catalogue import drills
from scenarios.histories import STRANGERS, Histories
from scenarios.history import Kind
from scenarios.model import MAIN, WATCHERS
from scenarios.scope import Scope
from scenarios.settings import Settings

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
