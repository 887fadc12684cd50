"""Each judge, on histories written by hand: one that passes, and the inputs that make it fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.budget import Bounds
from scenarios.claims import delivered, fault_bit, fired, in_time, resolution_arrived, resolved
from scenarios.expectation import Expectation
from scenarios.history import Event, History, Kind
from scenarios.inhibition_claims import hushed
from scenarios.quiet_claims import quiet, stayed_quiet
from scenarios.verdict import ClaimNotProved, Status, judge

ALERT, SERVICE = "SlowResponseTime", "slow"
PANEL = "viewPanel=7"
RUNBOOK = "https://example.org/SlowResponseTime.md"


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


WANT = Expectation(
    alert=ALERT,
    service=SERVICE,
    severity="HIGH",
    receivers=frozenset({"slack #alerts", "email on-call"}),
    runbook_url=RUNBOOK,
    panel=PANEL,
    summary="P95 is .+ ms",
    route="alertmanager-config.yml:31 names receiver 'high'",
    action="find what waits",
    downtime=False,
    declared=frozenset({ALERT}),
    scrape=s(0.25),
    bounds=Bounds(
        pending=s(5),
        earliest=s(5.5),
        minimum=s(5.8),
        fires=s(7),
        arrives=s(7.5),
        resolves=s(6),
        resolution_arrives=s(11),
        watch=s(12),
        crossing=s(0.3),
        group_wait=s(0.5),
    ),
)


def told(at: float, receiver: str, status: str = "firing", **changes: str) -> Event:
    detail = {
        "receiver": receiver,
        "status": status,
        "accepted": "true",
        "headline": f"[{status.upper()}] HIGH {ALERT} on {SERVICE}: P95 is 1500 ms"
        " | since 14:03 UTC | do: find what waits",
        "body": f"runbook {RUNBOOK} panel {PANEL}",
    }
    return Event(at=at, kind=Kind.DELIVERED, alert=ALERT, detail={**detail, **changes})


def event(at: float, kind: Kind, alert: str = "", **detail: str) -> Event:
    return Event(at=at, kind=kind, alert=alert, detail=detail)


GOOD = (
    event(10.0, Kind.INJECTED),
    event(10.2, Kind.WITNESSED),
    event(10.6, Kind.PENDING, ALERT),
    event(15.6, Kind.FIRING, ALERT),
    told(16.1, "slack #alerts"),
    told(16.2, "email on-call"),
    event(16.3, Kind.REPAIRING),
    event(16.4, Kind.REPAIRED),
    event(20.0, Kind.INACTIVE, ALERT),
    told(25.0, "slack #alerts", "resolved"),
    told(25.1, "email on-call", "resolved"),
    event(25.2, Kind.ENDED),
)
CONTROL = History.of("control", [event(25.2, Kind.ENDED)])


def history(*extra: Event, without: tuple[Kind, ...] = (), moved: float = 0.0) -> History:
    """The good history with events added, kinds taken out, or all after the witness moved."""
    kept = [
        replace(one, at=one.at + moved) if one.at > 10.2 else one
        for one in GOOD
        if one.kind not in without
    ]
    return History.of(SERVICE, [*kept, *extra])


ALL_OF_A_DRILL = (fault_bit, fired, in_time, delivered, resolved, resolution_arrived)


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL, ids=lambda claim: claim.__name__)
def test_passes_on_a_complete_and_timely_history(claim) -> None:
    assert claim(history(), WANT).status is Status.PASS


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL, ids=lambda claim: claim.__name__)
def test_an_empty_history_is_unknown(claim) -> None:
    assert claim(History.of(SERVICE, []), WANT).status is Status.UNKNOWN


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL[1:], ids=lambda claim: claim.__name__)
def test_a_disturbed_experiment_is_unknown_and_says_why(claim) -> None:
    verdict = claim(history(event(17, Kind.DISTURBED)), WANT)
    assert verdict.status is Status.UNKNOWN
    assert "disturbed" in verdict.observed


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL[1:], ids=lambda claim: claim.__name__)
def test_a_drill_that_did_not_end_is_unknown(claim) -> None:
    assert claim(history(without=(Kind.ENDED,)), WANT).status is Status.UNKNOWN


@pytest.mark.parametrize("claim", [in_time, delivered, resolution_arrived])
def test_what_nobody_was_to_be_told_and_nobody_was_is_no_delivery(claim) -> None:
    silent, nobody = history(without=(Kind.DELIVERED,)), replace(WANT, receivers=frozenset())
    assert claim(silent, nobody).status is Status.UNKNOWN
    assert delivered(history(), nobody).status is Status.FAIL


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL[1:], ids=lambda claim: claim.__name__)
def test_two_scrapes_lost_in_a_row_make_a_drill_without_downtime_unknown(claim) -> None:
    disturbed = history(event(12, Kind.SCRAPE_FAILED), event(12.25, Kind.SCRAPE_FAILED))
    assert claim(disturbed, WANT).status is Status.UNKNOWN
    assert claim(disturbed, replace(WANT, downtime=True)).status is Status.PASS


def test_scrapes_are_lost_in_a_row_of_one_target_and_not_of_each_of_several() -> None:
    each_lost_one = history(
        event(12.25, Kind.SCRAPE_FAILED, target="10.0.0.1:1"),
        event(12.26, Kind.SCRAPE_FAILED, target="10.0.0.1:2"),
    )
    assert in_time(each_lost_one, WANT).status is Status.PASS
    one_lost_two = history(
        event(12.25, Kind.SCRAPE_FAILED, target="10.0.0.1:1"),
        event(12.26, Kind.SCRAPE_FAILED, target="10.0.0.1:2"),
        event(12.0, Kind.SCRAPE_FAILED, target="10.0.0.1:2"),
    )
    assert in_time(one_lost_two, WANT).status is Status.UNKNOWN


def test_beside_a_single_lost_scrape_a_pass_stands_and_a_fail_does_not() -> None:
    lost = (event(12, Kind.SCRAPE_FAILED), event(14, Kind.SCRAPE_FAILED))
    assert in_time(history(*lost), WANT).status is Status.PASS
    late = history(*lost, moved=2)
    assert in_time(late, WANT).status is Status.UNKNOWN
    assert "2 scrapes" in in_time(late, WANT).because
    assert in_time(late, replace(WANT, downtime=True)).status is Status.FAIL


@pytest.mark.parametrize("claim", ALL_OF_A_DRILL[1:], ids=lambda claim: claim.__name__)
def test_a_fault_without_witness_leaves_the_alert_unknown(claim) -> None:
    unseen = history(event(10.2, Kind.NOT_WITNESSED), without=(Kind.WITNESSED,))
    assert claim(unseen, WANT).status is Status.UNKNOWN
    assert fault_bit(unseen, WANT).status is Status.FAIL


def test_an_alert_that_never_fired_fails_and_says_so() -> None:
    silent = history(without=(Kind.PENDING, Kind.FIRING, Kind.INACTIVE, Kind.DELIVERED))
    assert fired(silent, WANT).status is Status.FAIL
    assert "never fired" in fired(silent, WANT).observed
    assert in_time(silent, WANT).status is Status.UNKNOWN
    assert resolved(silent, WANT).status is Status.UNKNOWN
    assert resolution_arrived(silent, WANT).status is Status.UNKNOWN


def test_an_alert_that_fired_before_the_fault_fails() -> None:
    assert fired(history(event(9, Kind.FIRING, ALERT)), WANT).status is Status.FAIL


def test_a_short_pending_time_is_too_early() -> None:
    hasty = history(event(13.0, Kind.PENDING, ALERT))
    assert "too early: pending" in in_time(hasty, WANT).observed
    assert in_time(history(without=(Kind.PENDING,)), WANT).status is Status.FAIL


def test_an_arrival_right_after_the_injection_is_too_early() -> None:
    assert "too early: arrived" in in_time(history(moved=-5), WANT).observed


def test_an_arrival_after_the_bound_is_late() -> None:
    assert "late: arrived" in in_time(history(moved=2), WANT).observed


def test_a_missing_receiver_fails_by_name_with_the_route() -> None:
    lost = History.of(
        SERVICE, [one for one in GOOD if one.detail.get("receiver") != "email on-call"]
    )
    verdict = delivered(lost, WANT)
    assert verdict.status is Status.FAIL
    assert "nothing at email on-call" in verdict.observed
    assert "alertmanager-config.yml:31" in verdict.because


def test_a_notification_that_alertmanager_gave_up_is_the_reason() -> None:
    failed = Event(at=16, kind=Kind.DELIVERY_FAILED, text="slack, clientError")
    gone = History.of(SERVICE, [*(one for one in GOOD if one.kind is not Kind.DELIVERED), failed])
    assert delivered(gone, WANT).because == "slack, clientError"


def test_a_receiver_too_many_fails_by_name() -> None:
    verdict = delivered(history(told(16.2, "pagerduty")), WANT)
    assert verdict.status is Status.FAIL
    assert "pagerduty was told, and should not be" in verdict.observed


def test_a_receiver_told_twice_fails() -> None:
    assert "2 times" in delivered(history(told(17, "slack #alerts")), WANT).observed


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"body": "no runbook"}, "lacks its runbook, panel"),
        ({"body": f"runbook {RUNBOOK}"}, "lacks its panel"),
        ({"headline": f"[FIRING] HIGH {ALERT} on {SERVICE}: "}, "lacks its summary"),
        ({"headline": f"[FIRING] LOW {ALERT} on {SERVICE}: P95 is 2 ms"}, "lacks its severity"),
        ({"headline": f"[FIRING] HIGH {ALERT} on other: P95 is 2 ms"}, "lacks its service"),
        ({"headline": f"[FIRING] HIGH Other on {SERVICE}: P95 is 2 ms"}, "lacks its name"),
        (
            {"headline": f"[FIRING] HIGH {ALERT} on {SERVICE}: P95 is 2 ms"},
            "lacks its start in the first line, action in the first line",
        ),
        ({"accepted": "false"}, "refused it"),
        ({"problem": "says RESOLVED"}, "contradicts itself"),
    ],
)
def test_a_notification_with_the_wrong_words_fails(changes: dict[str, str], complaint: str) -> None:
    bare = [one for one in GOOD if one.detail.get("receiver") != "slack #alerts"]
    body = {"body": f"see {RUNBOOK.replace(ALERT, 'X')}", **changes}
    if "headline" in changes and "lacks its runbook" not in complaint:
        body["body"] = RUNBOOK.replace(ALERT, "elsewhere")
    verdict = delivered(
        History.of(SERVICE, [*bare, told(16.1, "slack #alerts", **{**body, **changes})]), WANT
    )
    assert verdict.status is Status.FAIL
    assert complaint.removeprefix("lacks its ") in verdict.observed


def test_an_undeclared_alert_of_the_service_fails_by_name() -> None:
    verdict = quiet(history(event(14, Kind.FIRING, "HighErrorRate")), WANT, CONTROL)
    assert verdict.status is Status.FAIL
    assert "HighErrorRate for slow" in verdict.observed


def test_an_alert_of_the_control_fails_by_name() -> None:
    noisy = History.of("control", [*CONTROL.events, event(14, Kind.FIRING, ALERT)])
    assert "SlowResponseTime for control" in quiet(history(), WANT, noisy).observed


BURNS = event(13, Kind.FIRING, "AvailabilityBudgetBurnFast")
LOST_ONE = event(12, Kind.SCRAPE_FAILED)


def test_what_tells_of_scrapes_that_were_lost_is_unknown_and_without_lost_ones_fails() -> None:
    for seen, beside in (
        (history(LOST_ONE, BURNS), CONTROL),
        (history(), History.of("control", [LOST_ONE, BURNS])),
        (history(), History.of("control", [replace(LOST_ONE, at=1.0), replace(BURNS, at=2.0)])),
    ):
        verdict = quiet(seen, WANT, beside)
        assert verdict.status is Status.UNKNOWN
        assert "scrapes of that target were lost" in verdict.because
    for seen, beside in (
        (history(BURNS), CONTROL),
        (history(LOST_ONE), History.of("control", [BURNS])),
        (history(), History.of("control", [LOST_ONE, BURNS, event(14, Kind.FIRING, "Other")])),
        (history(), History.of("control", [BURNS, replace(LOST_ONE, at=14.0)])),
        (history(), History.of("control", [replace(LOST_ONE, text="no scrape was made"), BURNS])),
    ):
        assert quiet(seen, WANT, beside).status is Status.FAIL


def test_a_drill_that_takes_its_service_down_does_not_lose_scrapes_to_the_machine() -> None:
    down = replace(WANT, downtime=True)
    assert quiet(history(LOST_ONE, BURNS), down, CONTROL).status is Status.FAIL


def test_declared_alerts_and_a_silent_control_pass() -> None:
    allowed = replace(WANT, declared=frozenset({ALERT, "HighErrorRate"}))
    verdict = quiet(history(event(14, Kind.FIRING, "HighErrorRate")), allowed, CONTROL)
    assert verdict.status is Status.PASS


TWIN = (
    event(10.0, Kind.INJECTED),
    event(10.2, Kind.WITNESSED),
    event(22.5, Kind.REPAIRING),
    event(22.6, Kind.REPAIRED),
    event(22.7, Kind.ENDED),
)


def test_a_twin_that_was_silent_for_long_enough_passes() -> None:
    assert stayed_quiet(History.of(SERVICE, TWIN), WANT).status is Status.PASS


def test_a_twin_that_fired_fails() -> None:
    loud = History.of(SERVICE, [*TWIN, event(15, Kind.FIRING, ALERT)])
    assert stayed_quiet(loud, WANT).status is Status.FAIL


def test_a_twin_that_was_watched_too_briefly_is_unknown() -> None:
    brief = History.of(SERVICE, [*TWIN[:2], event(12, Kind.REPAIRING), TWIN[4]])
    assert stayed_quiet(brief, WANT).status is Status.UNKNOWN


SUB = "HighErrorRate"


def test_an_inhibited_subordinate_passes() -> None:
    silenced = history(
        event(12, Kind.FIRING, SUB),
        event(12.5, Kind.SUPPRESSED, SUB, by=ALERT),
        event(18, Kind.UNSUPPRESSED, SUB),
    )
    assert hushed(silenced, WANT, SUB).status is Status.PASS


def test_a_subordinate_that_never_fired_proves_nothing() -> None:
    assert hushed(history(), WANT, SUB).status is Status.UNKNOWN


def test_a_subordinate_inhibited_by_another_fails() -> None:
    other = history(
        event(12, Kind.FIRING, SUB), event(12.5, Kind.SUPPRESSED, SUB, by="Maintenance")
    )
    assert "inhibited by Maintenance" in hushed(other, WANT, SUB).observed


def test_a_subordinate_that_notified_while_inhibited_fails() -> None:
    leak = replace(told(14, "slack #alerts"), alert=SUB)
    leaky = history(event(12, Kind.FIRING, SUB), event(12.5, Kind.SUPPRESSED, SUB, by=ALERT), leak)
    assert "notified slack #alerts" in hushed(leaky, WANT, SUB).observed


def test_a_subordinate_that_notified_before_it_was_inhibited_fails() -> None:
    early = replace(told(12.2, "slack #alerts"), alert=SUB)
    leaky = history(event(12, Kind.FIRING, SUB), event(12.5, Kind.SUPPRESSED, SUB, by=ALERT), early)
    assert hushed(leaky, WANT, SUB).status is Status.FAIL


def test_an_alert_that_fires_again_after_its_end_fails() -> None:
    assert "fired again" in resolved(history(event(22, Kind.FIRING, ALERT)), WANT).observed


def test_an_alert_that_still_fires_at_the_end_fails() -> None:
    assert resolved(history(without=(Kind.INACTIVE,)), WANT).status is Status.FAIL


def test_an_alert_that_ended_before_the_repair_fails() -> None:
    flapping = history(event(16.0, Kind.INACTIVE, ALERT))
    assert "before the repair" in resolved(flapping, WANT).observed


def test_an_end_that_may_lie_on_either_side_of_the_repair_is_not_before_it() -> None:
    ended = event(16.2, Kind.INACTIVE, ALERT, read_at="16.9")
    seen = history(ended, without=(Kind.INACTIVE,))
    assert resolved(seen, WANT).status is Status.PASS


def test_a_late_end_and_a_late_resolution_fail() -> None:
    tight = replace(WANT, bounds=replace(WANT.bounds, resolves=s(2), resolution_arrives=s(3)))
    assert "late" in resolved(history(), tight).observed
    assert "late" in resolution_arrived(history(), tight).observed


def test_a_resolution_that_never_arrived_fails() -> None:
    lost = History.of(SERVICE, [one for one in GOOD if one.detail.get("status") != "resolved"])
    assert "nothing at slack #alerts" in resolution_arrived(lost, WANT).observed


def test_only_a_pass_lets_a_check_pass() -> None:
    judge(fired(history(), WANT))
    for broken in (history(event(17, Kind.DISTURBED)), history(without=(Kind.FIRING,))):
        with pytest.raises(ClaimNotProved):
            judge(fired(broken, WANT))
