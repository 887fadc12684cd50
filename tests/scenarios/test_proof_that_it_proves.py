"""Controls: each breaks the stack, the service or the run itself, and the proof must notice.

Every one runs against the real stack, with the one drill that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.campaign import Campaign
from scenarios.catalogue import drills
from scenarios.claims import delivered, fired, in_time, resolved
from scenarios.faults.noop import Noop
from scenarios.history import Kind
from scenarios.model import Drill
from scenarios.quiet_claims import quiet
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.verdict import Status
from stack.derive import Derived
from stack.production import Production, production_files

pytestmark = pytest.mark.integration

CATALOGUE = {drill.id: drill for drill in drills()}
SECONDS_BUCKETS = "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10"


def run(
    folder: Path,
    drill: Drill,
    *,
    production: Production | None = None,
    tamper: Callable[[Derived], Derived] = lambda derived: derived,
    interfere: Callable[[Campaign], None] = lambda campaign: None,
) -> Result:
    settings = Settings(production=production or production_files(), reports=folder)
    with Campaign(
        settings,
        [drill],
        directory=folder / "run",
        say=lambda line: None,
        tamper=tamper,
        interfere=interfere,
    ) as campaign:
        return campaign.drill()


def edited(folder: Path, pattern: str, replacement: str) -> Production:
    """Production's files with one change to a copy of the Alertmanager configuration."""
    files = production_files()
    text, count = re.subn(pattern, replacement, files.alertmanager.read_text(), flags=re.DOTALL)
    assert count == 1, f"{pattern} stands {count} times in {files.alertmanager}"
    copy = folder / files.alertmanager.name
    copy.write_text(text)
    templates = files.alertmanager.parent / "templates"
    (folder / "templates").symlink_to(templates)
    return replace(files, alertmanager=copy)


def rule_without(key: str, alert: str) -> Callable[[Derived], Derived]:
    """Return what takes one key of one rule out of what is run."""

    def tamper(derived: Derived) -> Derived:
        start = derived.rules_yaml.index(f"alert: {alert}\n")
        head, tail = derived.rules_yaml[:start], derived.rules_yaml[start:]
        shorter, found = re.subn(rf"\n +{key}: \S+", "", tail, count=1)
        assert found, f"{alert} has no {key}"
        return replace(derived, rules_yaml=head + shorter)

    return tamper


def test_a_fault_that_does_nothing_never_fires(tmp_path: Path) -> None:
    drill = replace(CATALOGUE["DatabaseUnhealthy"], fault=Noop(), may_fire=frozenset())
    result = run(tmp_path, drill)
    history, want = result.histories[drill.id], result.plans[drill.id].want
    verdict = fired(history, want)
    assert verdict.status is Status.FAIL
    assert "never fired" in verdict.observed
    assert delivered(history, want).status is Status.FAIL
    assert quiet(history, want, result.control).status is Status.PASS


def test_histogram_buckets_in_seconds_keep_slow_response_time_from_firing(tmp_path: Path) -> None:
    slow = CATALOGUE["SlowResponseTime"]
    service = replace(slow.service, environment={"INSTRUMENT_LATENCY_BUCKETS_MS": SECONDS_BUCKETS})
    result = run(tmp_path, replace(slow, service=service))
    verdict = fired(result.histories[slow.id], result.plans[slow.id].want)
    assert verdict.status is Status.FAIL
    assert "never fired" in verdict.observed


def test_a_route_that_pages_for_high_names_both_receivers(tmp_path: Path) -> None:
    wrong = edited(tmp_path, r"(receiver: )high\b", r"\1critical")
    drill = CATALOGUE["FailedDatabaseBackup-too-old"]
    result = run(tmp_path, drill, production=wrong)
    verdict = delivered(result.histories[drill.id], result.plans[drill.id].want)
    assert verdict.status is Status.FAIL
    assert "nothing at email on-call" in verdict.observed
    assert "pagerduty was told, and should not be" in verdict.observed
    assert "names receiver 'critical'" in verdict.because


def test_a_rule_without_for_fires_too_early(tmp_path: Path) -> None:
    drill = CATALOGUE["DatabaseUnhealthy"]
    result = run(tmp_path, drill, tamper=rule_without("for", drill.alert))
    verdict = in_time(result.histories[drill.id], result.plans[drill.id].want)
    assert verdict.status is Status.FAIL
    assert "too early" in verdict.observed


def test_a_rule_that_tells_of_a_healthy_shipper_keeps_a_drill_that_ships_from_a_steady_state(
    tmp_path: Path,
) -> None:
    def always(derived: Derived) -> Derived:
        start = derived.rules_yaml.index("alert: LogShippingStalled\n")
        head, tail = derived.rules_yaml[:start], derived.rules_yaml[start:]
        return replace(derived, rules_yaml=head + tail.replace(" == 0", " >= 0", 1))

    drill = CATALOGUE["LogRecordsLost-refused"]
    result = run(tmp_path, drill, tamper=always)
    verdict = quiet(result.histories[drill.id], result.plans[drill.id].want, result.control)
    assert verdict.status is Status.UNKNOWN
    assert "active alerts: LogShippingStalled" in verdict.observed


def test_a_crash_loop_that_nothing_keeps_firing_flaps(tmp_path: Path) -> None:
    drill = CATALOGUE["RestartLoop-flapping"]
    result = run(tmp_path, drill, tamper=rule_without("keep_firing_for", drill.alert))
    verdict = resolved(result.histories[drill.id], result.plans[drill.id].want)
    assert verdict.status is Status.FAIL
    assert "it fired again" in verdict.observed


def test_a_template_error_is_a_notification_that_never_arrived(tmp_path: Path) -> None:
    broken = edited(
        tmp_path,
        r"""(title: )'{{ template "softfactory.slack.headline" . }}'""",
        r"""\1'{{ template "no.such.template" . }}'""",
    )
    drill = CATALOGUE["FailedDatabaseBackup-too-old"]
    result = run(tmp_path, drill, production=broken)
    history, want = result.histories[drill.id], result.plans[drill.id].want
    verdict = delivered(history, want)
    assert verdict.status is Status.FAIL
    assert "nothing at slack #alerts" in verdict.observed
    assert "gave up" in verdict.because
    assert history.first(Kind.DELIVERED, want.alert, receiver="email on-call")


def test_prometheus_dying_in_the_middle_leaves_everything_unknown(tmp_path: Path) -> None:
    drill = CATALOGUE["DatabaseUnhealthy"]

    def kill(campaign: Campaign) -> None:
        recorder = campaign.recorders[drill.id]
        assert recorder.wait_for(lambda history: bool(history.first(Kind.WITNESSED)), 30)
        campaign.processes.stop("prometheus", grace_seconds=0)

    result = run(tmp_path, drill, interfere=kill)
    history, want = result.histories[drill.id], result.plans[drill.id].want
    for verdict in (
        fired(history, want),
        in_time(history, want),
        delivered(history, want),
        resolved(history, want),
        quiet(history, want, result.control),
    ):
        assert verdict.status is Status.UNKNOWN
        assert "prometheus" in verdict.observed
