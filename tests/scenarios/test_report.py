"""What a run leaves is whole, is read again as it was, and calls nothing proved that was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from scenarios.berth import CONTROL
from scenarios.drill import Plan
from scenarios.faults.noop import Noop
from scenarios.history import History
from scenarios.model import MAIN, Drill
from scenarios.pages.page import render
from scenarios.pages.reading import read_run
from scenarios.pages.runs import Past
from scenarios.report import NotApplicable, verdict_of_run, write_evidence
from scenarios.result import Monitoring, Result
from scenarios.scope import LONGEST_WINDOW
from scenarios.settings import Settings
from scenarios.signals import Curve, Signal, Signals
from scenarios.verdict import Status, Verdict
from stack.derive import Derived, RunAddresses, derive
from stack.production import production_files
from stack.rules import load_rules
from stack.tools import Tools
from stack.windows import groups_within
from tests.scenarios.test_claims import ALERT, WANT, history, told

SIGNALS = Signals(
    sentence="A > latency_objective:milliseconds",
    start=8.0,
    step_seconds=0.25,
    conditions=(
        Signal(
            letter="A",
            query="x",
            sign=">",
            limit=1000.0,
            limit_name="latency_objective:milliseconds",
            unit="milliseconds",
            curves=(Curve(labels={"endpoint": "/"}, values=(None, 1.5, 2.0)),),
            decides=True,
        ),
    ),
)
PASSED = Verdict(claim="it fires", status=Status.PASS, expected="", observed="")
FAILED = replace(PASSED, status=Status.FAIL)
UNKNOWN = replace(PASSED, status=Status.UNKNOWN)


@pytest.fixture(scope="module")
def derived() -> Derived:
    place = "127.0.0.1:1"
    rules = load_rules(production_files().rules.read_text(encoding="utf-8"))
    return derive(
        production_files(),
        time_scale=60.0,
        groups=groups_within(rules, LONGEST_WINDOW),
        run=RunAddresses(
            prometheus_targets_glob=Path("/run/targets/*.yml"),
            prometheus=place,
            alertmanager=place,
            pagerduty_url=f"http://{place}",
            smtp_smarthost=place,
            smtp_ca_file=Path("/run/ca.pem"),
            secrets_directory=Path("/run/secrets"),
        ),
    )


def result(derived: Derived) -> Result:
    drill = Drill(alert=ALERT, fault=Noop())
    tool = SimpleNamespace(name="prometheus", version="3", sha256="", origin="PATH", source="")
    beats = History.of("monitoring", [told(3.0, "webhook heartbeat", payload="secret beat")])
    return Result(
        plans={drill.id: Plan(drill=drill, want=WANT)},
        histories={
            drill.id: history(told(18.0, "slack #alerts", "resolved", payload="its payload")),
            CONTROL: History.of(CONTROL, []),
        },
        controls={},
        monitoring={MAIN: Monitoring(watchers={"monitoring": beats}, strangers=beats)},
        phases={"drills": 10.0},
        derived={MAIN: derived},
        tools=cast(Tools, SimpleNamespace(each=lambda: [tool])),
        metric_names=frozenset(),
        signals={drill.id: SIGNALS},
    )


@pytest.fixture
def written(derived: Derived, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.json"
    write_evidence(
        path,
        Settings(),
        result(derived),
        {ALERT: [PASSED, FAILED]},
        [NotApplicable(test="test_x[A]", reason="no engine")],
        checks={"checks/service/test_a.py::test_a": [UNKNOWN]},
        exit_status=1,
    )
    return path


def test_what_is_written_is_read_again(written: Path, derived: Derived) -> None:
    run = read_run(written.read_text(), "evidence.json")
    (drill,) = run.drills
    assert drill.signals == SIGNALS
    assert drill.claims == (PASSED, FAILED)
    assert drill.receivers == tuple(sorted(WANT.receivers))
    assert drill.limits.arrives == WANT.bounds.arrives.total_seconds()
    assert len(drill.history.events) == len(history().events) + 1
    rule = derived.production_rules.alert(ALERT)
    assert (drill.rule.line, drill.rule.for_seconds) == (rule.line, rule.for_.total_seconds())
    assert drill.rule.file == "stack/alert-rules.yml"
    lines = production_files().rules.read_text().splitlines()
    assert f"alert: {ALERT}" in lines[drill.rule.line - 1]
    assert drill.rule.tick_seconds == pytest.approx(0.5)
    assert run.verdict is Status.FAIL
    assert len(run.differences) == len(derived.changes)


def test_a_page_is_made_of_what_is_written(written: Path) -> None:
    page = render(read_run(written.read_text(), "evidence.json"), Past())
    assert "Of 3 claims 1 failed and 1 could not be judged" in page
    assert "its payload" in page


def test_heartbeats_are_kept_without_their_bodies(written: Path) -> None:
    text = written.read_text()
    assert "its payload" in text
    assert "secret beat" not in text
    beside = json.loads(text)["beside_the_drills"][MAIN]["watchers"]["monitoring"]
    assert beside[0]["detail"]["receiver"] == "webhook heartbeat"


@pytest.mark.parametrize(
    ("verdicts", "exit_status", "said"),
    [
        ([PASSED], 0, Status.PASS),
        ([PASSED, UNKNOWN], 1, Status.UNKNOWN),
        ([PASSED, UNKNOWN, FAILED], 1, Status.FAIL),
        ([PASSED], 2, Status.UNKNOWN),
        ([], 0, Status.UNKNOWN),
    ],
)
def test_a_run_is_as_good_as_its_worst_claim_and_only_if_it_ended_well(
    verdicts: list[Verdict], exit_status: int, said: Status
) -> None:
    assert verdict_of_run(verdicts, exit_status) is said
