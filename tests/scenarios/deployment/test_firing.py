"""Nothing fires that must not; what always fires does, and gets through."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from scenarios.deployment.firing import Passed, heartbeats, judge_passed, judge_quiet
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status, Verdict
from stack.clients.alertmanager import AmAlert
from stack.clients.prometheus import ActiveAlert
from stack.production import production_files
from stack.rules import load_rules

ALWAYS = ("Watchdog",)


def alert(
    name: str, service: str = "shop", state: Literal["pending", "firing"] = "firing"
) -> ActiveAlert:
    return ActiveAlert(
        labels={"alertname": name, "service": service}, state=state, active_at=1.0, value=1.0
    )


WATCHDOG = alert("Watchdog", "monitoring")
HELD = AmAlert(
    labels=WATCHDOG.labels,
    fingerprint="1",
    state="active",
    inhibited_by=(),
    silenced_by=(),
    receivers=("heartbeat",),
    starts_at=1.0,
    ends_at=2.0,
)
WELL = Passed(alertmanagers=1, firing=(WATCHDOG,), held=(HELD,))


def quiet(*seen: ActiveAlert, allowed: Collection[str] = (), service: str = "") -> Verdict:
    return judge_quiet(seen, always=ALWAYS, allowed=allowed, service=service)


def test_the_alert_that_always_fires_is_known_by_its_severity() -> None:
    rules = load_rules(production_files().rules.read_text(), "alert-rules.yml")
    assert heartbeats(rules) == {"Watchdog"}


def test_the_watchdog_alone_passes() -> None:
    assert quiet(WATCHDOG).status is Status.PASS


def test_another_alert_fails_by_its_name_and_service() -> None:
    found = quiet(WATCHDOG, alert("HighErrorRate"))
    assert found.status is Status.FAIL
    assert found.observed == "HighErrorRate of shop fires"


def test_an_allowed_one_passes_and_is_told() -> None:
    found = quiet(WATCHDOG, alert("HighErrorRate"), allowed={"HighErrorRate"})
    assert found.status is Status.PASS
    assert "HighErrorRate of shop" in found.observed


def test_one_of_another_service_counts_unless_one_is_named() -> None:
    other = alert("HighErrorRate", "blog")
    assert quiet(WATCHDOG, other).status is Status.FAIL
    assert quiet(WATCHDOG, other, service="shop").status is Status.PASS


def test_one_about_the_watchers_counts_for_every_service() -> None:
    other = alert("AlertDeliveryFailing", "alertmanager")
    assert quiet(WATCHDOG, other, service="shop").status is Status.FAIL


def test_a_pending_one_is_told_and_no_failure() -> None:
    found = quiet(WATCHDOG, alert("HighErrorRate", state="pending"))
    assert found.status is Status.PASS
    assert "pending: HighErrorRate of shop" in found.observed


def test_silence_of_what_always_fires_is_a_failure_and_no_peace() -> None:
    found = quiet()
    assert found.status is Status.FAIL
    assert "Watchdog does not fire" in found.observed


def test_what_was_not_seen_is_not_known() -> None:
    missing = Missing(why="refused")
    assert judge_quiet(missing, always=(), allowed=(), service="").status is Status.UNKNOWN
    assert judge_passed(missing, ALWAYS).status is Status.UNKNOWN


def test_what_gets_through_passes() -> None:
    assert judge_passed(WELL, ALWAYS).status is Status.PASS


def test_what_does_not_get_through_fails() -> None:
    lost = judge_passed(replace(WELL, held=()), ALWAYS)
    assert lost.status is Status.FAIL
    assert "Watchdog fires, and Alertmanager does not hold it" in lost.observed
    assert judge_passed(replace(WELL, alertmanagers=0), ALWAYS).status is Status.FAIL


def test_without_an_alert_that_fires_it_is_not_known() -> None:
    assert judge_passed(replace(WELL, firing=()), ALWAYS).status is Status.UNKNOWN
    assert judge_passed(WELL, ()).status is Status.UNKNOWN
