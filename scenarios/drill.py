"""Runs one drill: steady state, inject, witness, observe, repair, observe.

One rule: this is the only place that orders the phases of a drill; it waits for what its
expectation names, records, and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.expectation import Expectation
from scenarios.failures import STOPPED
from scenarios.faults.fault import Fault, FaultDidNotBite, Witness
from scenarios.history import PRECONDITION, Event, History, Kind, Recorder
from scenarios.model import Drill
from scenarios.saying import SayPhase
from scenarios.steady_state import is_steady, newest, served
from scenarios.target import Target
from stack.waiting import Interrupted, WaitTimeout, interruptible


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drill, with what it promises of the drilled alert and of those beside it.

    Attributes:
        want: of the drilled alert.
        loaded_for: how long the load must have flowed before the fault, in real time.
        others: of the precondition's alert and of the alerts that the drilled one hushes.
        hold: how much longer the fault lasts once its alert has arrived, in real time, unless
            whoever responds ends it before (Kind.MITIGATED).
    """

    drill: Drill
    want: Expectation
    loaded_for: timedelta = timedelta(0)
    others: tuple[Expectation, ...] = ()
    hold: timedelta = timedelta(0)

    def of(self, alert: str) -> Expectation:
        """Return what is promised of one of the alerts that this plan names."""
        return next(one for one in (self.want, *self.others) if one.alert == alert)


def run_drill(plan: Plan, target: Target, recorder: Recorder, say: SayPhase) -> None:
    """Run one drill to its end, whatever happens, and leave its history in ``recorder``.

    An event Kind.STOPPED in ``recorder`` ends it before its time: whatever it waits for is given
    up, and the fault is repaired at once.

    Args:
        plan: the drill and its expectations.
        target: the instance to break, which serves already.
        recorder: where events go.
        say: told of each phase and its bound in seconds, for progress.
    """
    try:
        with interruptible(recorder.stopped):
            _steady(plan, target, recorder, say)
        _precondition(plan, target, recorder, say)
        _break_and_repair(plan, target, recorder, say)
        _resolve(plan, recorder, say)
    except Interrupted:
        say("stopped", 0.0)  # why is in the history
    except FaultDidNotBite as error:
        recorder.note(Kind.NOT_WITNESSED, text=str(error))
    except STOPPED as error:
        recorder.note(Kind.DISTURBED, text=f"{type(error).__name__}: {error}")
    recorder.note(Kind.ENDED)
    say("done", 0.0)


def _steady(plan: Plan, target: Target, recorder: Recorder, say: SayPhase) -> None:
    say("steady state", target.patience_seconds)
    recorder.note(Kind.PHASE, text="steady state")
    wanted = plan.drill.load.per_second
    loaded = plan.loaded_for.total_seconds()
    patience = target.patience_seconds + loaded
    deadline = time.monotonic() + patience
    begun = time.time()
    while True:
        target.client.wait_for(
            lambda sample: True, after=time.time(), timeout_seconds=target.patience_seconds
        )
        told = target.client.since(begun)
        samples = newest(told)
        active = _unwanted(plan, recorder.snapshot())
        if (
            samples
            and samples[-1].at - target.client.since(0.0)[0].at >= loaded
            and is_steady(samples, wanted)
            and not active
            and _heard(plan, recorder.snapshot())
        ):
            return
        if time.monotonic() > deadline:
            raise WaitTimeout(
                what=f"steady state of {target.id}",
                elapsed_seconds=patience,
                last_observation=f"active alerts: {', '.join(sorted(active)) or 'none'}; "
                + served(samples or told, wanted),
            )


def _active_alerts(history: History) -> set[str]:
    active: set[str] = set()
    for event in history.events:
        if event.kind in (Kind.PENDING, Kind.FIRING):
            active.add(event.alert)
        elif event.kind is Kind.INACTIVE:
            active.discard(event.alert)
    return active


def _unwanted(plan: Plan, history: History) -> set[str]:
    """Return the active alerts but the one that always is, where that is the drilled one."""
    return _active_alerts(history) - ({plan.drill.alert} if plan.drill.heartbeat else set())


def _heard(plan: Plan, history: History) -> bool:
    return not plan.drill.heartbeat or history.first(Kind.DELIVERED, plan.drill.alert) is not None


