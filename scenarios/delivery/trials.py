"""The trials: each breaks one thing between Alertmanager and its receivers, and keeps what arrived.

One rule: a trial waits and records; what it saw is judged elsewhere (`scenarios.delivery.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals
from types import MappingProxyType

from scenarios.delivery.bench import Bench
from scenarios.delivery.evidence import Alert, Evidence
from stack.derive import Mute
from stack.receivers import (
    EMAIL_DIGEST,
    EMAIL_ON_CALL,
    PAGERDUTY,
    SLACK_ALERTS,
    SLACK_INCIDENTS,
    WEBHOOK_TICKET,
    Trouble,
)

DOWN = Alert(name="SoftFactoryDown", severity="CRITICAL")
MEMORY = Alert(name="CriticalMemoryUsage", severity="CRITICAL")
ERRORS = Alert(name="HighErrorRate", severity="HIGH")
EXPIRING = Alert(name="CertificateExpiring", severity="LOW")

TELLS_CRITICAL = frozenset({PAGERDUTY, SLACK_INCIDENTS})
TELLS_HIGH = frozenset({SLACK_ALERTS, EMAIL_ON_CALL})
TELLS_LOW = frozenset({EMAIL_DIGEST, WEBHOOK_TICKET})

FLUSHES = 3
"""For so many group intervals it is watched that nothing comes twice."""

INSTANCES = tuple(f"10.0.0.{number}:8000" for number in range(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is done on a bench.

    Attributes:
        severity: of the alert whose route sets the trial's pace.
        time_scale: by how much production's times are divided; it is chosen so that a repeat
            interval of hours is seconds where the trial waits for one.
    """

    run: Callable[[Bench], None]
    severity: str
    time_scale: float
    alertmanagers: int = 1
    mute: Mute = "never"


def receiver_down_then_back(bench: Bench) -> None:
    """Slack refuses connections until Alertmanager has given up once, and is then there again."""
    with bench.receivers.failing(SLACK_ALERTS, Trouble.REFUSED):
        bench.fire(ERRORS)
        bench.wait_for(lambda seen: bool(seen.told(ERRORS.name, EMAIL_ON_CALL)), "the mail")
        bench.wait_for(lambda seen: _given_up(bench, "slack") > 0, "Slack to be given up")
        bench.counts["given up"] = _given_up(bench, "slack")
    bench.mark("back")
    _told(bench, ERRORS, TELLS_HIGH)
    _watch(bench)


def _ended_in_the_middle(bench: Bench, number: Signals) -> None:
    """End Alertmanager after a page; a second alert begins while nobody is there; both resolve."""
    bench.fire(DOWN)
    _told(bench, DOWN, TELLS_CRITICAL)
    bench.let_finish()
    bench.end(0, number)
    other = Alert(name=MEMORY.name, severity=MEMORY.severity, service="till")
    bench.fire(other)
    bench.start_again(0)
    _told(bench, other, TELLS_CRITICAL)
    _watch(bench)
    bench.resolve(DOWN, other)
    _told(bench, DOWN, TELLS_CRITICAL, "resolved")
    _told(bench, other, TELLS_CRITICAL, "resolved")


def stopped_in_order(bench: Bench) -> None:
    """SIGTERM in the middle of an incident; a second alert begins while nobody is there."""
    _ended_in_the_middle(bench, SIGTERM)


def killed(bench: Bench) -> None:
    """SIGKILL just after a notification, which the log that was not saved yet knows nothing of."""
    _ended_in_the_middle(bench, SIGKILL)


def accepts_and_never_answers(bench: Bench) -> None:
    """PagerDuty takes a page and does not answer; Alertmanager can't know, and pages again."""
    with bench.receivers.failing(PAGERDUTY, Trouble.SILENT, times=1):
        bench.fire(DOWN)
        bench.wait_for(lambda seen: len(seen.told(DOWN.name, PAGERDUTY)) > 1, "the second page")
        bench.mark("answered")
        _watch(bench)


def one_of_two_dies(bench: Bench) -> None:
    """Of a cluster of two, the one that notifies first is killed; the other goes on."""
    bench.fire(DOWN)
    _told(bench, DOWN, TELLS_CRITICAL)
    _watch(bench)
    bench.end(0, SIGKILL)
    other = Alert(name=MEMORY.name, severity=MEMORY.severity, service="till")
    bench.fire(other)
    _told(bench, other, TELLS_CRITICAL)
    _watch(bench)
    bench.resolve(DOWN, other)
    _told(bench, DOWN, TELLS_CRITICAL, "resolved")
    _told(bench, other, TELLS_CRITICAL, "resolved")


