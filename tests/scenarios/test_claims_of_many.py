"""What is judged of several alerts at once: hushed then told, quiet watchers, and attribution."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.attribution import Cell, declared_alone
from scenarios.history import Event, History, Kind
from scenarios.inhibition_claims import uncovered
from scenarios.quiet_claims import quiet, watchers_quiet
from scenarios.verdict import Status
from tests.scenarios.test_claims import ALERT, CONTROL, SERVICE, WANT, event, history, told

SLOW_BURN = "SlowBurn"
OTHER = replace(WANT, alert=SLOW_BURN, receivers=frozenset({"webhook ticket"}), summary="burns")


def told_of_other(at: float, status: str = "firing") -> Event:
    headline = (
        f"[{status.upper()}] HIGH {SLOW_BURN} on {SERVICE}: burns"
        " | since 14:03 UTC | do: find what waits"
    )
    return replace(told(at, "webhook ticket", status, headline=headline), alert=SLOW_BURN)


HUSHED = (event(12, Kind.FIRING, SLOW_BURN), event(12.5, Kind.SUPPRESSED, SLOW_BURN, by=ALERT))
OVER = event(20.3, Kind.UNSUPPRESSED, SLOW_BURN)  # seen a moment after the drilled alert's end
TOLD = (told_of_other(20.1), told_of_other(30, "resolved"))


def statuses(seen: History) -> tuple[Status, ...]:
    return tuple(verdict.status for verdict in uncovered(seen, WANT, OTHER))


def test_what_was_hushed_and_is_told_once_the_other_is_over_passes() -> None:
    assert statuses(history(*HUSHED, OVER, *TOLD)) == (Status.PASS, Status.PASS)


def test_what_was_told_while_the_other_still_fired_fails() -> None:
    early = (told_of_other(19.5), told_of_other(30, "resolved"))
    assert statuses(history(*HUSHED, OVER, *early))[0] is Status.FAIL


def test_what_was_told_right_after_the_others_resolution_was_told_passes() -> None:
    over = told(19.4, "slack #alerts", "resolved")
    early = (told_of_other(19.5), told_of_other(30, "resolved"))
    assert statuses(history(*HUSHED, OVER, over, *early)) == (Status.PASS, Status.PASS)


def test_what_was_never_told_or_never_ended_fails() -> None:
    assert statuses(history(*HUSHED, OVER))[0] is Status.FAIL
    assert statuses(history(*HUSHED, OVER, told_of_other(20.1)))[1] is Status.FAIL


def test_what_was_told_too_early_in_a_disturbed_drill_is_unknown() -> None:
    early = (*HUSHED, told_of_other(14), *TOLD, OVER)
    assert statuses(history(*early))[0] is Status.FAIL
    assert statuses(history(*early, event(15, Kind.DISTURBED)))[0] is Status.UNKNOWN


def test_what_was_told_and_never_seen_hushed_is_unknown() -> None:
    assert statuses(history(*TOLD))[0] is Status.UNKNOWN


def watcher(*alerts: str) -> History:
    return History.of("prometheus", [event(1, Kind.FIRING, alert) for alert in alerts])


@pytest.mark.parametrize(
    ("alerts", "status"),
    [
        ((), Status.PASS),
        (("Watchdog",), Status.PASS),
        (("ConfigReloadFailed",), Status.FAIL),
        (("ScrapeSlow", "ConfigReloadFailed"), Status.UNKNOWN),
    ],
)
def test_of_a_watcher_only_the_watchdog_may_fire(alerts: tuple[str, ...], status: Status) -> None:
    assert watchers_quiet(watcher(*alerts)).status is status


def test_of_a_watcher_that_nobody_watched_any_more_nothing_is_known() -> None:
    unseen = History.of("prometheus", [event(1, Kind.DISTURBED)])
    assert watchers_quiet(unseen).status is Status.UNKNOWN


def test_slow_scrapes_of_an_undrilled_target_are_a_starved_machine_and_no_verdict() -> None:
    starved = history(event(11, Kind.FIRING, "ScrapeSlow"), event(12, Kind.FIRING, "Other"))
    verdict = quiet(starved, WANT, CONTROL)
    assert verdict.status is Status.UNKNOWN
    assert "too busy" in verdict.because


def cell(alert: str, *, declared: bool) -> Cell:
    return Cell(drill="killed", alert=alert, declared=declared, delivered=False)


def test_an_undeclared_cell_fails_and_names_its_fault_and_its_alert() -> None:
    assert declared_alone((cell("Down", declared=True),)).status is Status.PASS
    verdict = declared_alone((cell("Down", declared=True), cell("Slow", declared=False)))
    assert verdict.status is Status.FAIL
    assert verdict.observed == "killed raised Slow"