def _precondition(plan: Plan, target: Target, recorder: Recorder, say: SayPhase) -> None:
    before = plan.drill.after
    if before is None:
        return
    want = plan.of(before.alert)
    limit = want.bounds.wait_for_arrival.total_seconds()
    recorder.note(Kind.PHASE, text=f"{PRECONDITION}{before.fault.text}")
    say(f"waiting for {before.alert}", limit)
    with _injected(before.fault, target, recorder):
        if not recorder.wait_for(lambda history: has_arrived(history, want, "firing"), limit):
            _unless_stopped(recorder)
            raise WaitTimeout(
                what=f"{before.alert} to fire and arrive before the fault",
                elapsed_seconds=limit,
                last_observation=f"active {sorted(_active_alerts(recorder.snapshot()))}",
            )


def _break_and_repair(plan: Plan, target: Target, recorder: Recorder, say: SayPhase) -> None:
    fault: Fault = plan.drill.fault
    say("injecting", target.patience_seconds)
    recorder.note(Kind.INJECTED, text=fault.text)
    try:
        with _injected(fault, target, recorder) as witness:
            recorder.add(Event(at=witness.at, kind=Kind.WITNESSED, text=witness.text))
            _observe(plan, recorder, say)
            _hold(plan, recorder, say)
            _unless_stopped(recorder)
            say("repairing", target.patience_seconds)
            recorder.note(Kind.REPAIRING, text=f"end of: {fault.text}")
    except Interrupted:
        recorder.note(Kind.REPAIRED, text="stopped")
        raise
    recorder.note(Kind.REPAIRED)


@contextmanager
def _injected(fault: Fault, target: Target, recorder: Recorder) -> Iterator[Witness]:
    """Inject a fault until the context ends; its witness is not awaited once that is stopped."""
    with ExitStack() as broken:
        _unless_stopped(recorder)
        with interruptible(recorder.stopped):
            witness = broken.enter_context(fault.inject(target))
        yield witness


def _unless_stopped(recorder: Recorder) -> None:
    """Raise Interrupted, which repairs what is broken, where the drill was stopped."""
    if recorder.stopped.is_set():
        raise Interrupted


def _hold(plan: Plan, recorder: Recorder, say: SayPhase) -> None:
    """Leave the fault in for as long as somebody responds to it."""
    seconds = plan.hold.total_seconds()
    if seconds and plan.drill.fires:
        say("holding the fault", seconds)
        recorder.wait_for(lambda history: history.first(Kind.MITIGATED) is not None, seconds)


def _observe(plan: Plan, recorder: Recorder, say: SayPhase) -> None:
    bounds = plan.want.bounds
    if not plan.drill.fires:
        watch = bounds.watch.total_seconds()
        say("staying quiet", watch)
        noise = (Kind.FIRING, Kind.DELIVERED)
        recorder.wait_for(
            lambda history: any(history.first(kind, plan.want.alert) for kind in noise),
            watch + 0.1,
        )
        return
    say("waiting to fire", bounds.arrives.total_seconds())
    limit = bounds.wait_for_arrival.total_seconds()
    if recorder.wait_for(lambda history: has_arrived(history, plan.want, "firing"), limit):
        for alert in sorted(plan.drill.hushes):
            hushed = plan.of(alert).bounds.wait_for_arrival
            say(f"waiting for {alert} to be inhibited", hushed.total_seconds())
            recorder.wait_for(
                lambda history, alert=alert: bool(history.first(Kind.SUPPRESSED, alert)),  # type: ignore[misc]  # bound early
                hushed.total_seconds(),
            )


def _resolve(plan: Plan, recorder: Recorder, say: SayPhase) -> None:
    if not plan.drill.fires:
        return
    bounds = plan.want.bounds
    say("waiting to resolve", bounds.resolution_arrives.total_seconds())
    begun = time.monotonic()
    fired = recorder.snapshot().first(Kind.DELIVERED, plan.want.alert) is not None
    if not fired:
        return
    limit = bounds.wait_for_resolution
    recorder.wait_for(
        lambda history: has_arrived(history, plan.want, "resolved"), limit.total_seconds()
    )
    left = limit - timedelta(seconds=time.monotonic() - begun)
    for alert in sorted(plan.drill.uncovers):
        other = plan.of(alert)
        seconds = other.bounds.wait_for_resolution.total_seconds()
        say(f"waiting for {alert} to be told and to resolve", seconds)
        recorder.wait_for(
            lambda history, other=other: has_arrived(history, other, "resolved"),  # type: ignore[misc]  # bound early
            seconds,
        )
        left = max(left, timedelta(seconds=1))
    say("waiting for quiet", left.total_seconds())
    recorder.wait_for(lambda history: not _unwanted(plan, history), max(0.0, left.total_seconds()))


def has_arrived(history: History, want: Expectation, status: str) -> bool:
    """Return whether every receiver that must be told was told so."""
    told = {
        event.detail["receiver"] for event in history.all(Kind.DELIVERED, want.alert, status=status)
    }
    return want.receivers <= told
