"""Restarts that the rule can't count together are no drill of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import cast

import pytest

from scenarios.faults import restart, restart_at_a_pace
from scenarios.faults.fault import Fault, Witness
from scenarios.faults.restart import Restart
from scenarios.faults.restart_at_a_pace import RestartAtAPace
from scenarios.service import ServiceFailed
from scenarios.target import Target

WINDOW = timedelta(minutes=15)
LOOP = Restart(times=4, within=WINDOW)
FLAPPING = RestartAtAPace(times=4, more=0, every=WINDOW / 4)

Inject = Callable[[Fault, float], AbstractContextManager[Witness]]


@pytest.fixture
def inject(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inject]:
    """Inject a fault at time scale 60 while each restart takes so many seconds."""
    now = [0.0]
    pids = count(1)

    def injected(fault: Fault, each_seconds: float) -> AbstractContextManager[Witness]:
        def restarted(_target: Target) -> int:
            now[0] += each_seconds
            return next(pids)

        for module in (restart, restart_at_a_pace):
            monkeypatch.setattr(module, "restarted", restarted)
        monkeypatch.setattr(restart_at_a_pace.threading, "Event", lambda: waits)
        return fault.inject(target)

    def wait(seconds: float) -> None:
        now[0] += seconds

    waits = SimpleNamespace(wait=wait)
    fleet = SimpleNamespace(pid_of=lambda _name: 0)
    stand_in = SimpleNamespace(
        id="a", time_scale=60.0, instance=SimpleNamespace(id="a", fleet=fleet), patience_seconds=1.0
    )
    target = cast(Target, stand_in)
    with monkeypatch.context() as patched:
        patched.setattr(restart, "time", SimpleNamespace(monotonic=lambda: now[0]))
        patched.setattr(
            restart_at_a_pace,
            "time",
            SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0]),
        )
        yield injected


@pytest.mark.parametrize("fault", [LOOP, FLAPPING])
def test_restarts_that_fit_into_the_window_are_witnessed(fault: Fault, inject: Inject) -> None:
    with inject(fault, 3.7) as witness:
        assert "as another process" in witness.text


@pytest.mark.parametrize("fault", [LOOP, FLAPPING])
def test_restarts_that_take_longer_than_the_window_disturb_the_drill(
    fault: Fault, inject: Inject
) -> None:
    with (
        pytest.raises(ServiceFailed, match=r"4 restarts of a took 16\.0 s.* within 15\.0 s"),
        inject(fault, 4.0),
    ):
        pass


def test_a_restart_that_nothing_counts_may_take_its_time(inject: Inject) -> None:
    with inject(Restart(times=1), 60.0) as witness:
        assert witness.text
