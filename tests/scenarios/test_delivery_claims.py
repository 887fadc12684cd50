"""Each judge of delivery, on evidence written by hand: one that passes, and what makes it fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.delivery.claims import (
    deduplicated,
    grouped,
    inhibited_by,
    lists_all,
    muted_by,
    told_again,
    told_again_after,
    told_at_least_once,
    told_late,
    told_once,
)
from scenarios.delivery.evidence import Evidence, Recorded, key_of
from scenarios.verdict import Status, Verdict
from stack.receivers import (
    EMAIL_DIGEST,
    EMAIL_ON_CALL,
    PAGERDUTY,
    SLACK_ALERTS,
    SLACK_INCIDENTS,
    Delivery,
)

ALERT, OTHER, GROUP = "SoftFactoryDown", "HighErrorRate", "{}:{alertname}"
BOTH = (PAGERDUTY, SLACK_INCIDENTS)
INTERVAL, REPEAT = timedelta(seconds=1), timedelta(seconds=6)


def told(
    at: float, receiver: str, *, alert: str = ALERT, key: str = "", text: str = "", **changes: str
) -> Delivery:
    status = changes.get("status", "firing")
    return Delivery(
        at=at,
        receiver=receiver,
        status="resolved" if status == "resolved" else "firing",
        severity="CRITICAL",
        alert=alert,
        service="shop",
        headline=f"[FIRING] CRITICAL {alert} on shop: {text}",
        text=text,
        accepted=True,
        refusal=None,
        payload=json.dumps({"dedup_key": key}) if key else "",
    )


def sent(at: float, reason: str, flush: int, *names: str, channel: str = "slack") -> Recorded:
    return Recorded(
        at=at,
        kind="notification",
        alerts=names or (ALERT,),
        integration=channel,
        reason=reason,
        group=GROUP,
        flush=flush,
    )


def seen(*deliveries: Delivery, recorded: tuple[Recorded, ...] = (), **more: float) -> Evidence:
    """Evidence with ``more`` as its marks."""
    return Evidence(
        deliveries=deliveries,
        recorded=recorded,
        marks={name.replace("_", " "): at for name, at in more.items()},
        interval=INTERVAL,
        repeat=REPEAT,
    )


def once(evidence: Evidence) -> Verdict:
    return told_once(evidence, ALERT, BOTH)


def keyed(evidence: Evidence) -> Verdict:
    return told_at_least_once(evidence, ALERT, BOTH, keyed=PAGERDUTY)


def again(evidence: Evidence) -> Verdict:
    return told_again_after(evidence, ALERT, BOTH)


def late(evidence: Evidence) -> Verdict:
    return told_late(
        replace(evidence, counts={"given up": 1}), ALERT, SLACK_ALERTS, {EMAIL_ON_CALL}
    )


def no_news(evidence: Evidence) -> Verdict:
    return deduplicated(evidence, ALERT)


def all_listed(evidence: Evidence) -> Verdict:
    return lists_all(evidence, ALERT, ("a:1", "b:2"))


def in_group(evidence: Evidence) -> Verdict:
    return grouped(evidence, ALERT, "c:3")


def hushed(evidence: Evidence) -> Verdict:
    return inhibited_by(evidence, OTHER, ALERT, {EMAIL_ON_CALL})


def at_night(evidence: Evidence) -> Verdict:
    return muted_by(
        replace(evidence, counts={"muted": 3, "muted by night": 1}),
        ALERT,
        "night",
        {EMAIL_DIGEST},
        told=OTHER,
    )


JOINED = Recorded(at=5.0, kind="alertGrouped", alerts=(f"{ALERT} c:3",), group=GROUP)
FIRST = sent(4.0, "FIRST_NOTIFICATION", 1, f"{ALERT} a:1")
NEW = sent(5.5, "NEW_ALERTS_IN_GROUP", 2, f"{ALERT} a:1", f"{ALERT} c:3")
SILENCED = Recorded(at=2, kind="inhibitionMutedAlert", alerts=(OTHER,), by=f'alertname="{ALERT}"')
REPEATED = sent(8.0, "REPEAT_INTERVAL_ELAPSED", 60)

GOOD: dict[Callable[[Evidence], Verdict], Evidence] = {
    once: seen(told(1, PAGERDUTY), told(1, SLACK_INCIDENTS)),
    keyed: seen(told(1, PAGERDUTY, key="k"), told(2, PAGERDUTY, key="k"), told(1, SLACK_INCIDENTS)),
    again: seen(*(told(at, one) for at in (1, 7.2) for one in BOTH)),
    late: seen(told(1, EMAIL_ON_CALL), told(10.5, SLACK_ALERTS), back=10.0),
    no_news: seen(recorded=(sent(1.0, "FIRST_NOTIFICATION", 1), REPEATED)),
    all_listed: seen(told(1, PAGERDUTY, text="a:1 and b:2"), told_of_ten=2.0),
    in_group: seen(recorded=(FIRST, JOINED, NEW)),
    hushed: seen(told(6, EMAIL_ON_CALL, alert=OTHER), recorded=(SILENCED,), reason_ends=5.0),
    at_night: seen(told(6, EMAIL_DIGEST), told(1, PAGERDUTY, alert=OTHER), reason_ends=5.0),
}
BAD: list[tuple[Callable[[Evidence], Verdict], Evidence, str]] = [
    (once, seen(told(1, PAGERDUTY)), "nothing at slack #incidents"),
    (once, seen(*(told(1, one) for one in (*BOTH, PAGERDUTY))), "pagerduty was told 2 times"),
    (once, seen(*(told(1, one) for one in (*BOTH, EMAIL_DIGEST))), "should not be"),
    (
        keyed,
        seen(told(1, PAGERDUTY, key="k"), told(2, PAGERDUTY, key="x"), told(1, SLACK_INCIDENTS)),
        "2 keys",
    ),
    (keyed, seen(told(1, PAGERDUTY), told(1, SLACK_INCIDENTS)), "0 keys"),
    (keyed, seen(told(1, PAGERDUTY, key="k")), "nothing at slack #incidents"),
    (again, seen(*(told(1, one) for one in BOTH)), "was told 1 times"),
    (again, seen(*(told(at, one) for at in (1, 4) for one in BOTH)), "again after 3.00 s"),
    (again, seen(*(told(at, one) for at in (1, 20) for one in BOTH)), "only after 19.00 s"),
    (late, seen(told(1, EMAIL_ON_CALL), back=10.0), "nothing at slack #alerts"),
    (
        late,
        seen(told(11, EMAIL_ON_CALL), told(10.5, SLACK_ALERTS), back=10.0),
        "email on-call was told 1.0 s after",
    ),
    (
        late,
        seen(told(1, EMAIL_ON_CALL), told(15, SLACK_ALERTS), back=10.0),
        "was told 5.0 s after it was back",
    ),
    (
        late,
        seen(told(1, EMAIL_ON_CALL), told(9, SLACK_ALERTS), back=10.0),
        "1.0 s before it was back",
    ),
    (no_news, seen(), "no notification was recorded"),
    (no_news, seen(recorded=(sent(1.0, "FIRST_NOTIFICATION", 59), REPEATED)), "no flush between"),
    (
        no_news,
        seen(recorded=(sent(1.0, "FIRST_NOTIFICATION", 1), sent(3, "NEW_ALERTS_IN_GROUP", 9))),
        "NEW_ALERTS_IN_GROUP",
    ),
    (all_listed, seen(told_of_ten=2.0), "nobody was told"),
    (all_listed, seen(told(1, PAGERDUTY, text="a:1"), told_of_ten=2.0), "not told of b:2"),
    (
        all_listed,
        seen(*(told(1, PAGERDUTY, text=one) for one in ("a:1", "b:2")), told_of_ten=2.0),
        "told 2 times",
    ),
    (in_group, seen(recorded=(FIRST, NEW)), "never joined"),
    (in_group, seen(recorded=(FIRST, JOINED)), "never told of"),
    (in_group, seen(recorded=(FIRST, JOINED, replace(NEW, at=9.0))), "told 4.0 s after"),
    (
        in_group,
        seen(recorded=(FIRST, JOINED, replace(NEW, reason="FIRST_NOTIFICATION", group="x"))),
        "a group of its own",
    ),
    (hushed, seen(told(6, EMAIL_ON_CALL, alert=OTHER), reason_ends=5.0), "recorded no inhibition"),
    (
        hushed,
        seen(told(4, EMAIL_ON_CALL, alert=OTHER), recorded=(SILENCED,), reason_ends=5.0),
        "1.0 s before the reason ended",
    ),
    (hushed, seen(recorded=(SILENCED,), reason_ends=5.0), "nothing at email on-call"),
    (
        hushed,
        seen(
            told(6, EMAIL_ON_CALL, alert=OTHER),
            recorded=(replace(SILENCED, by='alertname="Else"'),),
            reason_ends=5.0,
        ),
        'inhibited by alertname="Else"',
    ),
    (at_night, seen(told(6, EMAIL_DIGEST), reason_ends=5.0), "was not told either"),
    (
        at_night,
        seen(told(4, EMAIL_DIGEST), told(1, PAGERDUTY, alert=OTHER), reason_ends=5.0),
        "before the reason ended",
    ),
]


@pytest.mark.parametrize("claim", GOOD, ids=lambda claim: claim.__name__)
def test_passes_on_good_evidence(claim: Callable[[Evidence], Verdict]) -> None:
    verdict = claim(GOOD[claim])
    assert verdict.status is Status.PASS, verdict


@pytest.mark.parametrize("claim", GOOD, ids=lambda claim: claim.__name__)
def test_a_trial_that_was_cut_short_proves_nothing(claim: Callable[[Evidence], Verdict]) -> None:
    verdict = claim(replace(GOOD[claim], stopped="waited 30 s for Slack"))
    assert verdict.status is Status.UNKNOWN
    assert "waited 30 s for Slack" in verdict.because


@pytest.mark.parametrize(("claim", "evidence", "said"), BAD)
def test_fails_and_says_why(
    claim: Callable[[Evidence], Verdict], evidence: Evidence, said: str
) -> None:
    verdict = claim(evidence)
    assert verdict.status is Status.FAIL
    assert said in verdict.observed


def test_a_receiver_that_was_never_given_up_proves_no_lateness() -> None:
    evidence = replace(GOOD[late], counts={})
    assert told_late(evidence, ALERT, SLACK_ALERTS, {EMAIL_ON_CALL}).status is Status.UNKNOWN


def test_what_came_once_shows_nothing_of_repetitions() -> None:
    assert told_again(GOOD[once], ALERT, PAGERDUTY).status is Status.UNKNOWN
    assert told_again(GOOD[keyed], ALERT, PAGERDUTY).status is Status.PASS


def test_what_nobody_counted_as_muted_was_not_muted() -> None:
    verdict = muted_by(GOOD[at_night], ALERT, "night", {EMAIL_DIGEST}, told=OTHER)
    assert verdict.status is Status.FAIL
    assert "does not name night" in verdict.observed


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ('{"dedup_key": "d"}', "d"),
        ('{"groupKey": "g"}', "g"),
        ('{"text": "x"}', ""),
        ("[]", ""),
        ("no JSON", ""),
    ],
)
def test_a_key_is_read_where_the_receiver_has_one(payload: str, key: str) -> None:
    assert key_of(replace(told(1, PAGERDUTY), payload=payload)) == key
