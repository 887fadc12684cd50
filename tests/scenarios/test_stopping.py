"""A drill that is stopped leaves whatever it waits for, and repairs what it broke."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios.catalogue import drills
from scenarios.drill import Plan, run_drill
from scenarios.faults.fault import Effect, Witness
from scenarios.gameday.programme import planned
from scenarios.gameday.stop import STOP_SECONDS
from scenarios.history import History, Kind, Recorder
from scenarios.load_sample import FaultedAnswers, LoadSample
from scenarios.settings import Settings
from scenarios.target import ClientView
from stack.waiting import wait_until

CATALOGUE = {drill.id: drill for drill in drills()}
PATIENCE_SECONDS = 60.0  # whoever is not stopped fails the test by its length
NOTHING = FaultedAnswers(count=0, first_at=None, statuses={}, min_ms=None, max_ms=None, results={})


@dataclass(slots=True)
class Switch:
    """A fault that says when it is on, whose witness comes when it is told to."""

    bites: bool = True
    on: bool = False
    repairs: int = 0
    downtime: bool = False
    text: str = "the switch is on"
    share: float = 0.5
    repaired: Callable[[], Any] = field(default=lambda: None)

    def effect(self, load: Any, service: Any) -> Effect:
        return Effect(level=self.share)

    @contextmanager
    def inject(self, target: Any) -> Iterator[Witness]:
        self.on = True
        try:
            wait_until(
                lambda: self.bites or None, what="a witness", timeout_seconds=PATIENCE_SECONDS
            )
            yield Witness.now("seen")
        finally:
            self.repaired()
            self.on = False
            self.repairs += 1


class Run:
    """One drill of a switch in a thread of its own."""

    def __init__(self, folder: Path, fault: Switch, *, steady: bool = True, **changed: Any) -> None:
        (plan,) = planned(Settings(), [CATALOGUE["HighErrorRate"]]).values()
        self.plan: Plan = replace(plan, drill=replace(plan.drill, fault=fault), **changed)
        self.fault = fault
        self.recorder = Recorder("HighErrorRate", folder / "history.jsonl")
        self.phases: list[str] = []
        client = ClientView()
        target: Any = SimpleNamespace(
            id="HighErrorRate", client=client, patience_seconds=PATIENCE_SECONDS
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=run_drill, args=(self.plan, target, self.recorder, self._say)
        )
        self._thread.start()
        if steady:
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _say(self, phase: str, _limit: float) -> None:
        self.phases.append(phase)

    def _serve(self, client: ClientView) -> None:
        per_second = self.plan.drill.load.per_second
        import time

        for number in range(500):
            count = int(per_second / 4) + (number % 2)
            client.add(
                LoadSample(
                    target="HighErrorRate",
                    at=time.time(),
                    count=count,
                    missed=0,
                    statuses={"200": count},
                    p50_ms=1.0,
                    p95_ms=1.0,
                    max_ms=1.0,
                    faulted=NOTHING,
                )
            )
            if self._ended.wait(0.25):
                return

    def reaches(self, phase: str) -> None:
        wait_until(
            lambda: any(one.startswith(phase) for one in self.phases) or None,
            what=phase,
            timeout_seconds=PATIENCE_SECONDS,
        )

    def stop(self) -> History:
        self.recorder.note(Kind.STOPPED, text="enough")
        return self.end()

    def end(self) -> History:
        self._thread.join(PATIENCE_SECONDS)
        self._ended.set()
        assert not self._thread.is_alive()
        return self.recorder.close()


def took(history: History) -> float:
    stopped, repaired = history.first(Kind.STOPPED), history.first(Kind.REPAIRED)
    assert stopped
    assert repaired
    return repaired.at - stopped.at


def test_a_drill_that_waits_for_its_alert_is_repaired_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path, Switch())
    run.reaches("waiting to fire")
    assert run.fault.on
    history = run.stop()
    assert not run.fault.on
    assert run.fault.repairs == 1
    assert took(history) < STOP_SECONDS
    assert "waiting to resolve" not in run.phases
    assert history.first(Kind.ENDED)


def test_a_drill_that_waits_for_its_witness_is_repaired_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path, Switch(bites=False))
    run.reaches("injecting")
    history = run.stop()
    assert run.fault.repairs == 1
    assert took(history) < STOP_SECONDS
    assert not history.first(Kind.WITNESSED)
    assert not history.first(Kind.DISTURBED)


def test_a_drill_that_waits_for_its_steady_state_breaks_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, Switch(), steady=False)
    run.reaches("steady state")
    history = run.stop()
    assert run.fault.repairs == 0
    assert not history.first(Kind.INJECTED)
    assert history.first(Kind.ENDED)


def test_a_drill_that_was_stopped_before_it_began_breaks_nothing(tmp_path: Path) -> None:
    fault = Switch()
    recorder = Recorder("HighErrorRate", tmp_path / "history.jsonl")
    recorder.note(Kind.STOPPED, text="enough")
    (plan,) = planned(Settings(), [CATALOGUE["HighErrorRate"]]).values()
    target: Any = SimpleNamespace(id="x", client=ClientView(), patience_seconds=PATIENCE_SECONDS)
    run_drill(
        replace(plan, drill=replace(plan.drill, fault=fault)), target, recorder, lambda *_: None
    )
    assert fault.repairs == 0


def test_a_repair_is_waited_for_although_the_drill_was_stopped(tmp_path: Path) -> None:
    done = threading.Event()

    def repaired() -> None:
        wait_until(
            lambda: done.is_set() or None, what="the repair", timeout_seconds=PATIENCE_SECONDS
        )

    run = Run(tmp_path, Switch(bites=False, repaired=repaired))
    run.reaches("injecting")
    run.recorder.note(Kind.STOPPED, text="enough")
    wait_until(lambda: run.fault.on or None, what="the fault", timeout_seconds=PATIENCE_SECONDS)
    assert run.fault.repairs == 0
    done.set()
    run.end()
    assert run.fault.repairs == 1


def test_a_fault_is_held_until_somebody_mitigates_it(tmp_path: Path) -> None:
    run = Run(tmp_path, Switch(), hold=timedelta(seconds=PATIENCE_SECONDS))
    run.reaches("waiting to fire")
    for receiver in run.plan.want.receivers:
        run.recorder.note(Kind.DELIVERED, run.plan.want.alert, status="firing", receiver=receiver)
    run.reaches("holding the fault")
    assert run.fault.on
    run.recorder.note(Kind.MITIGATED, text="rolled back")
    run.reaches("waiting to resolve")
    assert not run.fault.on
    run.stop()


@pytest.mark.parametrize("phase", ["holding the fault"])
def test_a_held_fault_is_repaired_at_once_too(tmp_path: Path, phase: str) -> None:
    run = Run(tmp_path, Switch(), hold=timedelta(seconds=PATIENCE_SECONDS))
    run.reaches("waiting to fire")
    for receiver in run.plan.want.receivers:
        run.recorder.note(Kind.DELIVERED, run.plan.want.alert, status="firing", receiver=receiver)
    run.reaches(phase)
    assert took(run.stop()) < STOP_SECONDS