def long_outage(bench: Bench) -> None:
    """An outage that lasts for more than one repeat interval and less than two."""
    interval, repeat = bench.route(DOWN.severity)
    bench.fire(DOWN)
    _told(bench, DOWN, TELLS_CRITICAL)
    bench.watch(1.5 * repeat + interval)
    bench.resolve(DOWN)
    _told(bench, DOWN, TELLS_CRITICAL, "resolved")
    bench.let_finish()
    _watch(bench)


def many_at_once(bench: Bench) -> None:
    """Ten instances fail at once, and an eleventh a little later."""
    alerts = [
        Alert(name=ERRORS.name, severity=ERRORS.severity, instance=instance)
        for instance in INSTANCES
    ]
    bench.fire(*alerts)
    _told(bench, ERRORS, TELLS_HIGH)
    bench.mark("told of ten")
    late = Alert(name=ERRORS.name, severity=ERRORS.severity, instance="10.0.0.10:8000")
    bench.fire(late)
    bench.wait_for(
        lambda seen: all(len(seen.told(ERRORS.name, one)) > 1 for one in TELLS_HIGH),
        "the group's second notification",
    )
    bench.let_finish()
    _watch(bench)


def inhibited(bench: Bench) -> None:
    """A service is down before its errors are noticed; then it is up again, and errors stay."""
    bench.fire(DOWN)
    _told(bench, DOWN, TELLS_CRITICAL)
    bench.fire(ERRORS)
    bench.wait_for(
        lambda seen: any(one.kind == "inhibitionMutedAlert" for one in seen.recorded),
        "Alertmanager to record an inhibition",
    )
    _watch(bench)
    bench.mark("reason ends")
    bench.resolve(DOWN)
    _told(bench, ERRORS, TELLS_HIGH)
    bench.let_finish()


def muted(bench: Bench) -> None:
    """LOW is muted by the calendar while HIGH is told; then the night is over."""
    bench.fire(EXPIRING, ERRORS)
    _told(bench, ERRORS, TELLS_HIGH)
    bench.wait_for(lambda seen: _muted(bench) > 0, "Alertmanager to count what the night mutes")
    _watch(bench)
    bench.counts["muted"] = _muted(bench)
    bench.counts["muted by night"] = bench.alertmanager().muted_by(EXPIRING.name).count("night")
    bench.mark("reason ends")
    bench.unmute()
    _told(bench, EXPIRING, TELLS_LOW)
    bench.let_finish()


TRIALS: Mapping[str, Trial] = MappingProxyType(
    {
        "receiver_down_then_back": Trial(
            run=receiver_down_then_back, severity="HIGH", time_scale=300
        ),
        "stopped_in_order": Trial(run=stopped_in_order, severity="CRITICAL", time_scale=60),
        "killed": Trial(run=killed, severity="CRITICAL", time_scale=60),
        "accepts_and_never_answers": Trial(
            run=accepts_and_never_answers, severity="CRITICAL", time_scale=60
        ),
        "one_of_two_dies": Trial(
            run=one_of_two_dies, severity="CRITICAL", time_scale=60, alertmanagers=2
        ),
        "long_outage": Trial(run=long_outage, severity="CRITICAL", time_scale=600),
        "many_at_once": Trial(run=many_at_once, severity="HIGH", time_scale=150),
        "inhibited": Trial(run=inhibited, severity="HIGH", time_scale=300),
        "muted": Trial(run=muted, severity="LOW", time_scale=300, mute="always"),
    }
)


def _told(bench: Bench, alert: Alert, receivers: frozenset[str], status: str = "firing") -> None:
    def everyone(seen: Evidence) -> bool:
        told = seen.told(alert.name, status=status)
        return receivers <= {one.receiver for one in told}

    bench.wait_for(
        everyone, f"{', '.join(sorted(receivers))} to be told that {alert.name} {status}"
    )


def _watch(bench: Bench) -> None:
    bench.watch(FLUSHES * bench.pace)


def _given_up(bench: Bench, integration: str) -> int:
    return bench.alertmanager().notification_counters().failed.get(integration, 0)


def _muted(bench: Bench) -> int:
    return bench.alertmanager().notification_counters().suppressed.get("mute_time_interval", 0)
